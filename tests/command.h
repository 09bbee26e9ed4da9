/* command.h: running rlrun as its users do, and looking at the files it leaves. */
#ifndef RLC_TEST_COMMAND_H
#define RLC_TEST_COMMAND_H

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support.h"

#define UNUSED_OK __attribute__((unused)) static

/* A folder for this test program's runs, removed at its end. */
static char work_folder[64] = "/tmp/rlc-test-XXXXXX";

UNUSED_OK int make_work_folder(void **state) {
    (void)state;
    return mkdtemp(work_folder) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *where) {
    (void)info, (void)flag, (void)where;
    return remove(path);
}

UNUSED_OK int remove_work_folder(void **state) {
    (void)state;
    return nftw(work_folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

UNUSED_OK const char *in_work_folder(const char *name) {
    static char paths[8][1024];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", work_folder, name);
    return path;
}

/* Starts rlrun with arguments as a shell would split them; both outputs go to the file `log` of the work folder. */
UNUSED_OK pid_t start_rlrun(const char *arguments) {
    char command[2048];
    snprintf(command, sizeof command, "exec %s %s", TEST_RLRUN, arguments);
    pid_t child = fork();
    if (child == 0) {
        int log = open(in_work_folder("log"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    assert_true(child > 0);
    return child;
}

/* Waits for it; the exit status, or 1000 plus the signal that ended it. */
UNUSED_OK int finish_rlrun(pid_t child) {
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* A whole file as text; free the result. NULL when it is not there. */
UNUSED_OK char *read_file(const char *path, size_t *size) {
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        return NULL;
    }
    fseek(in, 0, SEEK_END);
    long length = ftell(in);
    rewind(in);
    char *text = malloc((size_t)length + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)length, in), (size_t)length);
    text[length] = '\0';
    fclose(in);
    if (size != NULL) {
        *size = (size_t)length;
    }
    return text;
}

/* Runs rlrun to its end and expects an exit status and a text in what it said. */
UNUSED_OK void expect_rlrun(const char *arguments, int wanted, const char *text) {
    int status = finish_rlrun(start_rlrun(arguments));
    char *log = read_file(in_work_folder("log"), NULL);
    assert_non_null(log);
    if (status != wanted || strstr(log, text) == NULL) {
        fail_msg("rlrun %s: expected status %d and '%s', got %d and: %s", arguments, wanted, text, status, log);
    }
    free(log);
}

UNUSED_OK void expect_equal_files(const char *folder_a, const char *folder_b, const char *name) {
    char a[512], b[512];
    size_t size_a = 0, size_b = 0;
    snprintf(a, sizeof a, "%s/%s/%s", work_folder, folder_a, name);
    snprintf(b, sizeof b, "%s/%s/%s", work_folder, folder_b, name);
    char *text_a = read_file(a, &size_a), *text_b = read_file(b, &size_b);
    if (text_a == NULL || text_b == NULL || size_a != size_b || memcmp(text_a, text_b, size_a) != 0) {
        fail_msg("%s and %s differ", a, b);
    }
    free(text_a);
    free(text_b);
}

UNUSED_OK bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

UNUSED_OK void nap(int milliseconds) {
    struct timespec t = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
    nanosleep(&t, NULL);
}

/* Waits until a file is there, for a minute at most. */
UNUSED_OK void await(const char *path) {
    for (int i = 0; i < 60000 && !exists(path); i++) {
        nap(1);
    }
    assert_true(exists(path));
}

#endif
