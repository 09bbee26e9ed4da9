/* dropout.c: torch.nn.Dropout (Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15,
 * 2014), at work in training only: within losses, but not in their target networks, nor while acting. */
#include "core/program.h"
#include "modules/classes.h"

typedef struct Dropout {
    rlc_module base;
    double p;
    rlc_stream *stream;
} Dropout;

static const rlc_option dropout_options[] = {
    RLC_FLOAT(Dropout, p, 0.5, 0, 1, "probability of each element to become 0; the others are divided by 1 - p"),
    {0},
};

static void dropout_init(rlc_module *self, const rlc_build *build) {
    (void)build;
    ((Dropout *)self)->stream = rlc_module_stream(self, "dropout");
}

static void dropout_forward(rlc_module *self, rlc_dict *td) {
    const Dropout *m = (const Dropout *)self;
    rlc_tensor *x = rlc_in(self, td, 0);
    rlc_out(self, td, 0, rlc_current()->training && m->p > 0 ? rlc_dropout(m->stream, x, m->p) : x);
}

const rlc_module_class rlc_dropout_class = {
    .base = RLC_CLASS("module", Dropout, .doc = "drops elements at random while losses are computed",
                      .options = dropout_options),
    .in_keys = {"observation"},
    .init = dropout_init,
    .forward = dropout_forward,
};
