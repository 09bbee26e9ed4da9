/* gan.c: a generative adversarial network: one network makes what another cannot tell from the data.
 *
 * Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, equation 1 for the discriminator D, and for the generator G
 * what stands behind algorithm 1: it raises log D(G(z)) in place of lowering log (1 - D(G(z))), whose gradient vanishes while D
 * wins. With z from N(0, 1), D a logit, x the data:
 *     discriminator   bce(D(x), 1) + bce(D(G(z)), 0), the generator held
 *     generator       bce(D(G(z)), 1), the discriminator held
 * Both terms are of the same z, and of the networks before the update: both learn at once, not in turns as in algorithm 1.
 *
 * The networks stand inside the loss, because no environment shows what the generator reads:
 *     loss:
 *       type: GANLoss
 *       in_keys: [pixels]
 *       generator: {type: Sequential, modules: [...]}         // reads latent [*batch, latent_dim], writes what in_keys says
 *       discriminator: {type: MLP, num_cells: [256], out_features: 1}               // reads that, writes logits
 */
#include "core/record.h"
#include "objectives/loss.h"

typedef struct GANLoss {
    rlc_loss base;
    const rlc_value *generator_option, *discriminator_option;
    int latent_dim;
    rlc_module *generator, *discriminator;
    rlc_stream *noise;
} GANLoss;

static const rlc_option options[] = {
    {.name = "generator",
     .type = RLC_OPTION_MODULE,
     .offset = offsetof(GANLoss, generator_option),
     .required = true,
     .help = "makes data of noise: reads latent, writes the entry of in_keys"},
    {.name = "discriminator",
     .type = RLC_OPTION_MODULE,
     .offset = offsetof(GANLoss, discriminator_option),
     .required = true,
     .help = "tells data from what is made: reads the entry of in_keys, writes logits"},
    RLC_INT(GANLoss, latent_dim, 100, 1, 1 << 20, "numbers of noise in each row"),
    {0},
};

static rlc_shape latent_shape(const GANLoss *m, const rlc_dict *td) {
    return rlc_shape_concat(td->batch, RLC_SHAPE(m->latent_dim));
}

/* A network whose keys are the given ones, unless its own options say otherwise; it must read and write one. */
static rlc_module *build_network(GANLoss *m, const rlc_build *build, const rlc_value *option, const char *name,
                                 const char *in, const char *out) {
    const rlc_strings in_keys = {1, &in}, out_keys = {1, &out};
    rlc_build mine = *build;
    mine.in_keys = &in_keys;
    mine.out_keys = &out_keys;
    rlc_module *network = rlc_module_build(&m->base.base, &mine, option, name);
    if (network != NULL && (network->num_in != 1 || network->num_out != 1)) {
        rlc_fail(RLC_INVALID, "%s: %s reads %d entries and writes %d; it must read one and write one",
                 m->base.base.path, network->path, network->num_in, network->num_out);
        return NULL;
    }
    rlc_loss_group(&m->base, name, network);
    return network;
}

static void init(rlc_module *self, const rlc_build *build) {
    GANLoss *m = (GANLoss *)self;
    rlc_build of_generator = *build;
    rlc_dict *latent = rlc_dict_clone(build->example);
    if (self->num_in != 1) {
        rlc_fail(RLC_INVALID, "%s: in_keys names %d entries; it learns to make one", self->path, self->num_in);
        return;
    }
    if (latent == NULL || rlc_in(self, build->example, 0) == NULL) {
        return;
    }
    m->noise = rlc_module_stream(self, "noise");
    rlc_dict_set(latent, "latent", rlc_zeros(RLC_F32, latent_shape(m, latent)));
    of_generator.example = latent;
    m->generator = build_network(m, &of_generator, m->generator_option, "generator", "latent", self->in_keys[0]->name);
    m->discriminator =
        build_network(m, build, m->discriminator_option, "discriminator", self->in_keys[0]->name, "logits");
}

/* What the generator makes of new noise, of the shape that `data` has. */
static rlc_tensor *generate(const GANLoss *m, const rlc_dict *td, const rlc_tensor *data) {
    rlc_dict *mine = rlc_dict_new(td->batch);
    if (mine == NULL || data == NULL) {
        return NULL;
    }
    rlc_dict_set_key(mine, m->generator->in_keys[0], rlc_randn(m->noise, latent_shape(m, td)));
    rlc_module_call(m->generator, mine);
    rlc_tensor *made = rlc_dict_get_key(mine, m->generator->out_keys[0]);
    if (made != NULL && !rlc_shape_equal(rlc_shape_of(made), rlc_shape_of(data))) {
        char tm[RLC_SHAPE_TEXT], td_text[RLC_SHAPE_TEXT];
        return rlc__op_fail("GANLoss", "the generator makes %s, but %s is %s", rlc_shape_text(rlc_shape_of(made), tm),
                            m->base.base.in_keys[0]->name, rlc_shape_text(rlc_shape_of(data), td_text));
    }
    return made;
}

/* The discriminator's logits; `call` may hold its parameters. */
static rlc_tensor *judge(const GANLoss *m, const rlc_dict *td, rlc_tensor *x,
                         void (*call)(rlc_module *module, rlc_dict *td)) {
    rlc_dict *mine = rlc_dict_new(td->batch);
    if (mine == NULL || x == NULL) {
        return NULL;
    }
    rlc_dict_set_key(mine, m->discriminator->in_keys[0], x);
    call(m->discriminator, mine);
    return rlc_dict_get_key(mine, m->discriminator->out_keys[0]);
}

static rlc_tensor *bce(rlc_tensor *logits, double label) {
    return logits != NULL ? rlc_mean(rlc_bce_with_logits(logits, rlc_scalar(label)), RLC_ALL, false) : NULL;
}

/* How likely it is held to be data, on average; for the log. */
static rlc_tensor *score(rlc_tensor *logits) {
    return rlc_mean(rlc_sigmoid(rlc_detach(logits)), RLC_ALL, false);
}

static void forward(rlc_module *self, rlc_dict *td) {
    GANLoss *m = (GANLoss *)self;
    rlc_tensor *data = rlc_cast(rlc_in(self, td, 0), RLC_F32), *made = generate(m, td, data);
    rlc_tensor *of_data = judge(m, td, data, rlc_module_call);
    rlc_tensor *of_made = judge(m, td, rlc_detach(made), rlc_module_call);
    rlc_tensor *discriminator = rlc_add(bce(of_data, 1), bce(of_made, 0));
    rlc_tensor *generator = bce(judge(m, td, made, rlc_module_call_detached), 1);
    rlc_loss_set(&m->base, "loss_discriminator", discriminator);
    rlc_loss_set(&m->base, "loss_generator", generator);
    rlc_loss_set(&m->base, "score_data", score(of_data));
    rlc_loss_set(&m->base, "score_generated", score(of_made));
    rlc_loss_set(&m->base, "loss", rlc_add(discriminator, generator));
}

const rlc_module_class rlc_gan_loss_class = {
    .base = RLC_CLASS("loss", GANLoss, .doc = "a generator and the discriminator that it learns to deceive",
                      .options = options),
    .in_keys = {"observation"},
    .out_keys = {"loss"},
    .init = init,
    .forward = forward,
};
