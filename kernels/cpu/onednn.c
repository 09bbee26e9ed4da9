/* onednn.c: all that rlc asks of oneDNN. dnnl_sgemm is the same call in oneDNN 2 and 3. */
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include "kernels/cpu/gemm.h"

/* oneDNN splits a product over OpenMP's threads, and the split changes the bits. One thread each: parallelism goes over
 * environments, workers and seeds instead. */
static void use_one_thread(void) {
    static _Thread_local bool done;
    if (!done) {
        omp_set_num_threads(1);
        done = true;
    }
}

bool rlc__onednn_sgemm(const rlc_sgemm_call *g) {
    use_one_thread();
    if (dnnl_sgemm(g->ta ? 'T' : 'N', g->tb ? 'T' : 'N', g->m, g->n, g->k, 1, g->a, g->ta ? g->m : g->k, g->b,
                   g->tb ? g->k : g->n, g->accumulate ? 1 : 0, g->c, g->n) != dnnl_success) {
        return false;
    }
    if (g->bias != NULL || g->relu) {
        float *c = g->c;
        for (int64_t i = 0; i < g->m; i++, c += g->n) {
            for (int64_t j = 0; j < g->n; j++) {
                float y = c[j] + (g->bias != NULL ? g->bias[j] : 0);
                c[j] = g->relu && y <= 0 ? 0 : y;
            }
        }
    }
    return true;
}
