#include "objectives/schedule.h"

#include <math.h>
#include <stdio.h>

#include "core/record.h"

enum { MAX_NUMBER = 1000000 };

const rlc_option rlc__schedule_options[] = {
    RLC_FLOAT(rlc_schedule, from, RLC_REQUIRED, 0, MAX_NUMBER, "the number at the start", .alias = "value"),
    RLC_LONG(rlc_schedule, warmup, 0, 0, 1e15, "frames in which it rises from 0 before the schedule begins"),
    {0},
};

const rlc_schedule_class rlc_constant_schedule_class = {
    .base = {.kind = "schedule", .name = "constant", .doc = "stays as it is", .size = sizeof(rlc_schedule)},
};

typedef struct linear {
    rlc_schedule base;
    double to;
} linear;

static const rlc_option linear_options[] = {
    RLC_FLOAT(linear, to, 0, 0, MAX_NUMBER, "the number at the end of the run"),
    {0},
};

static rlc_tensor *record_linear(const rlc_schedule *self, rlc_tensor *t, int64_t length) {
    rlc_tensor *progress = rlc_clamp(rlc_mul_scalar(t, 1 / (double)length), 0, 1);
    return rlc_add_scalar(rlc_mul_scalar(progress, ((const linear *)self)->to - self->from), self->from);
}

const rlc_schedule_class rlc_linear_schedule_class = {
    .base = {.kind = "schedule",
             .name = "linear",
             .doc = "a straight line over the run",
             .size = sizeof(linear),
             .options = linear_options},
    .record = record_linear,
};

/* What step and exponential share: times gamma for every step_size frames. */
typedef struct geometric {
    rlc_schedule base;
    double gamma;
    int64_t step_size;
} geometric;

static rlc_tensor *record_power(const geometric *g, rlc_tensor *exponent) {
    return rlc_mul_scalar(rlc_exp(rlc_mul_scalar(exponent, log(g->gamma))), g->base.from);
}

static const rlc_option step_options[] = {
    RLC_FLOAT(geometric, gamma, 0.1, 1e-9, 1e9, "what each step multiplies by"),
    RLC_LONG(geometric, step_size, RLC_REQUIRED, 1, 1e15, "frames between two steps"),
    {0},
};

/* A division, because frames / step_size must be whole where a step is due. */
static rlc_tensor *record_step(const rlc_schedule *self, rlc_tensor *t, int64_t length) {
    const geometric *g = (const geometric *)self;
    (void)length;
    return record_power(g, rlc_floor(rlc_div(t, rlc_full(RLC_F64, (rlc_shape){0}, (double)g->step_size))));
}

const rlc_schedule_class rlc_step_schedule_class = {
    .base = {.kind = "schedule",
             .name = "step",
             .doc = "a step every step_size frames, as torch's StepLR",
             .size = sizeof(geometric),
             .options = step_options},
    .record = record_step,
};

static const rlc_option exponential_options[] = {
    RLC_FLOAT(geometric, gamma, RLC_REQUIRED, 1e-9, 1e9, "what step_size frames multiply by"),
    RLC_LONG(geometric, step_size, 1, 1, 1e15, "frames that gamma is for"),
    {0},
};

static rlc_tensor *record_exponential(const rlc_schedule *self, rlc_tensor *t, int64_t length) {
    const geometric *g = (const geometric *)self;
    (void)length;
    return record_power(g, rlc_mul_scalar(t, 1 / (double)g->step_size));
}

const rlc_schedule_class rlc_exponential_schedule_class = {
    .base = {.kind = "schedule",
             .name = "exponential",
             .doc = "a steady decay, as torch's ExponentialLR",
             .size = sizeof(geometric),
             .options = exponential_options},
    .record = record_exponential,
};

typedef struct cosine {
    rlc_schedule base;
    double eta_min;
    int64_t T_max;
} cosine;

static const rlc_option cosine_options[] = {
    RLC_FLOAT(cosine, eta_min, 0, 0, MAX_NUMBER, "the number after T_max frames"),
    RLC_LONG(cosine, T_max, 0, 0, 1e15, "frames of the half wave, after which it rises again; 0 for the whole run"),
    {0},
};

static rlc_tensor *record_cosine(const rlc_schedule *self, rlc_tensor *t, int64_t length) {
    static const double pi = 3.14159265358979323846;
    const cosine *c = (const cosine *)self;
    double half = (self->from - c->eta_min) / 2;
    rlc_tensor *wave = rlc_cos(rlc_mul_scalar(t, pi / (double)(c->T_max > 0 ? c->T_max : length)));
    return rlc_add_scalar(rlc_mul_scalar(wave, half), c->eta_min + half);
}

const rlc_schedule_class rlc_cosine_schedule_class = {
    .base = {.kind = "schedule",
             .name = "cosine",
             .doc = "half a cosine wave, as torch's CosineAnnealingLR",
             .size = sizeof(cosine),
             .options = cosine_options},
    .record = record_cosine,
};

rlc_schedule *rlc_schedule_constant(rlc_arena *arena, double value) {
    rlc_schedule *s = rlc_arena_calloc(arena, sizeof *s);
    if (s != NULL) {
        *s = (rlc_schedule){.type = &rlc_constant_schedule_class, .from = value};
    }
    return s;
}

rlc_status rlc_schedule_read(const rlc_registry *registry, rlc_arena *arena, const char *what, const char *option,
                             const rlc_value *value, rlc_schedule **schedule) {
    char name[128], text[64];
    double number;
    if (value->kind != RLC_MAP) {
        if (!rlc_value_number(value, &number) || number < 0 || number > MAX_NUMBER) {
            return rlc_value_fail(value, "%s: option '%s' must be a number from 0 to %d or a map with a type, not %s",
                                  what, option, MAX_NUMBER, rlc_value_describe(value, text));
        }
        *schedule = rlc_schedule_constant(arena, number);
        return *schedule != NULL ? RLC_OK : rlc_error_status();
    }
    snprintf(name, sizeof name, "%s.%s", what, option);
    const rlc_schedule_class *type =
        (const rlc_schedule_class *)rlc_registry_type_of(registry, "schedule", name, value);
    rlc_schedule *s = type != NULL ? rlc_arena_calloc(arena, type->base.size) : NULL;
    if (s == NULL) {
        return rlc_error_status();
    }
    s->type = type;
    *schedule = s;
    return rlc_options_apply(arena, name, value, s, rlc__schedule_options, type->base.options);
}

bool rlc_schedule_changes(const rlc_schedule *s) {
    return s->type->record != NULL || s->warmup > 0;
}

double rlc_schedule_start(const rlc_schedule *s) {
    return s->warmup > 0 ? 0 : s->from;
}

rlc_tensor *rlc_schedule_record(const rlc_schedule *s, rlc_tensor *frames, int64_t total_frames) {
    if (!rlc_schedule_changes(s)) {
        return rlc_scalar(s->from);
    }
    if (rlc__require_program("schedule") == NULL) {
        return NULL;
    }
    if (frames == NULL || frames->numel != 1 || total_frames < 1) {
        return rlc__op_fail("schedule", "%s goes by the frames of a run, and there is none", s->type->base.name);
    }
    rlc_tensor *now = rlc_reshape(rlc_cast(frames, RLC_F64), (rlc_shape){0}), *t = now;
    int64_t length = total_frames > s->warmup ? total_frames - s->warmup : 1;
    if (s->warmup > 0) {
        t = rlc_clamp(rlc_add_scalar(now, -(double)s->warmup), 0, INFINITY);
    }
    rlc_tensor *value =
        s->type->record != NULL ? s->type->record(s, t, length) : rlc_full(RLC_F64, (rlc_shape){0}, s->from);
    if (s->warmup > 0) {
        value = rlc_mul(value, rlc_clamp(rlc_mul_scalar(now, 1 / (double)s->warmup), 0, 1));
    }
    return rlc_cast(value, RLC_F32);
}
