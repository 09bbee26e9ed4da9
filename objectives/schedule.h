/* schedule.h: a number that may change over a run: a learning rate, a clipping range, an entropy coefficient.
 *
 *     lr: 2.5e-4
 *     lr: {type: linear, from: 2.5e-4, to: 0}
 *     lr: {type: cosine, from: 1e-3, eta_min: 1e-5, warmup: 10_000}
 *
 * All of them count frames, and none of them remembers anything: the value is computed from the run's counter of frames
 * when the step runs. So a run that is resumed goes on exactly, and a recorded step stays right. `rlrun list` shows the
 * types; names and formulas are those of torch.optim.lr_scheduler, with one of its steps a frame.
 *
 *     rlc_schedule *clip;                                               // in init: option `clip` as RLC_VALUE
 *     rlc_schedule_read(registry, arena, "loss", "clip", self->clip_option, &clip);
 *     rlc_tensor *now = rlc_schedule_record(clip, frames, total_frames); // in forward: in place of rlc_scalar(0.2)
 */
#ifndef RLC_SCHEDULE_H
#define RLC_SCHEDULE_H

#include "core/class.h"
#include "core/op.h"

RLC_BEGIN

typedef struct rlc_schedule rlc_schedule;

typedef struct rlc_schedule_class {
    rlc_class base;
    /* Records the value at frame t, a float64 without dimensions, of the `length` frames that the schedule has; at frame
     * 0 it is `from`. NULL for one that does not change. */
    rlc_tensor *(*record)(const rlc_schedule *self, rlc_tensor *t, int64_t length);
} rlc_schedule_class;

struct rlc_schedule {
    const rlc_schedule_class *type;
    double from;
    int64_t warmup; /* frames in which it rises from 0 to `from`; only then the schedule begins */
};

/* Makes a schedule, which lives in the arena, of an option's value: a number from 0 on, or a map with a type. `what` and
 * `option` are for messages: "optim", "lr". */
rlc_status rlc_schedule_read(const rlc_registry *registry, rlc_arena *arena, const char *what, const char *option,
                             const rlc_value *value, rlc_schedule **schedule);

/* A schedule that stays at one number: what an option is when a recipe does not give it. NULL with an error. */
rlc_schedule *rlc_schedule_constant(rlc_arena *arena, double value);

bool rlc_schedule_changes(const rlc_schedule *schedule);

/* The value at the run's first frame. */
double rlc_schedule_start(const rlc_schedule *schedule);

/* Records the value now, a float32 without dimensions. `frames` is an int64 with one element, how far the run of
 * `total_frames` is; a schedule that does not change needs neither. */
rlc_tensor *rlc_schedule_record(const rlc_schedule *schedule, rlc_tensor *frames, int64_t total_frames);

extern const rlc_option rlc__schedule_options[];
extern const rlc_schedule_class rlc_constant_schedule_class, rlc_linear_schedule_class, rlc_step_schedule_class,
    rlc_exponential_schedule_class, rlc_cosine_schedule_class;

RLC_END

#endif
