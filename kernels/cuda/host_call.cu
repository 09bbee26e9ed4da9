/* host_call.cu: runs a kernel of the CPU in a node's place in the stream, for environments that stay on the host.
 *
 * Operands come down through pinned memory, CUDA calls the host, results go up, all of it in order with other nodes, so a list
 * with such nodes is captured and replayed like any other. What the host is told about the node must outlive the list, and
 * nobody would know when to free it; so it is the argument of a kernel, which a launch and a graph keep by value: the kernel
 * writes it where the host will look. One place serves all nodes, since they take turns.
 */
#include <stdio.h>
#include <string.h>

#include "kernels/cuda/backend.cuh"

/* An environment's node has 14; arguments of a launch end at 4096 bytes. */
enum { OPERANDS = 18, AUX = 128, ALIGNMENT = 256 };

typedef struct rlc_host_call {
    rlc_cuda *cuda;
    rlc_kernel *run;
    rlc_node node;
    rlc_tensor tensor[OPERANDS], *more[OPERANDS];
    int count;
    alignas(16) char aux[AUX];
} rlc_host_call;
static_assert(sizeof(rlc_host_call) + sizeof(rlc_host_call *) <= 4096, "a kernel takes no more");

/* A call that is being made: where each operand lies on the device, or NULL if it is in shared memory, which is not moved. */
typedef struct making {
    const rlc_node *node;
    rlc_cuda *cuda;
    rlc_host_call call;
    const void *there[OPERANDS];
    size_t used; /* of the room */
} making;

rlc_status rlc__cuda_host_call_open(rlc_cuda *cuda) {
    cuda->call = (rlc_host_call *)rlc__cuda_pinned(cuda, sizeof *cuda->call);
    return cuda->call != NULL ? RLC_OK : rlc_error_status();
}

/* What the kernel finds wrong ends the program as other faults do. Nothing else runs on the device meanwhile. */
static void pass_on_error(rlc_fault *fault) {
    if (rlc_error_status() != RLC_OK && fault->raised == 0) {
        snprintf(fault->said, sizeof fault->said, "%s", rlc_error());
        fault->raised = 1;
        __atomic_store_n(&fault->told, 1, __ATOMIC_RELEASE);
    }
    rlc_error_clear();
}

/* In a thread of CUDA's, which must not call CUDA. */
static void on_host(void *data) {
    const rlc_host_call *call = (const rlc_host_call *)data;
    call->run(&call->node);
    pass_on_error(call->cuda->fault);
}

static __global__ void describe(rlc_host_call call, rlc_host_call *to) {
    *to = call;
}

static size_t size_of(const rlc_tensor *t) {
    return ((size_t)t->numel * rlc_dtype_size((rlc_dtype)t->dtype) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static bool moves(const rlc_tensor *t) {
    return t != NULL && t->device != t->device->shared;
}

/* Room for all operands. One that has become too small is kept, for the graphs that know it: the next one begins with where it
 * is. */
static bool make_room(rlc_cuda *cuda, const rlc_node *node) {
    size_t size = size_of(node->out);
    for (int i = 0; i < 3; i++) {
        size += moves(node->in[i]) ? size_of(node->in[i]) : 0;
    }
    for (int i = 0; i < node->num_more; i++) {
        size += moves(node->more[i]) ? size_of(node->more[i]) : 0;
    }
    if (size > cuda->call_room_size) {
        char *room = (char *)rlc__cuda_pinned(cuda, ALIGNMENT + 2 * size);
        if (room == NULL) {
            return false;
        }
        memcpy(room, &cuda->call_room, sizeof cuda->call_room);
        cuda->call_room = room + ALIGNMENT;
        cuda->call_room_size = 2 * size;
    }
    return true;
}

/* Where the operand's numbers are while the host runs: those of one that came before, if they are the same. */
static void *place_of(making *m, const rlc_tensor *t) {
    for (int i = 0; i < m->call.count; i++) {
        if (m->there[i] == t->data) {
            return m->call.tensor[i].data;
        }
    }
    void *place = m->cuda->call_room + m->used;
    m->used += size_of(t);
    return place;
}

/* The operand as the host will see it. */
static rlc_tensor *enter(making *m, const rlc_tensor *t) {
    if (t == NULL) {
        return NULL;
    }
    const int i = m->call.count;
    m->call.tensor[i] = *t;
    if (moves(t)) {
        m->call.tensor[i].data = place_of(m, t);
        m->there[i] = t->data;
    }
    m->call.count++;
    return &m->cuda->call->tensor[i];
}

static void enter_all(making *m) {
    rlc_host_call *call = &m->call;
    const rlc_node *node = m->node;
    call->cuda = m->cuda;
    call->run = node->p[RLC_HOST_CALL_KERNEL].run;
    call->node = *node;
    call->node.out = enter(m, node->out);
    for (int i = 0; i < 3; i++) {
        call->node.in[i] = enter(m, node->in[i]);
    }
    for (int i = 0; i < node->num_more; i++) {
        call->more[i] = enter(m, node->more[i]);
    }
    call->node.more = m->cuda->call->more;
    if (node->aux_size > 0) {
        memcpy(call->aux, node->aux, node->aux_size);
        call->node.aux = m->cuda->call->aux;
    }
}

/* Copies an operand down before the call or up after it. Errors are seen where all launches are checked. */
static void move(const making *m, const rlc_tensor *t, cudaMemcpyKind kind) {
    int i = 0;
    if (!moves(t) || t->numel == 0) {
        return;
    }
    while (m->there[i] != t->data) {
        i++;
    }
    const size_t size = (size_t)t->numel * rlc_dtype_size((rlc_dtype)t->dtype);
    void *here = m->call.tensor[i].data;
    const bool down = kind == cudaMemcpyDeviceToHost;
    cudaMemcpyAsync(down ? here : t->data, down ? t->data : here, size, kind, m->cuda->stream);
}

static void move_chosen(const making *m, int64_t chosen, cudaMemcpyKind kind) {
    for (int i = 0; i < m->node->num_more; i++) {
        if (chosen >> i & 1) {
            move(m, m->node->more[i], kind);
        }
    }
}

void rlc__cuda_host_call(const rlc_node *node) {
    rlc_cuda *cuda = rlc_cuda_of(node->out->device);
    if (1 + 3 + node->num_more > OPERANDS || node->aux_size > AUX) {
        rlc_kernel_fail(node, "has more than %d operands or %d bytes of settings, too much for a kernel of the host",
                        (int)OPERANDS, (int)AUX);
        return;
    }
    if (!make_room(cuda, node)) {
        rlc_kernel_fail(node, "there is no pinned memory for its operands");
        return;
    }
    making m = {};
    m.node = node;
    m.cuda = cuda;
    enter_all(&m);
    for (int i = 0; i < 3; i++) {
        move(&m, node->in[i], cudaMemcpyDeviceToHost);
    }
    move_chosen(&m, node->p[RLC_HOST_CALL_READS].i, cudaMemcpyDeviceToHost);
    RLC_LAUNCH(node, describe, 1, 1, m.call, cuda->call);
    cudaLaunchHostFunc(cuda->stream, on_host, cuda->call);
    move(&m, node->out, cudaMemcpyHostToDevice);
    move_chosen(&m, node->p[RLC_HOST_CALL_WRITES].i, cudaMemcpyHostToDevice);
}
