/* rlrun.h: the commands of rlrun. */
#ifndef RLC_RLRUN_H
#define RLC_RLRUN_H

#include "core/base.h"

/* What the command line said. */
typedef struct rlrun_arguments {
    const char *command; /* "train", "check", "resume", "eval", "list", "devices" */
    const char *target;  /* a recipe, a folder or a type */
    const char **overrides;
    int num_overrides;
    const char *out;
    int64_t episodes; /* 0: as the recipe says */
    bool overwrite, quiet;
} rlrun_arguments;

rlc_status rlrun_train(const rlrun_arguments *a);
rlc_status rlrun_check(const rlrun_arguments *a);
rlc_status rlrun_resume(const rlrun_arguments *a);
rlc_status rlrun_eval(const rlrun_arguments *a);
rlc_status rlrun_list(const rlrun_arguments *a);
rlc_status rlrun_devices(const rlrun_arguments *a);

#endif
