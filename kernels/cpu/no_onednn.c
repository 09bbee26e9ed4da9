/* no_onednn.c: in the place of onednn.c where a build does without: each product is one of ours. */
#include "kernels/cpu/gemm.h"

bool rlc__onednn_sgemm(const rlc_sgemm_call *g) {
    (void)g;
    return false;
}
