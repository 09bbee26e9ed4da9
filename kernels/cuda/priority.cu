/* priority.cu: the trees of prioritised replay. Rows are entered all at once, then the nodes above them are added up anew,
 * level by level: where two rows meet, both give the same sum. */
#include "kernels/cuda/backend.cuh"
#include "kernels/priority_trees.h"

/* The level of the trees `depth` above the leaves, for the leaf of a row. */
static __device__ __forceinline__ void renew_above(const rlc_trees &t, int64_t row, int depth) {
    rlc_trees_renew(&t, (t.leaves + row) >> depth);
}

/* One block: no level may begin before the one below it is done. */
static __global__ void extend(rlc_site site, rlc_trees t, rlc_priority settings, const int64_t *cursor,
                              const double *largest, int64_t rows) {
    const int64_t head = cursor[0];
    if (head < 0 || head >= settings.capacity) {
        if (threadIdx.x == 0) {
            rlc_raise(site, RLC_FAULT_CURSOR, head, settings.capacity, 0);
        }
        return;
    }
    const double priority = rlc_priority_of(*largest, &settings);
    for (int64_t i = threadIdx.x; i < rows; i += blockDim.x) {
        const int64_t at = t.leaves + (head + i) % settings.capacity;
        t.sum[at] = t.min[at] = priority;
    }
    for (int depth = 1; t.leaves >> depth >= 1; depth++) {
        __syncthreads();
        for (int64_t i = threadIdx.x; i < rows; i += blockDim.x) {
            renew_above(t, (head + i) % settings.capacity, depth);
        }
    }
}

static void run_extend(const rlc_node *node) {
    RLC_LAUNCH(node, extend, 1, RLC_BLOCK, rlc_site_of(node), rlc_trees_of(node->out), *(const rlc_priority *)node->aux,
               rlc_data<int64_t>(node->in[0]), rlc_data<double>(node->in[2]), node->p[0].i);
}

static __device__ __forceinline__ bool is_row(const rlc_priority &settings, int64_t row) {
    return row >= 0 && row < settings.capacity;
}

/* Of equal rows the last counts. */
static __device__ __forceinline__ bool is_last(const int64_t *row, int64_t i, int64_t n) {
    for (int64_t later = i + 1; later < n; later++) {
        if (row[later] == row[i]) {
            return false;
        }
    }
    return true;
}

static __global__ void enter(rlc_site site, rlc_trees t, rlc_priority settings, const int64_t *row, const float *error,
                             int64_t n) {
    RLC_FOR_EACH(i, n) {
        const double size = fabs((double)error[i]);
        if (!is_row(settings, row[i])) {
            rlc_raise(site, RLC_FAULT_ROW, row[i], settings.capacity, 0);
        } else if (!(size <= 1.7976931348623157e308)) {
            rlc_raise(site, RLC_FAULT_ERROR, row[i], 0, (double)error[i]);
        } else if (is_last(row, i, n)) {
            t.sum[t.leaves + row[i]] = t.min[t.leaves + row[i]] = rlc_priority_of(size, &settings);
        }
    }
}

/* One block: the largest error so far, and the levels above the rows. */
static __global__ void settle(rlc_trees t, rlc_priority settings, const int64_t *row, const float *error, int64_t n,
                              double *largest) {
    RLC_SHARED(double, room, RLC_BLOCK);
    const int thread = (int)threadIdx.x;
    double most = *largest;
    for (int64_t i = thread; i < n; i += RLC_BLOCK) {
        most = is_row(settings, row[i]) ? fmax(most, fabs((double)error[i])) : most;
    }
    room[thread] = most;
    __syncthreads();
    for (int width = RLC_BLOCK / 2; width > 0; width /= 2) {
        if (thread < width) {
            room[thread] = fmax(room[thread], room[thread + width]);
        }
        __syncthreads();
    }
    if (thread == 0) {
        *largest = room[0];
    }
    for (int depth = 1; t.leaves >> depth >= 1; depth++) {
        for (int64_t i = thread; i < n; i += RLC_BLOCK) {
            if (is_row(settings, row[i])) {
                renew_above(t, row[i], depth);
            }
        }
        __syncthreads();
    }
}

static void run_update(const rlc_node *node) {
    const rlc_trees t = rlc_trees_of(node->out);
    const rlc_priority settings = *(const rlc_priority *)node->aux;
    const int64_t *row = rlc_data<int64_t>(node->in[0]), n = node->in[0]->numel;
    const float *error = rlc_data<float>(node->in[1]);
    RLC_LAUNCH(node, enter, rlc_blocks_for(n), RLC_BLOCK, rlc_site_of(node), t, settings, row, error, n);
    RLC_LAUNCH(node, settle, 1, RLC_BLOCK, t, settings, row, error, n, rlc_data<double>(node->in[2]));
}

static __global__ void sample(rlc_site site, rlc_trees t, uint64_t key, const int64_t *counter, int64_t *out,
                              int64_t n) {
    const uint64_t start = (uint64_t)*counter;
    RLC_FOR_EACH(i, n) {
        if (!(t.sum[1] > 0)) {
            rlc_raise(site, RLC_FAULT_UNCHOSEN, 0, 0, 0);
            return;
        }
        out[i] = rlc_trees_draw(&t, key, start, i);
    }
}

static __global__ void advance(int64_t *counter, int64_t blocks) {
    *counter += blocks;
}

static void run_sample(const rlc_node *node) {
    const int64_t n = node->out->numel;
    RLC_LAUNCH(node, sample, rlc_blocks_for(n), RLC_BLOCK, rlc_site_of(node), rlc_trees_of(node->in[1]),
               (uint64_t)node->p[0].i, (const int64_t *)node->in[0]->data, rlc_data<int64_t>(node->out), n);
    RLC_LAUNCH(node, advance, 1, 1, rlc_data<int64_t>(node->in[0]), (n + 1) / 2);
}

static __global__ void weight(rlc_site site, rlc_trees t, const int64_t *row, const float *beta, float *out,
                              int64_t n) {
    RLC_FOR_EACH(i, n) {
        if (row[i] < 0 || row[i] >= t.leaves || !(t.sum[t.leaves + row[i]] > 0)) {
            rlc_raise(site, RLC_FAULT_PRIORITY, row[i], 0, 0);
        } else {
            out[i] = rlc_trees_weight(&t, row[i], (double)*beta);
        }
    }
}

static void run_weight(const rlc_node *node) {
    RLC_LAUNCH(node, weight, rlc_blocks_for(node->out->numel), RLC_BLOCK, rlc_site_of(node), rlc_trees_of(node->in[1]),
               rlc_data<int64_t>(node->in[0]), (const float *)node->in[2]->data, rlc_data<float>(node->out),
               node->out->numel);
}

void rlc__cuda_priority(rlc_device *device) {
    device->kernel[RLC_OP_priority_extend][RLC_F64] = run_extend;
    device->kernel[RLC_OP_priority_update][RLC_F64] = run_update;
    device->kernel[RLC_OP_priority_sample][RLC_F64] = run_sample;
    device->kernel[RLC_OP_priority_weight][RLC_F64] = run_weight;
}
