/* replay.cu: runs lists of nodes. */
#include "kernels/cuda/backend.cuh"

rlc_status rlc__cuda_run(rlc_device *device, rlc_program *p, int first, int last) {
    rlc_cuda *cuda = rlc_cuda_of(device);
    if (rlc__cuda_check(cudaSetDevice(cuda->index), "choosing the device") != RLC_OK) {
        return p->status = rlc_error_status();
    }
    for (int i = first; i < last && p->status == RLC_OK; i++) {
        const rlc_node *node = &p->nodes[i];
        if (node->run == NULL) {
            continue;
        }
        node->run(node);
        if (p->check_nan) {
            rlc__check_finite(p, node);
        }
    }
    rlc_status status = rlc__cuda_report(cuda);
    return p->status = p->status == RLC_OK ? status : p->status;
}

void rlc__cuda_forget(rlc_device *device, rlc_program *program) {
    (void)device, (void)program;
}
