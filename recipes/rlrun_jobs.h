/* rlrun_jobs.h: several things at once, each in a process of its own, which a fault or a signal ends alone.
 *
 *     rlrun_job jobs[2] = {{.number = 1}, {.number = 2}};
 *     rlc_status status = rlrun_jobs_run(jobs, 2, 2, train_one, NULL, &context);
 *
 * SIGINT and SIGTERM are handed on to the processes that run, and no more are started; the processes have a group of their
 * own, so that a terminal's interrupt reaches them once.
 */
#ifndef RLC_RLRUN_JOBS_H
#define RLC_RLRUN_JOBS_H

#include <sys/types.h>

#include "core/base.h"

typedef struct rlrun_job {
    int64_t number;     /* what the caller knows it by */
    rlc_status status;  /* how it ended; RLC_INTERRUPTED for one that was never started */
    char message[2048]; /* its error */
    pid_t process;      /* 0: it does not run */
    int errors;         /* where its message comes from */
} rlrun_job;

/* Runs `run` for each job, `at_once` of them at a time, and waits for all. `ended`, unless it is NULL, is called in this
 * process after each. RLC_OK when all ended well; RLC_INTERRUPTED after a signal; else RLC_FAILED, and the jobs know why. */
rlc_status rlrun_jobs_run(rlrun_job *jobs, int64_t count, int64_t at_once,
                          rlc_status (*run)(const rlrun_job *job, void *context),
                          void (*ended)(const rlrun_job *job, void *context), void *context);

#endif
