/* host_node.cu: nodes whose kernel wants host memory: an op or an environment that a plug-in brings along, where its class
 * allows that (host_fallback). Everything before them is waited for, the kernel computes with copies of the operands, and
 * what it may have written goes back in order with what is launched after.
 */
#include "kernels/cuda/backend.cuh"

/* Memory of the device, and its copy. Operands that share memory share the copy. */
typedef struct mirror {
    char *there, *here;
    size_t size;
    bool is_written;
} mirror;

typedef struct host_node {
    rlc_cuda *cuda;
    rlc_arena *arena; /* the program's, for as long as the node runs */
    rlc_device *cpu;
    mirror *mirrors;
    int num_mirrors;
    bool is_short; /* of memory */
    cudaError_t error;
} host_node;

static mirror *find(host_node *h, const char *there, size_t size) {
    for (int i = 0; i < h->num_mirrors; i++) {
        mirror *m = &h->mirrors[i];
        if (there >= m->there && there + size <= m->there + m->size) {
            return m;
        }
    }
    return NULL;
}

static mirror *add(host_node *h, char *there, size_t size, bool is_read) {
    mirror *m = &h->mirrors[h->num_mirrors];
    m->there = there;
    m->here = (char *)rlc_arena_alloc(h->arena, size, RLC_ALIGN_DATA);
    m->size = size;
    m->is_written = false;
    if (m->here == NULL) {
        return NULL;
    }
    h->num_mirrors++;
    if (is_read && size > 0 && h->error == cudaSuccess) {
        h->error = cudaMemcpyAsync(m->here, there, size, cudaMemcpyDeviceToHost, h->cuda->stream);
    }
    return m;
}

/* The operand as the kernel gets to see it: a tensor of the CPU. NULL where there is none, or no memory. */
static rlc_tensor *on_host(host_node *h, const rlc_tensor *t, bool is_read, bool is_written) {
    if (t == NULL) {
        return NULL;
    }
    const size_t size = (size_t)t->numel * rlc_dtype_size((rlc_dtype)t->dtype);
    char *there = (char *)t->data;
    rlc_tensor *seen = (rlc_tensor *)rlc_arena_alloc(h->arena, sizeof *seen, RLC_ALIGN_STRUCT);
    mirror *m = find(h, there, size);
    m = m != NULL ? m : add(h, there, size, is_read);
    if (seen == NULL || m == NULL) {
        h->is_short = true;
        return NULL;
    }
    m->is_written |= is_written;
    *seen = *t;
    seen->device = h->cpu;
    seen->data = m->here + (there - m->there);
    return seen;
}

/* A node for the CPU. `more` comes before `out`, which is often one of them and then is read, too. */
static rlc_node copy_in(host_node *h, const rlc_node *node) {
    rlc_node seen = *node;
    h->mirrors = (mirror *)rlc_arena_alloc(h->arena, (4u + node->num_more) * sizeof *h->mirrors, RLC_ALIGN_STRUCT);
    seen.more = (rlc_tensor **)rlc_arena_alloc(h->arena, (1u + node->num_more) * sizeof *seen.more, RLC_ALIGN_STRUCT);
    if (h->mirrors == NULL || seen.more == NULL) {
        h->is_short = true;
        return seen;
    }
    for (int i = 0; i < node->num_more; i++) {
        seen.more[i] = on_host(h, node->more[i], true, true);
    }
    for (int i = 0; i < 3; i++) {
        seen.in[i] = on_host(h, node->in[i], true, false);
    }
    seen.out = on_host(h, node->out, false, true);
    return seen;
}

/* Memory of the host that is not pinned has been read when the call returns, or is waited for, so the arena may have it back. */
static rlc_status copy_back(host_node *h) {
    for (int i = 0; i < h->num_mirrors && h->error == cudaSuccess; i++) {
        const mirror *m = &h->mirrors[i];
        if (m->is_written && m->size > 0) {
            h->error = cudaMemcpyAsync(m->there, m->here, m->size, cudaMemcpyHostToDevice, h->cuda->stream);
        }
    }
    RLC_TRY(rlc__cuda_check(h->cuda, h->error, "writing back what an op computed on the host"));
    return h->cuda->reads_host ? rlc__cuda_wait(h->cuda, "writing back what an op computed on the host") : RLC_OK;
}

static rlc_status run(host_node *h, rlc_program *p, const rlc_node *node) {
    RLC_TRY(rlc_device_open("cpu", &h->cpu));
    const rlc_node seen = copy_in(h, node);
    if (h->is_short) {
        return rlc_error_status();
    }
    RLC_TRY(rlc__cuda_check(h->cuda, h->error, "reading what an op needs on the host"));
    RLC_TRY(rlc__cuda_wait(h->cuda, "reading what an op needs on the host"));
    node->run(&seen);
    return p->status == RLC_OK ? copy_back(h) : p->status;
}

rlc_status rlc__cuda_run_on_host(rlc_cuda *cuda, rlc_program *p, const rlc_node *node) {
    const rlc_mark mark = rlc_arena_mark(&p->host);
    host_node h = {cuda, &p->host, NULL, NULL, 0, false, cudaSuccess};
    const rlc_status status = run(&h, p, node);
    rlc_arena_release(&p->host, mark);
    if (status == RLC_OK && p->check_nan) {
        rlc__check_finite(p, node);
        return p->status;
    }
    return status;
}
