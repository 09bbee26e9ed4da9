/* wrong_kernels.cu: kernels that each do what none may, for test_kernel_checks.c: the checks of kernels
 * (kernels/cuda/host/checks.h) must find it, and nothing in what comes close to it.
 */
#include "kernels/cuda/backend.cuh"

enum { THREADS = 64, COUNT = 2 * THREADS + 1 };

static __global__ void past_the_end(int *data, const int *) {
    data[THREADS + 2 + threadIdx.x] = 1;
}
static __global__ void first_of(int *data, const int *other) {
    data[blockIdx.x * THREADS + threadIdx.x] = *other;
}
static __global__ void unaligned(int *data, const int *) {
    *(volatile int64_t *)(data + 1) = 1;
}
static __global__ void same_place(int *data, const int *) {
    data[threadIdx.x / 2] = (int)threadIdx.x;
}
static __global__ void place_of_a_reader(int *data, const int *) {
    data[threadIdx.x] = data[(threadIdx.x + 1) % THREADS] + 1;
}
static __global__ void across_blocks(int *data, const int *) {
    if (threadIdx.x == 0) {
        data[blockIdx.x] = data[1 - blockIdx.x] + 1;
    }
}
static __global__ void no_barrier(int *data, const int *) {
    RLC_SHARED(int, room, THREADS);
    room[threadIdx.x] = (int)threadIdx.x;
    data[threadIdx.x] = room[threadIdx.x / 2];
}
static __global__ void no_barrier_before_reuse(int *data, const int *) {
    RLC_SHARED(int, room, THREADS);
    for (int k = 0; k < 2; k++) {
        room[threadIdx.x] = k;
        __syncthreads();
        data[threadIdx.x] = room[THREADS - 1 - threadIdx.x];
    }
}
static __global__ void unwritten(int *data, const int *) {
    RLC_SHARED(int, room, THREADS);
    data[threadIdx.x] = room[threadIdx.x];
}
static __global__ void past_what_is_shared(int *data, const int *) {
    RLC_SHARED(int, room, THREADS);
    room[threadIdx.x] = 0;
    __syncthreads();
    data[threadIdx.x] = room[threadIdx.x + 1];
}
static __global__ void one_does_not_wait(int *, const int *) {
    if (threadIdx.x != 7) {
        __syncthreads();
    }
}
/* Nothing is wrong: barriers where they must be, many who read, many who write the same, neighbouring bytes. */
static __global__ void right(int *data, const int *other) {
    RLC_SHARED(int, room, THREADS);
    RLC_SHARED(uint8_t, bytes, THREADS);
    for (int k = 0; k < 3; k++) {
        room[threadIdx.x] = other[k];
        bytes[threadIdx.x] = (uint8_t)k;
        __syncthreads();
        data[blockIdx.x * THREADS + threadIdx.x] += room[THREADS - 1 - threadIdx.x] + bytes[0];
        __syncthreads();
    }
    data[2 * THREADS] = 5;
}

static const struct {
    const char *name;
    void (*kernel)(int *, const int *);
    unsigned blocks;
} kernels[] = {
    {"past_the_end", past_the_end, 1},
    {"host_memory", first_of, 2},
    {"freed_memory", first_of, 2},
    {"unaligned", unaligned, 1},
    {"same_place", same_place, 1},
    {"place_of_a_reader", place_of_a_reader, 1},
    {"across_blocks", across_blocks, 2},
    {"no_barrier", no_barrier, 1},
    {"no_barrier_before_reuse", no_barrier_before_reuse, 1},
    {"unwritten", unwritten, 1},
    {"past_what_is_shared", past_what_is_shared, 1},
    {"one_does_not_wait", one_does_not_wait, 1},
    {"right", right, 2},
};

static int *cleared(cudaStream_t stream) {
    void *memory = NULL;
    cudaMalloc(&memory, sizeof(int) * COUNT);
    cudaMemsetAsync(memory, 0, sizeof(int) * COUNT, stream);
    return (int *)memory;
}

/* Runs the kernel of that name; 0 where there is none. */
extern "C" int rlc_run_wrong_kernel(const char *name);

int rlc_run_wrong_kernel(const char *name) {
    static int on_host[4];
    cudaStream_t stream;
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    int *data = cleared(stream), *other = cleared(stream), *freed = cleared(stream);
    cudaFree(freed);
    other = strcmp(name, "host_memory") == 0 ? on_host : strcmp(name, "freed_memory") == 0 ? freed : other;
    for (const auto &k : kernels) {
        if (strcmp(k.name, name) == 0) {
            RLC_LAUNCH_ON(stream, k.kernel, k.blocks, THREADS, data, (const int *)other);
            cudaStreamSynchronize(stream);
            return 1;
        }
    }
    return 0;
}
