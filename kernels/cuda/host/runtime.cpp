/* runtime.cpp: the part of CUDA's runtime that the backend calls, on the host (emulation.h). */
#include <mutex>
#include <stdio.h>
#include <sys/mman.h>
#include <thread>

#include "kernels/cuda/host/fibers.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define GUARD_GAP(memory, size) ASAN_POISON_MEMORY_REGION(memory, size)
#define OPEN_GAP(memory, size) ASAN_UNPOISON_MEMORY_REGION(memory, size)
#else
#define GUARD_GAP(memory, size) ((void)(memory), (void)(size))
#define OPEN_GAP(memory, size) ((void)(memory), (void)(size))
#endif

/* One device at a time works, whoever calls. */
static std::recursive_mutex lock;
typedef std::lock_guard<std::recursive_mutex> hold;

static bool option(const char *name) {
    const char *list = getenv("RLC_CUDA_HOST");
    return list != NULL && strstr(list, name) != NULL;
}

/* Memory: one region, most of it never touched, handed out in blocks from its start. */
static const size_t REGION = (size_t)1 << 34, UNIT = 256;
typedef struct block {
    size_t start, size; /* in bytes; the gap behind it included */
    bool used;
} block;
static char *region;
static size_t region_end;                                    /* what has been handed out so far ends here */
static std::vector<block> &blocks = *new std::vector<block>; /* for good: others free memory when the process ends */
static size_t in_use;
static int openings; /* of the guard */

static bool guarded(void) {
    static const bool is = option("guard");
    return is;
}

static void protect(int rights) {
    if (guarded() && region_end > 0) {
        mprotect(region, region_end, rights);
    }
}

/* While one of these exists, device memory can be read and written. */
typedef struct opening {
    hold held;
    opening() : held(lock) {
        if (openings++ == 0) {
            protect(PROT_READ | PROT_WRITE);
        }
    }
    ~opening() {
        if (--openings == 0) {
            protect(PROT_NONE);
        }
    }
} opening;

/* What CUDA keeps of a call that failed until somebody asks. */
static thread_local cudaError_t last_error;

static cudaError_t failed(cudaError_t error) {
    last_error = error;
    return error;
}

static size_t limit(void) {
    const char *text = getenv("RLC_CUDA_HOST_MEMORY"); /* bytes, for tests of what happens when there are no more */
    return text != NULL ? (size_t)strtoull(text, NULL, 10) : REGION;
}

static bool make_region(void) {
    if (region == NULL) {
        void *memory = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        region = memory != MAP_FAILED ? (char *)memory : NULL;
    }
    return region != NULL;
}

/* The first block that is free and large enough; the rest of it becomes one more. */
static block *find_block(size_t size) {
    for (size_t i = 0; i < blocks.size(); i++) {
        if (!blocks[i].used && blocks[i].size >= size) {
            if (blocks[i].size > size) {
                const block rest = {blocks[i].start + size, blocks[i].size - size, false};
                blocks[i].size = size;
                blocks.insert(blocks.begin() + (long)i + 1, rest);
            }
            return &blocks[i];
        }
    }
    if (region_end + size > REGION) {
        return NULL;
    }
    blocks.push_back({region_end, size, false});
    region_end += size;
    return &blocks.back();
}

cudaError_t cudaMalloc(void **memory, size_t size) {
    opening open;
    const size_t whole = size > REGION ? size : (size + UNIT + UNIT - 1) / UNIT * UNIT;
    block *b = make_region() && whole <= REGION && in_use + whole <= limit() ? find_block(whole) : NULL;
    if (b == NULL) {
        return failed(cudaErrorMemoryAllocation);
    }
    b->used = true;
    in_use += whole;
    *memory = region + b->start;
    protect(PROT_READ | PROT_WRITE); /* the region may have grown */
    OPEN_GAP(region + b->start, whole);
    memset(*memory, 0xff, size < (1 << 20) ? size : (1 << 20)); /* whoever wants it cleared must clear it */
    GUARD_GAP(region + b->start + size, whole - size);
    return cudaSuccess;
}

cudaError_t cudaFree(void *memory) {
    hold held(lock);
    for (size_t i = 0; memory != NULL && i < blocks.size(); i++) {
        if (region + blocks[i].start != memory) {
            continue;
        }
        in_use -= blocks[i].size;
        blocks[i].used = false;
        GUARD_GAP(memory, blocks[i].size);
        if (i + 1 < blocks.size() && !blocks[i + 1].used) {
            blocks[i].size += blocks[i + 1].size;
            blocks.erase(blocks.begin() + (long)i + 1);
        }
        if (i > 0 && !blocks[i - 1].used) {
            blocks[i - 1].size += blocks[i].size;
            blocks.erase(blocks.begin() + (long)i);
        }
        return cudaSuccess;
    }
    return memory == NULL ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total) {
    hold held(lock);
    *total = limit();
    *free_bytes = *total - in_use;
    return cudaSuccess;
}

/* Memory of the host that both see. */
cudaError_t cudaHostAlloc(void **memory, size_t size, unsigned flags) {
    (void)flags;
    *memory = size <= REGION ? aligned_alloc(UNIT, (size + UNIT - 1) / UNIT * UNIT) : NULL;
    return *memory != NULL ? cudaSuccess : failed(cudaErrorMemoryAllocation);
}

cudaError_t cudaFreeHost(void *memory) {
    free(memory);
    return cudaSuccess;
}

/* Work. */
static bool has_launched;

void rlc_emulated_submit(cudaStream_t stream, std::function<void()> work) {
    if (stream->capturing != NULL) {
        stream->capturing->work.push_back(std::move(work));
        return;
    }
    opening open;
    work();
}

void rlc_emulated_grid(unsigned count, unsigned threads, const std::function<void()> &thread) {
    static const bool descending = option("descending");
    opening open;
    has_launched = true;
    rlc_fibers_run(count, threads, descending, thread);
}

cudaError_t cudaMemsetAsync(void *memory, int byte, size_t size, cudaStream_t stream) {
    rlc_emulated_submit(stream, [=] { memset(memory, byte, size); });
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t size, cudaMemcpyKind kind, cudaStream_t stream) {
    (void)kind;
    rlc_emulated_submit(stream, [=] { memcpy(to, from, size); });
    return cudaSuccess;
}

/* As CUDA does it, in a thread that is nobody's: what it records of errors is not seen by who launched. It may not touch device
 * memory. */
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *data) {
    rlc_emulated_submit(stream, [=] {
        protect(PROT_NONE);
        std::thread(function, data).join();
        protect(PROT_READ | PROT_WRITE);
    });
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
    (void)flags;
    *stream = new rlc_emulated_stream{NULL};
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    (void)stream;
    return has_launched && option("fault") ? cudaErrorIllegalAddress : cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
    (void)flags;
    *event = new rlc_emulated_event{true};
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    (void)stream;
    event->asked = false;
    return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
    const bool asked = event->asked;
    event->asked = true;
    return asked ? cudaEventSynchronize(event) : failed(cudaErrorNotReady);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    (void)event;
    return has_launched && option("fault") ? cudaErrorIllegalAddress : cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
    (void)mode;
    stream->capturing = new rlc_emulated_graph;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    *graph = stream->capturing;
    stream->capturing = NULL;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags) {
    (void)flags;
    *exec = new rlc_emulated_graph(*graph);
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    (void)stream;
    opening open;
    for (const std::function<void()> &work : exec->work) {
        work();
    }
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    delete exec;
    return cudaSuccess;
}

/* The device there is. */
const char *cudaGetErrorString(cudaError_t error) {
    switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidDevice: return "invalid argument";
    case cudaErrorNotReady: return "device not ready";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorInsufficientDriver: return "CUDA driver version is insufficient for CUDA runtime version";
    }
    return "unknown error";
}

cudaError_t cudaGetLastError(void) {
    const cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}

cudaError_t cudaGetDeviceCount(int *count) {
    *count = 1;
    return option("none") ? cudaErrorNoDevice : option("driver") ? cudaErrorInsufficientDriver : cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int index) {
    (void)index;
    *properties = cudaDeviceProp();
    snprintf(properties->name, sizeof properties->name, "emulated on the host, for tests");
    properties->totalGlobalMem = limit();
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int index) {
    return index == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}
