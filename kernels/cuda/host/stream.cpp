/* stream.cpp: the emulated device's work: streams, events, graphs, copies (emulation.h). */
#include <algorithm>
#include <thread>

#include "kernels/cuda/host/fibers.h"
#include "kernels/cuda/host/runtime.h"

static bool has_run; /* a kernel */
static std::vector<cudaStream_t> &streams = *new std::vector<cudaStream_t>; /* for good, as memory's blocks */
static thread_local cudaStream_t captured;                                  /* by this thread */

bool rlc_emulated_refused(void) {
    if (captured != NULL) {
        captured->capturing->is_worthless = true;
    }
    return captured != NULL;
}

static bool is_late(void) {
    static const bool is = rlc_emulated_option("late");
    return is;
}

static void run_next(cudaStream_t stream) {
    std::function<void()> work = std::move(stream->waiting.front());
    stream->waiting.pop_front();
    work();
}

static void finish(cudaStream_t stream) {
    rlc_emulated_opening open;
    while (!stream->waiting.empty()) {
        run_next(stream);
    }
}

void rlc_emulated_finish(void) {
    rlc_emulated_opening open;
    for (cudaStream_t stream : streams) {
        finish(stream);
    }
}

void rlc_emulated_submit(cudaStream_t stream, std::function<void()> work) {
    if (stream->capturing != NULL) {
        stream->capturing->work.push_back(std::move(work));
        if (rlc_emulated_option("refuse") && rlc_emulated_refused()) {
            rlc_emulated_failed(cudaErrorStreamCaptureUnsupported);
        }
        return;
    }
    rlc_emulated_hold held(rlc_emulated_lock);
    stream->waiting.push_back(std::move(work));
    if (!is_late()) {
        finish(stream);
    }
}

void rlc_emulated_grid(unsigned count, unsigned threads, rlc_emulated_thread *thread, const void *arguments,
                       size_t size) {
    static const bool descending = rlc_emulated_option("descending");
    rlc_emulated_opening open;
    has_run = true;
    rlc_fibers_run(count, threads, descending, thread, arguments, size);
}

/* Copies. Of the host's pageable memory CUDA takes a copy before it returns, unless the device reaches it, and to it returns when
 * all is there. */
cudaError_t cudaMemsetAsync(void *memory, int byte, size_t size, cudaStream_t stream) {
    rlc_emulated_submit(stream, [=] { memset(memory, byte, size); });
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t size, cudaMemcpyKind kind, cudaStream_t stream) {
    (void)kind;
    const rlc_emulated_place source = rlc_emulated_place_of(from, size), target = rlc_emulated_place_of(to, size);
    if (source == NOWHERE || target == NOWHERE) {
        return rlc_emulated_failed(cudaErrorInvalidValue);
    }
    if ((source == PAGEABLE || target == PAGEABLE) && rlc_emulated_refused()) {
        return rlc_emulated_failed(cudaErrorStreamCaptureUnsupported);
    }
    if (source == PAGEABLE && !rlc_emulated_option("reaches")) {
        const std::vector<char> kept((const char *)from, (const char *)from + size);
        rlc_emulated_submit(stream, [=] { memcpy(to, kept.data(), size); });
    } else {
        rlc_emulated_submit(stream, [=] { memcpy(to, from, size); });
    }
    if (target == PAGEABLE) {
        finish(stream);
    }
    return cudaSuccess;
}

/* As CUDA does it, in a thread that is nobody's: what it records of errors is not seen by who launched. It may not touch device
 * memory. */
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *data) {
    rlc_emulated_submit(stream, [=] { rlc_emulated_closed([=] { std::thread(function, data).join(); }); });
    return cudaSuccess;
}

static cudaError_t outcome(void) {
    return has_run && rlc_emulated_option("fault") ? cudaErrorIllegalAddress : cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
    (void)flags;
    rlc_emulated_opening open;
    *stream = new rlc_emulated_stream();
    streams.push_back(*stream);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    rlc_emulated_opening open;
    finish(stream);
    streams.erase(std::remove(streams.begin(), streams.end(), stream), streams.end());
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    if (rlc_emulated_refused()) {
        return rlc_emulated_failed(cudaErrorStreamCaptureUnsupported);
    }
    finish(stream);
    return outcome();
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
    (void)flags;
    *event = new rlc_emulated_event{NULL, true, std::make_shared<bool>(true)};
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    if (rlc_emulated_refused()) { /* CUDA takes it for a part of the graph, which the backend does not mean */
        return rlc_emulated_failed(cudaErrorStreamCaptureUnsupported);
    }
    auto reached = std::make_shared<bool>(false);
    *event = {stream, false, reached};
    rlc_emulated_submit(stream, [=] { *reached = true; });
    return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
    const bool asked = event->asked;
    event->asked = true;
    return asked ? cudaEventSynchronize(event) : rlc_emulated_failed(cudaErrorNotReady);
}

/* What is behind the event in its stream stays undone. */
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    if (rlc_emulated_refused()) {
        return rlc_emulated_failed(cudaErrorStreamCaptureUnsupported);
    }
    rlc_emulated_opening open;
    while (!*event->reached) {
        run_next(event->stream);
    }
    return outcome();
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
    (void)mode;
    stream->capturing = new rlc_emulated_graph();
    captured = stream;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    *graph = stream->capturing;
    stream->capturing = NULL;
    captured = NULL;
    if ((*graph)->is_worthless) {
        delete *graph;
        *graph = NULL;
        return rlc_emulated_failed(cudaErrorStreamCaptureInvalidated);
    }
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags) {
    (void)flags;
    *exec = new rlc_emulated_graph(*graph);
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    for (const std::function<void()> &work : exec->work) {
        rlc_emulated_submit(stream, work);
    }
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}

/* One that is under way has handed on what it is to do. */
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    delete exec;
    return cudaSuccess;
}
