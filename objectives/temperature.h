/* temperature.h: alpha, the weight of the entropy, which SAC and its kin learn: log_alpha is a parameter of the loss, in
 * its group "alpha".
 */
#ifndef RLC_TEMPERATURE_H
#define RLC_TEMPERATURE_H

#include "modules/distribution.h"
#include "objectives/loss.h"

RLC_BEGIN

typedef struct rlc_temperature {
    double alpha_init, min_alpha, max_alpha;
    const char *target_entropy_text;
    bool fixed_alpha;
    double target_entropy;
    bool of_alpha;         /* set before init: its loss is - alpha (log_prob + target_entropy), not - log_alpha (...) */
    rlc_tensor *log_alpha; /* NULL where it is fixed */
} rlc_temperature;

/* `least` and `most`: bounds of alpha unless a recipe says otherwise. */
#define RLC_TEMPERATURE_OPTIONS(Type, field, least, most)                                                              \
    {.name = "alpha_init",                                                                                             \
     .type = RLC_OPTION_FLOAT,                                                                                         \
     .offset = offsetof(Type, field.alpha_init),                                                                       \
     .number = 1,                                                                                                      \
     .min = 1e-9,                                                                                                      \
     .max = 1e9,                                                                                                       \
     .help = "temperature at the start"},                                                                              \
        {.name = "min_alpha",                                                                                          \
         .type = RLC_OPTION_FLOAT,                                                                                     \
         .offset = offsetof(Type, field.min_alpha),                                                                    \
         .number = least,                                                                                              \
         .min = 0,                                                                                                     \
         .max = 1e9,                                                                                                   \
         .help = "smallest temperature; 0 for none"},                                                                  \
        {.name = "max_alpha",                                                                                          \
         .type = RLC_OPTION_FLOAT,                                                                                     \
         .offset = offsetof(Type, field.max_alpha),                                                                    \
         .number = most,                                                                                               \
         .min = 0,                                                                                                     \
         .max = 1e9,                                                                                                   \
         .help = "largest temperature; 0 for none"},                                                                   \
        {.name = "fixed_alpha",                                                                                        \
         .type = RLC_OPTION_BOOL,                                                                                      \
         .offset = offsetof(Type, field.fixed_alpha),                                                                  \
         .number = 0,                                                                                                  \
         .help = "keep the temperature as it starts"},                                                                 \
    {                                                                                                                  \
        .name = "target_entropy", .type = RLC_OPTION_STRING, .offset = offsetof(Type, field.target_entropy_text),      \
        .text = "auto", .help = "entropy that the temperature aims at: a number, or auto"                              \
    }

/* For init, before members are built: declares log_alpha; `usual` is what auto means. False with an error. */
bool rlc_temperature_init(rlc_temperature *temperature, rlc_loss *loss, double usual);

/* alpha, of which no gradient is taken; log_alpha is moved into its bounds first, as TorchRL moves it. */
rlc_tensor *rlc_temperature_value(const rlc_temperature *temperature);

/* Adds - log_alpha (log_prob + target_entropy) to a loss where alpha is learned, and reports it and alpha. log_prob,
 * [*batch, 1], is weighted as the batch says (objectives/replay.h). */
rlc_tensor *rlc_temperature_add(const rlc_temperature *temperature, rlc_loss *loss, const rlc_dict *td, rlc_tensor *to,
                                rlc_tensor *alpha, rlc_tensor *log_prob);

/* Whether a loss's actor is a stochastic policy; false with an error. */
bool rlc_loss_expect_stochastic(const rlc_loss *loss, const rlc_module *actor);

RLC_END

#endif
