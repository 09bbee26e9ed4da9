#include "recipes/aggregate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "recipes/json.h"

static const char *const measures[] = {"eval.return_mean",
                                       "eval.return_std",
                                       "eval.length_mean",
                                       "train.return_mean_last100",
                                       "train.solved_at_frames",
                                       "frames",
                                       "updates",
                                       "wall_s",
                                       "frames_per_s"};

enum { EVALUATED = 0, TRAINED = 3 }; /* places in `measures` */

static rlc_status path_of(const char *folder, const char *file, char path[4096]) {
    return snprintf(path, 4096, "%s/%s", folder, file) < 4096
               ? RLC_OK
               : rlc_fail(RLC_INVALID, "%s: the path is too long", folder);
}

/* The summary of one seed; *summary stays NULL where there is none. */
static rlc_status read_summary(const char *folder, int64_t seed, cJSON **summary) {
    char path[4096], name[64];
    snprintf(name, sizeof name, "seed-%lld/summary.json", (long long)seed);
    RLC_TRY(path_of(folder, name, path));
    *summary = NULL;
    return access(path, F_OK) == 0 ? rlc__json_read(path, summary) : RLC_OK;
}

static bool add_pair(cJSON *object, const char *name, double low, double high) {
    return rlc__json_put(object, name, rlc__json_numbers((double[]){low, high}, 2));
}

static bool add_measure(cJSON *aggregate, const char *name, const double *values, int64_t count,
                        const rlc_statistics *s) {
    cJSON *o = cJSON_AddObjectToObject(aggregate, name);
    return rlc__json_put(o, "values", rlc__json_numbers(values, count)) && rlc__json_number(o, "mean", s->mean) &&
           rlc__json_number(o, "std", s->std) && add_pair(o, "mean_interval", s->mean_low, s->mean_high) &&
           rlc__json_number(o, "iqm", s->iqm) && add_pair(o, "iqm_interval", s->iqm_low, s->iqm_high) &&
           rlc__json_number(o, "min", s->smallest) && rlc__json_number(o, "max", s->largest);
}

/* Adds the seeds, all of them and those without a summary. */
static bool add_seeds(cJSON *aggregate, const int64_t *seeds, cJSON *const *summaries, int64_t count) {
    cJSON *all = cJSON_AddArrayToObject(aggregate, "seeds"), *missing = cJSON_AddArrayToObject(aggregate, "missing");
    bool whole = all != NULL && missing != NULL;
    for (int64_t i = 0; i < count && whole; i++) {
        whole = cJSON_AddItemToArray(all, cJSON_CreateNumber((double)seeds[i])) &&
                (summaries[i] != NULL || cJSON_AddItemToArray(missing, cJSON_CreateNumber((double)seeds[i])));
    }
    return whole;
}

/* Adds all measures that any run has. */
static rlc_status add_measures(cJSON *aggregate, cJSON *const *summaries, int64_t count, rlc_statistics *returns,
                               bool *whole) {
    double *values = rlc_calloc((size_t)count, sizeof *values);
    rlc_status status = values != NULL ? RLC_OK : rlc_error_status();
    for (int k = 0; k < RLC_COUNT(measures) && status == RLC_OK; k++) {
        rlc_statistics s;
        for (int64_t i = 0; i < count; i++) {
            values[i] = rlc__json_get(summaries[i], measures[k]);
        }
        status = rlc_statistics_of(values, count, &s);
        if (status == RLC_OK && s.count > 0) {
            *whole = *whole && add_measure(aggregate, measures[k], values, count, &s);
        }
        if (returns != NULL && (k == EVALUATED || (k == TRAINED && returns->count == 0))) {
            *returns = s;
        }
    }
    free(values);
    return status;
}

static rlc_status write_aggregate(const char *folder, const char *recipe, const int64_t *seeds, cJSON *const *summaries,
                                  int64_t count, rlc_statistics *returns) {
    char path[4096];
    RLC_TRY(path_of(folder, "aggregate.json", path));
    cJSON *aggregate = cJSON_CreateObject();
    bool whole = rlc__json_text(aggregate, "recipe", recipe) && add_seeds(aggregate, seeds, summaries, count);
    rlc_status status = add_measures(aggregate, summaries, count, returns, &whole);
    whole = whole && rlc__json_text(aggregate, "version", RLC_VERSION);
    if (status != RLC_OK) {
        cJSON_Delete(aggregate);
        return status;
    }
    return rlc__json_write(path, aggregate, whole);
}

rlc_status rlc_aggregate(const char *folder, const char *recipe, const int64_t *seeds, int64_t count,
                         rlc_statistics *returns) {
    cJSON **summaries = rlc_calloc((size_t)count, sizeof *summaries);
    if (summaries == NULL) {
        return rlc_error_status();
    }
    rlc_status status = RLC_OK;
    for (int64_t i = 0; i < count && status == RLC_OK; i++) {
        status = read_summary(folder, seeds[i], &summaries[i]);
    }
    if (status == RLC_OK) {
        status = write_aggregate(folder, recipe, seeds, summaries, count, returns);
    }
    for (int64_t i = 0; i < count; i++) {
        cJSON_Delete(summaries[i]);
    }
    free(summaries);
    return status;
}

rlc_status rlc_aggregate_return(const char *folder, int64_t seed, double *value) {
    cJSON *summary;
    RLC_TRY(read_summary(folder, seed, &summary));
    double evaluated = rlc__json_get(summary, measures[EVALUATED]), trained = rlc__json_get(summary, measures[TRAINED]);
    cJSON_Delete(summary);
    *value = isnan(evaluated) ? trained : evaluated;
    return RLC_OK;
}

rlc_status rlc_aggregate_seeds(const char *folder, int64_t **seeds, int64_t *count, char name[256]) {
    char path[4096];
    RLC_TRY(path_of(folder, "aggregate.json", path));
    cJSON *aggregate;
    RLC_TRY(rlc__json_read(path, &aggregate));
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(aggregate, "seeds"), *item;
    const char *recipe = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(aggregate, "recipe"));
    *count = 0;
    *seeds = rlc_calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof **seeds);
    if (*seeds != NULL) {
        cJSON_ArrayForEach(item, list) {
            (*seeds)[(*count)++] = (int64_t)item->valuedouble;
        }
        snprintf(name, 256, "%s", recipe != NULL ? recipe : "");
    }
    cJSON_Delete(aggregate);
    if (*seeds != NULL && *count == 0) {
        free(*seeds);
        return rlc_fail(RLC_FAILED, "%s: it names no seeds", path);
    }
    return rlc_error_status();
}
