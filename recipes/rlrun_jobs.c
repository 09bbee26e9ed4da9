#include "recipes/rlrun_jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the handler of signals looks at. */
static rlrun_job *running;
static volatile sig_atomic_t num_running, stopped;

static void hand_on(int signal_number) {
    stopped = 1;
    for (int i = 0; i < num_running; i++) {
        if (running[i].process > 0) {
            kill(running[i].process, signal_number);
        }
    }
}

static void hold_signals(bool hold) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* The whole life of a process of its own. Its error goes into the pipe, which holds more than a message. */
static void live(const rlrun_job *job, int errors, rlc_status (*run)(const rlrun_job *, void *), void *context) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    hold_signals(false);
    rlc_status status = run(job, context);
    const char *message = status != RLC_OK ? rlc_error() : "";
    bool told = write(errors, message, strlen(message)) == (ssize_t)strlen(message);
    fflush(stdout);
    _exit(told ? (int)status : RLC_FAILED);
}

static rlc_status start(rlrun_job *job, rlc_status (*run)(const rlrun_job *, void *), void *context) {
    int ends[2];
    if (pipe(ends) != 0) {
        return rlc_fail(RLC_FAILED, "no pipe could be made: %s", strerror(errno));
    }
    fflush(stdout);
    hold_signals(true);
    pid_t process = fork();
    if (process == 0) {
        close(ends[0]);
        live(job, ends[1], run, context);
    }
    int why = errno;
    if (process > 0) {
        job->process = process;
    }
    hold_signals(false);
    close(ends[1]);
    job->errors = ends[0];
    if (process < 0) {
        close(ends[0]);
        return rlc_fail(RLC_FAILED, "no process could be started: %s", strerror(why));
    }
    return RLC_OK;
}

/* Notes how a job ended. */
static void note_end(rlrun_job *job, int how) {
    size_t size = 0;
    ssize_t got;
    while ((got = read(job->errors, job->message + size, sizeof job->message - 1 - size)) > 0 ||
           (got < 0 && errno == EINTR)) {
        size += got > 0 ? (size_t)got : 0;
    }
    close(job->errors);
    job->message[size] = '\0';
    job->process = 0;
    job->status = WIFEXITED(how) ? (rlc_status)WEXITSTATUS(how) : RLC_FAILED;
    if (!WIFEXITED(how)) {
        snprintf(job->message, sizeof job->message, "ended by signal %d (%s)", WTERMSIG(how), strsignal(WTERMSIG(how)));
    }
}

/* Waits for any of them. */
static rlc_status await(rlrun_job *jobs, int64_t count, rlrun_job **found) {
    int how;
    pid_t process;
    do {
        process = waitpid(-1, &how, 0);
    } while (process < 0 && errno == EINTR);
    for (int64_t i = 0; i < count && process > 0; i++) {
        if (jobs[i].process == process) {
            note_end(&jobs[i], how);
            *found = &jobs[i];
            return RLC_OK;
        }
    }
    return rlc_fail(RLC_FAILED, "a process was lost: %s", strerror(errno));
}

static rlc_status run_all(rlrun_job *jobs, int64_t count, int64_t at_once, rlc_status (*run)(const rlrun_job *, void *),
                          void (*ended)(const rlrun_job *, void *), void *context) {
    int64_t next = 0, alive = 0;
    rlc_status status = RLC_OK; /* where one cannot be started, those that run come to their end */
    while (alive > 0 || (next < count && !stopped && status == RLC_OK)) {
        if (next < count && alive < at_once && !stopped && status == RLC_OK) {
            status = start(&jobs[next], run, context);
            num_running = (sig_atomic_t)++next;
            alive += status == RLC_OK;
            continue;
        }
        rlrun_job *job = NULL;
        RLC_TRY(await(jobs, next, &job));
        alive--;
        if (ended != NULL) {
            ended(job, context);
        }
    }
    return status;
}

rlc_status rlrun_jobs_run(rlrun_job *jobs, int64_t count, int64_t at_once, rlc_status (*run)(const rlrun_job *, void *),
                          void (*ended)(const rlrun_job *, void *), void *context) {
    struct sigaction action = {.sa_handler = hand_on}, old_int, old_term;
    for (int64_t i = 0; i < count; i++) {
        jobs[i].status = RLC_INTERRUPTED;
        jobs[i].process = 0;
        jobs[i].message[0] = '\0';
    }
    running = jobs;
    num_running = stopped = 0;
    sigaction(SIGINT, &action, &old_int);
    sigaction(SIGTERM, &action, &old_term);
    rlc_status status = run_all(jobs, count, at_once, run, ended, context);
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    for (int64_t i = 0; i < count && status == RLC_OK && !stopped; i++) {
        status = jobs[i].status == RLC_OK ? RLC_OK : RLC_FAILED;
    }
    return stopped ? RLC_INTERRUPTED : status;
}
