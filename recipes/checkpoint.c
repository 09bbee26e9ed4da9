/* checkpoint.c: saving a run and loading it again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/loading.h"
#include "recipes/files.h"

static const char FORMAT[] = "rlc.run.2";

static char *join(rlc_arena *arena, const char *folder, const char *file) {
    return rlc_arena_printf(arena, "%s/%s", folder, file);
}

/* A log is on disk before the checkpoint that counts on it. */
static rlc_status settle(const rlc_output *output, const char *file, FILE *log) {
    bool lost = ferror(log); /* some of it, on the way here */
    if (lost || fflush(log) != 0 || fsync(fileno(log)) != 0) {
        return rlc_fail(RLC_FAILED, "%s/%s: could not be written: %s", output->folder, file,
                        lost ? "some lines are lost" : strerror(errno));
    }
    return RLC_OK;
}

/* A sum over the numbers of a file, so that a bit that has changed on a disk is found: a multiplicative hash of 64-bit words
 * (Knuth, The Art of Computer Programming 3, 6.4). */
static uint64_t add_to_sum(uint64_t sum, const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + at, size - at < 8 ? size - at : 8);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 32;
    }
    return sum;
}

static void sum_text(uint64_t sum, char text[32]) {
    snprintf(text, 32, "%016llx", (unsigned long long)sum);
}

static rlc_status sum_of_list(const rlc_named_tensor *list, int count, char text[32]) {
    uint64_t sum = 0;
    for (int i = 0; i < count; i++) {
        const rlc_tensor *t = list[i].tensor;
        size_t size = (size_t)t->numel * rlc_dtype_size((rlc_dtype)t->dtype);
        void *copy = t->device->memory.on_host ? NULL : rlc_calloc(size, 1);
        rlc_status status = RLC_OK;
        if (!t->device->memory.on_host) {
            status = copy != NULL ? rlc_tensor_read(t, copy) : rlc_error_status();
        }
        sum = add_to_sum(sum, list[i].name, strlen(list[i].name));
        sum = status == RLC_OK ? add_to_sum(sum, copy != NULL ? copy : t->data, size) : sum;
        free(copy);
        RLC_TRY(status);
    }
    sum_text(sum, text);
    return RLC_OK;
}

/* Whether the numbers are those that were written. A file from elsewhere, weights of PyTorch say, has no sum. */
static rlc_status check_sum(const char *path, const rlc_safetensors *file, const rlc_named_tensor *list, int count,
                            bool required) {
    const char *written = rlc_safetensors_metadata(file, "sum");
    char text[32];
    uint64_t sum = 0;
    for (int i = 0; i < count; i++) {
        const rlc_safetensors_entry *entry = rlc_safetensors_find(file, list[i].name);
        if (entry == NULL) {
            return RLC_OK; /* loading will say so */
        }
        sum = add_to_sum(sum, entry->name, strlen(entry->name));
        sum = add_to_sum(sum, entry->data, entry->size);
    }
    sum_text(sum, text);
    if (written == NULL ? !required : strcmp(written, text) == 0) {
        return RLC_OK;
    }
    return rlc_fail(RLC_FAILED, "%s: the file is damaged: its numbers are not those that were written", path);
}

static rlc_status save(const rlc_output *output, const rlc_run *run, rlc_arena *arena) {
    rlc_named_tensor *list;
    int count;
    uint64_t hash;
    RLC_TRY(rlc_recipe_hash(&run->recipe, &hash));
    char *recipe = rlc_arena_printf(arena, "%016llx", (unsigned long long)hash);
    char *resume = join(arena, output->folder, "resume.safetensors");
    char *checkpoint = join(arena, output->folder, "checkpoint.safetensors");
    if (recipe == NULL || resume == NULL || checkpoint == NULL) {
        return rlc_error_status();
    }
    char sum[32];
    RLC_TRY(rlc_run_state(run, arena, &list, &count));
    RLC_TRY(sum_of_list(list, count, sum));
    const rlc_text_pair metadata[] = {{"format", FORMAT}, {"rlc", RLC_VERSION}, {"recipe", recipe}, {"sum", sum}};
    RLC_TRY(rlc_safetensors_save(resume, list, count, metadata, RLC_COUNT(metadata)));
    RLC_TRY(rlc_run_parameters(run, arena, &list, &count));
    RLC_TRY(sum_of_list(list, count, sum));
    const rlc_text_pair plain[] = {{"format", "pt"}, {"rlc", RLC_VERSION}, {"sum", sum}};
    return rlc_safetensors_save(checkpoint, list, count, plain, RLC_COUNT(plain));
}

rlc_status rlc_output_checkpoint(rlc_output *output, const rlc_run *run) {
    RLC_TRY(rlc_run_check_losses(run));
    RLC_TRY(rlc_run_check_parameters(run));
    RLC_TRY(settle(output, "scalars.csv", output->scalars));
    RLC_TRY(settle(output, "timing.csv", output->timing));
    *output->scalars_size = ftello(output->scalars);
    rlc_arena arena = {0};
    rlc_status status = save(output, run, &arena);
    rlc_arena_free(&arena);
    return status;
}

static rlc_status load_list(const char *path, const rlc_safetensors *file, const rlc_named_tensor *list, int count,
                            rlc_strictness strict) {
    rlc_status status = rlc_load_tensors(file, list, count, "", strict, NULL);
    if (status != RLC_OK) {
        rlc_error_prefix("%s: ", path);
    }
    return status;
}

rlc_status rlc_load_parameters(rlc_run *run, const char *path) {
    rlc_safetensors *file;
    rlc_arena arena = {0};
    rlc_named_tensor *list;
    int count;
    RLC_TRY(rlc_safetensors_open(path, &file));
    rlc_status status = rlc_run_parameters(run, &arena, &list, &count);
    status = status == RLC_OK ? check_sum(path, file, list, count, false) : status;
    if (status == RLC_OK) {
        status = load_list(path, file, list, count, RLC_STRICT);
    }
    rlc_arena_free(&arena);
    rlc_safetensors_close(file);
    return status;
}

/* Whether the file was written by a run of this recipe. */
static rlc_status check_origin(const rlc_run *run, const char *path, const rlc_safetensors *file) {
    const char *format = rlc_safetensors_metadata(file, "format"), *recipe = rlc_safetensors_metadata(file, "recipe");
    char expected[32];
    uint64_t hash;
    RLC_TRY(rlc_recipe_hash(&run->recipe, &hash));
    snprintf(expected, sizeof expected, "%016llx", (unsigned long long)hash);
    if (format == NULL || strcmp(format, FORMAT) != 0) {
        return rlc_fail(RLC_FAILED, "%s: not the state of a run, or written by another version of rlc", path);
    }
    if (recipe == NULL || strcmp(recipe, expected) != 0) {
        return rlc_fail(RLC_FAILED, "%s: this is the state of another recipe; the one beside it has changed", path);
    }
    return RLC_OK;
}

static rlc_status cut_back(const char *path, int64_t size) {
    struct stat info;
    if (stat(path, &info) != 0 || info.st_size < size) {
        return rlc_fail(RLC_FAILED, "%s: it is shorter than it was at the last checkpoint; the run cannot go on", path);
    }
    return truncate(path, size) == 0 ? RLC_OK : rlc_fail(RLC_FAILED, "%s: %s", path, strerror(errno));
}

/* Timings differ from run to run, so their length is no part of the state: lines beyond the checkpoint's frame go. */
static rlc_status cut_timing(const char *path, int64_t frames) {
    char line[256];
    int64_t size = 0;
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        return rlc_fail(RLC_FAILED, "%s: %s", path, strerror(errno));
    }
    while (fgets(line, sizeof line, in) != NULL) {
        long long step;
        if (sscanf(line, "%lld,", &step) == 1 && step > frames) {
            break;
        }
        size = ftello(in);
    }
    fclose(in);
    return cut_back(path, size);
}

rlc_status rlc__output_restore(rlc_output *output, rlc_run *run) {
    rlc_arena arena = {0};
    rlc_safetensors *file = NULL;
    rlc_named_tensor *list;
    int count;
    char *path = join(&arena, output->folder, "resume.safetensors");
    char *scalars = join(&arena, output->folder, "scalars.csv"), *timing = join(&arena, output->folder, "timing.csv");
    rlc_status status = rlc_error_status();
    status = status == RLC_OK ? rlc_safetensors_open(path, &file) : status;
    status = status == RLC_OK ? check_origin(run, path, file) : status;
    status = status == RLC_OK ? rlc_run_state(run, &arena, &list, &count) : status;
    status = status == RLC_OK ? check_sum(path, file, list, count, true) : status;
    status = status == RLC_OK ? load_list(path, file, list, count, RLC_EXACT) : status; /* it goes on bit for bit */
    status = status == RLC_OK ? cut_back(scalars, *output->scalars_size) : status;
    status = status == RLC_OK ? cut_timing(timing, *run->collector->frames) : status;
    rlc_safetensors_close(file);
    rlc_arena_free(&arena);
    return status;
}
