/* embedding.c: a row of numbers for each of so many things: torch.nn.Embedding. */
#include "core/record.h"
#include "modules/classes.h"
#include "modules/model.h"

typedef struct Embedding {
    rlc_module base;
    int64_t num_embeddings, embedding_dim, padding_idx;
    rlc_tensor *weight;
} Embedding;

static const rlc_option embedding_options[] = {
    RLC_LONG(Embedding, num_embeddings, RLC_REQUIRED, 1, 1 << 24, "how many rows there are"),
    RLC_LONG(Embedding, embedding_dim, RLC_REQUIRED, 1, 1 << 24, "numbers of a row"),
    RLC_LONG(Embedding, padding_idx, -1, -1, (1 << 24) - 1,
             "a row that starts as zeros and is not trained; -1 for none"),
    {0},
};

/* torch.nn.Embedding: from the standard normal distribution. */
static void embedding_init(rlc_module *self, const rlc_build *build) {
    Embedding *m = (Embedding *)self;
    (void)build;
    if (m->padding_idx >= m->num_embeddings) {
        rlc_fail(RLC_INVALID, "%s: padding_idx is %lld, but there are %lld rows, from 0 on", self->path,
                 (long long)m->padding_idx, (long long)m->num_embeddings);
        return;
    }
    m->weight = rlc_parameter_new(self, "weight", RLC_SHAPE(m->num_embeddings, m->embedding_dim),
                                  (rlc_init){RLC_INIT_NORMAL, 1});
    if (m->weight != NULL) {
        self->model->parameters[self->model->num_parameters - 1].cleared_row = m->padding_idx + 1;
    }
}

static void embedding_forward(rlc_module *self, rlc_dict *td) {
    const Embedding *m = (const Embedding *)self;
    rlc_tensor *index = rlc_in(self, td, 0);
    if (index != NULL && (rlc_dtype_is_float((rlc_dtype)index->dtype) || index->dtype == RLC_BOOL)) {
        rlc__op_fail("Embedding", "%s is %s; integers that name rows are needed", self->in_keys[0]->name,
                     rlc_dtype_name((rlc_dtype)index->dtype));
        return;
    }
    index = rlc_cast(index, RLC_I64);
    rlc_tensor *rows = rlc_take(m->weight, 0, index);
    if (m->padding_idx >= 0 && rows != NULL) {
        rlc_tensor *padding = rlc_eq(index, rlc_full(RLC_I64, (rlc_shape){0}, (double)m->padding_idx));
        rows = rlc_where(rlc_unsqueeze(padding, -1), rlc_detach(rows), rows);
    }
    rlc_out(self, td, 0, rows);
}

const rlc_module_class rlc_embedding_class = {
    .base = RLC_CLASS("module", Embedding, .doc = "a trained row of numbers for each integer",
                      .options = embedding_options),
    .in_keys = {"observation"},
    .init = embedding_init,
    .forward = embedding_forward,
};
