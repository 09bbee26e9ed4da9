/* given_noise.h: GivenTanhNormal, a TanhNormal whose noise is that of a golden case, NAME.noise.N of FILE, N one after
 * the other or as `order` says; without a case, and while shapes are recorded, a TanhNormal. */
#ifndef RLC_TEST_GIVEN_NOISE_H
#define RLC_TEST_GIVEN_NOISE_H

#include "modules/normal.h"
#include "tests/world.h"

static rlc_distribution_class given_class;
static const char *given_file, *given_case;
static const int *given_order;
static int given_draws;

static rlc_tensor *given_sample(rlc_distribution *d, rlc_stream *stream) {
    if (given_case == NULL || rlc_current()->shapes_only) {
        return rlc_tanh_normal_class.sample(d, stream);
    }
    int number = given_order != NULL ? given_order[given_draws] : given_draws;
    given_draws++;
    rlc_tensor *noise = golden_tensor(given_file, "%s.noise.%d", given_case, number);
    d->raw = rlc_add(loc_of(d), rlc_mul(scale_of(d), noise));
    return stretch(bounds_of(d), rlc_tanh(d->raw));
}

static inline void register_given(void) {
    given_case = NULL;
    if (given_class.sample == NULL) {
        given_class = rlc_tanh_normal_class;
        given_class.base.name = "GivenTanhNormal";
        given_class.sample = given_sample;
        expect_ok(rlc_register(world_registry(), &given_class.base));
    }
}

/* From here on draws come from this case; a case of NULL ends it. */
static inline void give(const char *file, const char *name, const int *order) {
    given_file = file, given_case = name, given_order = order, given_draws = 0;
}

#endif
