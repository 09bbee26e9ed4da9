/* stopped_run.h: runs that a signal stops on the way and `rlrun resume` finishes, against one that nothing stopped. */
#ifndef RLC_TEST_STOPPED_RUN_H
#define RLC_TEST_STOPPED_RUN_H

#include "tests/command.h"

/* All files of a run but its timings are the same, bit for bit. */
UNUSED_OK void expect_equal_runs(const char *a, const char *b) {
    static const char *const files[] = {"scalars.csv", "checkpoint.safetensors", "resume.safetensors"};
    for (int i = 0; i < RLC_COUNT(files); i++) {
        expect_equal_files(a, b, files[i]);
    }
}

UNUSED_OK const char *resume(const char *folder) {
    static char arguments[512];
    snprintf(arguments, sizeof arguments, "resume %s", in_work_folder(folder));
    return arguments;
}

/* Starts a run into `folder` and sends it a signal once the file `once_there` is in it and some milliseconds more, other
 * ones every time; how it ended. Where so much else is going on that it gets to its end before the signal does, it begins anew,
 * a few times. */
UNUSED_OK int stop_run(const char *arguments, const char *folder, int signal_number, const char *once_there) {
    enum { TIMES = 10 };
    char path[512];
    int status = 0;
    snprintf(path, sizeof path, "%s/%s", folder, once_there);
    for (int attempt = 0; attempt < TIMES && status == 0; attempt++) {
        if (exists(in_work_folder(folder))) {
            assert_int_equal(nftw(in_work_folder(folder), remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
        }
        pid_t child = start_rlrun(arguments);
        await(in_work_folder(path));
        nap(attempt == 0 ? (int)(getpid() % 40) : 0);
        assert_int_equal(kill(child, signal_number), 0);
        status = finish_rlrun(child);
    }
    return status;
}

#endif
