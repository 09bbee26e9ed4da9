/* resample.cu: weighted sums of neighbours along one dimension: x is [outer, n, inner], out [outer, m, inner]. */
#include "kernels/cuda/backend.cuh"

/* A thread for each element; taps in their order, as on the CPU. */
template <typename T>
static __global__ void resample(rlc_site site, int64_t numel, int64_t n, int64_t m, int64_t inner, int64_t taps, T *out,
                                const T *x, const int64_t *first, const T *weight) {
    RLC_FOR_EACH(e, numel) {
        const int64_t c = e % inner, i = e / inner % m, o = e / inner / m, from = first[i];
        if (from < 0 || taps < 1 || from > n - taps) {
            rlc_raise(site, RLC_FAULT_INDEX, from < 0 ? from : from + taps - 1, n, 0);
            continue;
        }
        const T *at = x + (o * n + from) * inner + c;
        T sum = weight[i * taps] * at[0];
        for (int64_t k = 1; k < taps; k++) {
            sum += weight[i * taps + k] * at[k * inner];
        }
        out[e] = sum;
    }
}

template <typename T> static void run_resample(const rlc_node *node) {
    auto *kernel = resample<T>;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(node->out->numel), RLC_BLOCK, rlc_site_of(node), node->out->numel,
               node->p[0].i, node->in[1]->numel, node->p[1].i, node->p[2].i, rlc_data<T>(node->out),
               rlc_data<T>(node->in[0]), rlc_data<int64_t>(node->in[1]), rlc_data<T>(node->in[2]));
}

void rlc__cuda_resample(rlc_device *device) {
    device->kernel[RLC_OP_resample][RLC_F32] = run_resample<float>;
    device->kernel[RLC_OP_resample][RLC_F64] = run_resample<double>;
}
