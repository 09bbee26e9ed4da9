/* replay.cu: runs lists of nodes: launches their kernels one by one, or all at once where a list is known.
 *
 * A program's recurring steps give the same lists at the same addresses. So each program keeps the signatures of the last
 * lists it ran: one that is new is launched node by node; one that comes a second time is captured as a CUDA graph; after
 * that the graph is launched instead. An unknown list is slower but never wrong. RLC_LOG=graph tells what became of a list
 * and in what a new one differs from the one before; RLC_EAGER=1, RLC_CHECK_NAN=1 and RLC_CUDA_NO_GRAPHS=1 leave graphs
 * out.
 *
 * Nodes that run on the host (host_node.cu) cut what is to be run into stretches, each of which is a list of its own here.
 */
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/signature.cuh"

/* Lists a program keeps, for each of its stretches; those with fewer nodes than FEW are not worth a graph. */
enum { KEPT = 16, FEW = 3 };

typedef struct known_list {
    rlc_signature signature;
    uint64_t last_used;
    cudaGraphExec_t graph; /* NULL until it has come twice */
    bool is_refused;       /* CUDA would not capture it */
    int64_t times;
} known_list;

typedef struct replays {
    known_list *list;
    int count, kept;
    uint64_t clock;
    int64_t unknown, captured, replayed;
    rlc_trace_of_node *trace, *last; /* of this list and the one before, for the log */
    int traced, last_traced, room;
} replays;

/* In eager programs that wait for each list a list is one op: the message names it. */
static rlc_status name_op(const rlc_node *node, rlc_status status) {
    if (status != RLC_OK) {
        rlc_error_prefix("%s%s%s: ", node->where != NULL ? node->where : "", node->where != NULL ? ": " : "",
                         rlc_op_name((rlc_op)node->op));
    }
    return status;
}

static rlc_status launch_each(rlc_cuda *cuda, rlc_program *p, int first, int last) {
    for (int i = first; i < last && p->status == RLC_OK; i++) {
        const rlc_node *node = &p->nodes[i];
        if (node->run == NULL) {
            continue;
        }
        node->run(node);
        if (p->eager && cuda->synchronous && p->status == RLC_OK) {
            p->status = name_op(node, rlc__cuda_check(cuda, cudaStreamSynchronize(cuda->stream), "running an op"));
        }
        if (p->check_nan && p->status == RLC_OK) {
            rlc__check_finite(p, node);
        }
    }
    return p->status == RLC_OK ? rlc__cuda_check(cuda, cudaGetLastError(), "launching kernels") : p->status;
}

/* What a program with so many stretches knows, with room for the lists of all of them. */
static replays *replays_of(rlc_program *p, int stretches) {
    replays *r = (replays *)p->replay;
    if (r == NULL) {
        p->replay = r = (replays *)rlc_calloc(1, sizeof *r);
    }
    if (r != NULL && r->kept < KEPT * stretches) {
        known_list *list = (known_list *)rlc_calloc((size_t)(KEPT * stretches), sizeof *list);
        if (list == NULL) {
            return NULL;
        }
        if (r->count > 0) {
            memcpy(list, r->list, (size_t)r->count * sizeof *list);
        }
        free(r->list);
        r->list = list;
        r->kept = KEPT * stretches;
    }
    return r;
}

static rlc_status make_room(replays *r, int nodes) {
    if (r->room < nodes) {
        const size_t room = (size_t)nodes * 2;
        rlc_trace_of_node *trace = (rlc_trace_of_node *)rlc_calloc(room, sizeof *trace);
        rlc_trace_of_node *before = (rlc_trace_of_node *)rlc_calloc(room, sizeof *before);
        if (trace == NULL || before == NULL) {
            free(trace);
            free(before);
            return rlc_error_status();
        }
        if (r->traced > 0) {
            memcpy(trace, r->trace, (size_t)r->traced * sizeof *trace);
        }
        free(r->trace);
        free(r->last);
        r->trace = trace;
        r->last = before;
        r->last_traced = 0;
        r->room = (int)room;
    }
    return RLC_OK;
}

/* Notes the list's nodes, keeping those of the list before, and returns its signature. */
static rlc_signature sign(replays *r, const rlc_program *p, int first, int last) {
    rlc_trace_of_node *kept = r->last;
    rlc_signature signature = {0, 0};
    r->last = r->trace;
    r->last_traced = r->traced;
    r->trace = kept;
    r->traced = 0;
    for (int i = first; i < last; i++) {
        if (p->nodes[i].run != NULL) {
            const rlc_trace_of_node node = rlc__cuda_trace_node(&p->nodes[i]);
            rlc__cuda_add_to_signature(&signature, node);
            r->trace[r->traced++] = node;
        }
    }
    return signature;
}

/* The list, entered if it is new: where the one was that nobody has used for the longest time. */
static known_list *look_up(replays *r, rlc_signature signature) {
    known_list *oldest = NULL;
    for (int i = 0; i < r->count; i++) {
        known_list *k = &r->list[i];
        if (rlc_same_signature(k->signature, signature)) {
            return k;
        }
        if (oldest == NULL || k->last_used < oldest->last_used) {
            oldest = k;
        }
    }
    known_list *k = r->count < r->kept ? &r->list[r->count++] : oldest;
    if (k->graph != NULL) {
        cudaGraphExecDestroy(k->graph);
    }
    memset(k, 0, sizeof *k);
    k->signature = signature;
    return k;
}

/* For the log: in which node, and in what, the list is not the one before. */
static void tell_unknown(const replays *r, const rlc_program *p, int first, int last) {
    int at = 0, i = first;
    while (at < r->traced && at < r->last_traced && r->trace[at].rest == r->last[at].rest &&
           r->trace[at].addresses == r->last[at].addresses) {
        at++;
    }
    for (int skipped = 0; i < last && (p->nodes[i].run == NULL || skipped++ < at); i++) {
    }
    if (r->last_traced == 0) {
        rlc_trace("graph", "program '%s': a list of %d nodes is unknown: it is the first", p->name, r->traced);
    } else if (i == last) {
        rlc_trace("graph", "program '%s': a list of %d nodes is unknown: the one before began like it and had %d",
                  p->name, r->traced, r->last_traced);
    } else {
        const char *what = at == r->last_traced                    ? "is one more than the list before had"
                           : r->trace[at].rest != r->last[at].rest ? "has another op, shape or number"
                                                                   : "has operands in other places";
        rlc_trace("graph", "program '%s': a list of %d nodes is unknown: node %d (%s%s%s) %s", p->name, r->traced, at,
                  rlc_op_name((rlc_op)p->nodes[i].op), p->nodes[i].where != NULL ? " of " : "",
                  p->nodes[i].where != NULL ? p->nodes[i].where : "", what);
    }
}

/* What was refused while a list was captured is tried again without, so nothing of it may stay. */
static void refuse(known_list *k, rlc_program *p, cudaError_t error) {
    rlc_trace("graph", "program '%s': CUDA cannot capture a list: %s; it is launched node by node", p->name,
              error != cudaSuccess ? cudaGetErrorString(error) : rlc_error());
    k->graph = NULL;
    k->is_refused = true;
    p->status = RLC_OK;
    rlc_error_clear();
    cudaGetLastError();
}

/* The launches become a graph instead of running. Leaves k->graph NULL where CUDA does not want to; what is wrong with a list
 * without that is seen when it is launched. */
static rlc_status capture(rlc_cuda *cuda, known_list *k, rlc_program *p, int first, int last) {
    cudaGraph_t graph = NULL;
    RLC_TRY(rlc__cuda_check(cuda, cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal), "capturing"));
    const rlc_status status = launch_each(cuda, p, first, last);
    cudaError_t error = cudaStreamEndCapture(cuda->stream, &graph);
    if (status == RLC_OK && error == cudaSuccess) {
        error = cudaGraphInstantiate(&k->graph, graph, 0);
    }
    if (graph != NULL) {
        cudaGraphDestroy(graph);
    }
    if (status != RLC_OK || error != cudaSuccess) {
        refuse(k, p, error);
    }
    return RLC_OK;
}

static rlc_status run_list(rlc_cuda *cuda, replays *r, rlc_program *p, int first, int last) {
    RLC_TRY(make_room(r, last - first));
    const rlc_signature signature = sign(r, p, first, last);
    if (r->traced < FEW) {
        return launch_each(cuda, p, first, last);
    }
    known_list *k = look_up(r, signature);
    k->last_used = ++r->clock;
    k->times++;
    if (k->times == 1) {
        r->unknown++;
        tell_unknown(r, p, first, last);
    } else if (k->graph == NULL && !k->is_refused) {
        RLC_TRY(capture(cuda, k, p, first, last));
        if (k->graph != NULL) {
            r->captured++;
            rlc_trace("graph", "program '%s': a list of %d nodes has come twice: captured", p->name, r->traced);
        }
    } else if (k->times == 3 && k->graph != NULL) {
        rlc_trace("graph", "program '%s': a list of %d nodes is replayed from here on", p->name, r->traced);
    }
    if (k->graph == NULL) {
        return launch_each(cuda, p, first, last);
    }
    r->replayed++;
    return rlc__cuda_check(cuda, cudaGraphLaunch(k->graph, cuda->stream), "replaying a list");
}

/* Where the stretch that begins at `first` ends: at the next node that runs on the host. */
static int end_of_stretch(const rlc_program *p, int first, int last) {
    while (first < last && !p->nodes[first].on_host) {
        first++;
    }
    return first;
}

static rlc_status run_stretches(rlc_cuda *cuda, rlc_program *p, int first, int last) {
    const bool one_by_one = p->eager || p->check_nan || cuda->without_graphs;
    int stretches = 1;
    for (int i = first; i < last; i++) {
        stretches += p->nodes[i].on_host;
    }
    replays *r = one_by_one ? NULL : replays_of(p, stretches);
    if (r == NULL && !one_by_one) {
        return rlc_error_status();
    }
    for (int end; first < last; first = end + 1) {
        end = end_of_stretch(p, first, last);
        if (end > first) {
            RLC_TRY(one_by_one ? launch_each(cuda, p, first, end) : run_list(cuda, r, p, first, end));
        }
        if (end < last) {
            RLC_TRY(rlc__cuda_run_on_host(cuda, p, &p->nodes[end]));
        }
    }
    return RLC_OK;
}

rlc_status rlc__cuda_run(rlc_device *device, rlc_program *p, int first, int last) {
    rlc_cuda *cuda = rlc_cuda_of(device);
    rlc_status status = rlc__cuda_check(cuda, cudaSetDevice(cuda->index), "choosing the device");
    strncpy(cuda->last_program, p->name, sizeof cuda->last_program - 1);
    if (status == RLC_OK) {
        status = run_stretches(cuda, p, first, last);
    }
    if (status == RLC_OK) {
        status = cuda->synchronous ? rlc__cuda_wait(cuda, "running a list") : rlc__cuda_report(cuda);
    }
    p->status = p->status == RLC_OK ? status : p->status;
    return p->status;
}

void rlc__cuda_forget(rlc_device *device, rlc_program *p) {
    replays *r = (replays *)p->replay;
    if (r == NULL) {
        return;
    }
    rlc_cuda *cuda = rlc_cuda_of(device);
    cudaSetDevice(cuda->index);
    cudaStreamSynchronize(cuda->stream);
    rlc_trace("graph", "program '%s': %lld lists were unknown, %lld were captured, %lld times one was replayed",
              p->name, (long long)r->unknown, (long long)r->captured, (long long)r->replayed);
    for (int i = 0; i < r->count; i++) {
        if (r->list[i].graph != NULL) {
            cudaGraphExecDestroy(r->list[i].graph);
        }
    }
    free(r->list);
    free(r->trace);
    free(r->last);
    free(r);
    p->replay = NULL;
}
