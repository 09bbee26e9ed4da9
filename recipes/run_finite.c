/* run_finite.c: a run stops where one of its numbers is none any more, before a checkpoint is written of it.
 *
 * The sums of what the loss gives are looked at after every update where that costs a read of memory, else whenever they
 * are read anyway. What the loss does not show, a gradient that overflows, is found in the parameters, before each
 * checkpoint.
 */
#include <math.h>
#include <stdlib.h>

#include "recipes/run.h"

rlc_status rlc_run_refuse(const char *name, double value, int64_t frame) {
    return rlc_fail(RLC_FAILED, "%s became %s before frame %lld; run again with RLC_CHECK_NAN=1 to see where it began",
                    name,
                    isnan(value) ? "nan"
                    : value > 0  ? "inf"
                                 : "-inf",
                    (long long)frame);
}

rlc_status rlc_run_check_losses(const rlc_run *run) {
    for (int i = 0; i < run->num_sums; i++) {
        const rlc_running_sum *sum = &run->sums[i];
        double total;
        RLC_TRY(rlc_tensor_read(sum->total, &total));
        if (!isfinite(total)) {
            return rlc_run_refuse(sum->name, total, *run->collector->frames);
        }
    }
    return RLC_OK;
}

rlc_status rlc_run_check_update(const rlc_run *run) {
    const rlc_tensor *loss = run->loss_sum;
    return !loss->device->memory.on_host || isfinite(*(const double *)loss->data) ? RLC_OK : rlc_run_check_losses(run);
}

/* The first of a tensor's numbers that is not finite, else 0; whole numbers always are. */
static rlc_status find_lost(const rlc_tensor *t, double *lost) {
    bool single = t->dtype == RLC_F32;
    *lost = 0;
    if (!single && t->dtype != RLC_F64) {
        return RLC_OK;
    }
    void *values = rlc_calloc((size_t)t->numel + 1, rlc_dtype_size((rlc_dtype)t->dtype));
    if (values == NULL) {
        return rlc_error_status();
    }
    rlc_status status = rlc_tensor_read(t, values);
    for (int64_t i = 0; status == RLC_OK && i < t->numel && isfinite(*lost); i++) {
        *lost = single ? (double)((const float *)values)[i] : ((const double *)values)[i];
    }
    free(values);
    return status;
}

static rlc_status check_list(const rlc_run *run, const rlc_named_tensor *list, int count) {
    for (int i = 0; i < count; i++) {
        double lost;
        RLC_TRY(find_lost(list[i].tensor, &lost));
        if (!isfinite(lost)) {
            return rlc_run_refuse(list[i].name, lost, *run->collector->frames);
        }
    }
    return RLC_OK;
}

rlc_status rlc_run_check_parameters(const rlc_run *run) {
    rlc_arena arena = {0};
    rlc_named_tensor *list;
    int count;
    rlc_status status = rlc_run_parameters(run, &arena, &list, &count);
    status = status == RLC_OK ? check_list(run, list, count) : status;
    rlc_arena_free(&arena);
    return status;
}
