/* rlrun_seeds.c: a recipe with many seeds: each in a process of its own, and what they say together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "recipes/aggregate.h"
#include "recipes/rlrun.h"
#include "recipes/rlrun_jobs.h"
#include "recipes/run.h"

enum { MAX_SEEDS = 10000, PATH_SIZE = 4096 };

/* What all processes know. */
typedef struct campaign {
    const rlrun_arguments *a;
    char folder[PATH_SIZE - 64]; /* holds seed-N for each */
    char name[256];
    int64_t *seeds, count;
    char *recipe; /* for seeds that have not begun */
} campaign;

static bool parse_range(char *text, int64_t *first, int64_t *last) {
    char *dots = strstr(text, "..");
    if (dots != NULL) {
        *dots = '\0';
    }
    rlc_value low = {.kind = RLC_TEXT, .text = text}, high = {.kind = RLC_TEXT, .text = dots != NULL ? dots + 2 : text};
    const int64_t most = INT64_C(1) << 53; /* aggregate.json must hold it */
    return rlc_value_integer(&low, first) && rlc_value_integer(&high, last) && *first >= 0 && *last >= *first &&
           *last <= most && *last - *first < MAX_SEEDS;
}

static bool add_seed(int64_t *seeds, int64_t *count, int64_t seed) {
    for (int64_t i = 0; i < *count; i++) {
        if (seeds[i] == seed) {
            rlc_fail(RLC_INVALID, "--seeds: %lld is there twice", (long long)seed);
            return false;
        }
    }
    if (*count == MAX_SEEDS) {
        rlc_fail(RLC_INVALID, "--seeds: more than %d", MAX_SEEDS);
        return false;
    }
    seeds[(*count)++] = seed;
    return true;
}

int64_t *rlrun_parse_seeds(const char *text, int64_t *count) {
    int64_t *seeds = rlc_calloc(MAX_SEEDS, sizeof *seeds);
    bool good = seeds != NULL;
    *count = 0;
    for (const char *at = text; good; at++) {
        char part[64];
        int64_t first, last;
        size_t length = strcspn(at, ",");
        snprintf(part, sizeof part, "%.*s", (int)length, at);
        if (length >= sizeof part || !parse_range(part, &first, &last)) {
            rlc_fail(RLC_INVALID, "--seeds must be like 1..5 or 1,3,7..9, at most %d, not %s", MAX_SEEDS, text);
            good = false;
            break;
        }
        for (int64_t seed = first; seed <= last && good; seed++) {
            good = add_seed(seeds, count, seed);
        }
        at += length;
        if (*at == '\0') {
            break;
        }
    }
    if (!good) {
        free(seeds);
        return NULL;
    }
    return seeds;
}

/* Quiet arguments for one seed, of a recipe that begins. Its last override names the seed. */
static rlc_status train_one(const rlrun_job *job, void *context) {
    const campaign *c = context;
    char out[PATH_SIZE], seed[48];
    const char **overrides = rlc_calloc((size_t)c->a->num_overrides + 1, sizeof *overrides);
    if (overrides == NULL) {
        return rlc_error_status();
    }
    for (int i = 0; i < c->a->num_overrides; i++) {
        overrides[i] = c->a->overrides[i];
    }
    snprintf(seed, sizeof seed, "seed=%lld", (long long)job->number);
    overrides[c->a->num_overrides] = seed;
    snprintf(out, sizeof out, "%s/seed-%lld", c->folder, (long long)job->number);
    rlrun_arguments mine = {.command = "train",
                            .target = c->recipe,
                            .overrides = overrides,
                            .num_overrides = c->a->num_overrides + 1,
                            .out = out,
                            .overwrite = c->a->overwrite,
                            .quiet = true};
    rlc_status status = rlrun_train(&mine);
    free(overrides);
    return status;
}

static bool has(const campaign *c, int64_t seed, const char *file) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/seed-%lld/%s", c->folder, (long long)seed, file);
    return access(path, F_OK) == 0;
}

/* One seed of a campaign that was stopped: done, begun, or not yet. */
static rlc_status resume_one(const rlrun_job *job, void *context) {
    const campaign *c = context;
    if (has(c, job->number, "summary.json")) {
        return RLC_OK;
    }
    if (!has(c, job->number, "recipe.yaml")) {
        return train_one(job, context);
    }
    char folder[PATH_SIZE];
    snprintf(folder, sizeof folder, "%s/seed-%lld", c->folder, (long long)job->number);
    rlrun_arguments mine = {.command = "resume", .target = folder, .quiet = true};
    return rlrun_resume(&mine);
}

/* Only finds out whether the recipe can be trained, so that a mistake is told once. */
static rlc_status check_one(const rlrun_job *job, void *context) {
    (void)job;
    const campaign *c = context;
    rlc_run *run;
    RLC_TRY(rlc_run_load(c->recipe, c->a->overrides, c->a->num_overrides, &run));
    rlc_status status = rlc_run_check(run);
    rlc_run_free(run);
    return status;
}

/* How a job ended, for people. */
static void tell(const rlrun_job *job, void *context) {
    const campaign *c = context;
    if (c->a->quiet) {
        return;
    }
    printf("seed %lld %s", (long long)job->number,
           job->status == RLC_OK            ? "done"
           : job->status == RLC_INTERRUPTED ? "stopped"
                                            : "failed");
    if (job->status == RLC_OK) {
        double value;
        if (rlc_aggregate_return(c->folder, job->number, &value) == RLC_OK) {
            printf(": return %.2f", value);
        }
    }
    printf("\n");
    fflush(stdout);
}

/* The first failure's message, and how many there are. */
static rlc_status report_failures(const campaign *c, const rlrun_job *jobs) {
    const rlrun_job *first = NULL;
    long long failed = 0;
    for (int64_t i = 0; i < c->count; i++) {
        if (jobs[i].status != RLC_OK && jobs[i].status != RLC_INTERRUPTED) {
            first = first != NULL ? first : &jobs[i];
            failed++;
        }
    }
    if (first == NULL) {
        return rlc_error_status();
    }
    return rlc_fail(first->status, "%lld of %lld seeds failed; seed %lld: %s", failed, (long long)c->count,
                    (long long)first->number, first->message);
}

/* aggregate.json over what there is, and its line for people. */
static rlc_status sum_up(const campaign *c) {
    rlc_statistics s;
    RLC_TRY(rlc_aggregate(c->folder, c->name, c->seeds, c->count, &s));
    if (!c->a->quiet) {
        printf("%lld of %lld seeds", (long long)s.count, (long long)c->count);
        if (s.count > 0) {
            printf(": return %.2f, interquartile mean %.2f", s.mean, s.iqm);
        }
        if (s.count > 1) {
            printf(" (95%%: %.2f to %.2f)", s.iqm_low, s.iqm_high);
        }
        printf("\nresults are in %s\n", c->folder);
    }
    return RLC_OK;
}

static rlc_status run_campaign(campaign *c, rlc_status (*one)(const rlrun_job *, void *)) {
    int64_t at_once = c->a->jobs > 0 ? c->a->jobs : sysconf(_SC_NPROCESSORS_ONLN);
    rlrun_job *jobs = rlc_calloc((size_t)c->count, sizeof *jobs);
    if (jobs == NULL) {
        return rlc_error_status();
    }
    for (int64_t i = 0; i < c->count; i++) {
        jobs[i].number = c->seeds[i];
    }
    rlc_status status = rlrun_jobs_run(jobs, c->count, at_once, one, tell, c);
    rlc_status summed = sum_up(c);
    if (status == RLC_FAILED) {
        status = report_failures(c, jobs);
    } else if (status == RLC_INTERRUPTED) {
        rlc_fail(RLC_INTERRUPTED, "stopped; go on with `rlrun resume %s`", c->folder);
    }
    free(jobs);
    return status == RLC_OK ? summed : status;
}

/* The recipe's name and the folder for its seeds; the seed itself must come from --seeds alone. */
static rlc_status prepare(campaign *c) {
    const rlrun_arguments *a = c->a;
    for (int i = 0; i < a->num_overrides; i++) {
        if (strncmp(a->overrides[i], "seed=", 5) == 0) {
            return rlc_fail(RLC_INVALID, "%s and --seeds: say which seeds there are to be once", a->overrides[i]);
        }
    }
    rlc_recipe recipe = {0};
    rlc_status status = rlc_recipe_load(a->target, a->overrides, a->num_overrides, &recipe);
    if (status == RLC_OK) {
        snprintf(c->name, sizeof c->name, "%s", recipe.name);
        int length = snprintf(c->folder, sizeof c->folder, "%s%s", a->out != NULL ? "" : "runs/",
                              a->out != NULL ? a->out : recipe.name);
        if (length >= (int)sizeof c->folder) {
            status = rlc_fail(RLC_INVALID, "%s: the path is too long", a->out != NULL ? a->out : recipe.name);
        }
    }
    rlc_recipe_free(&recipe);
    return status;
}

/* Before anything begins: what would make every seed fail, and folders that are taken. */
static rlc_status check(campaign *c) {
    rlrun_job job = {0};
    if (rlrun_jobs_run(&job, 1, 1, check_one, NULL, c) != RLC_OK) {
        return rlc_fail(job.status, "%s", job.message);
    }
    for (int64_t i = 0; i < c->count && !c->a->overwrite; i++) {
        if (has(c, c->seeds[i], "recipe.yaml")) {
            return rlc_fail(
                RLC_INVALID,
                "%s/seed-%lld: there is a run here already; choose another folder with --out, or replace it "
                "with --overwrite",
                c->folder, (long long)c->seeds[i]);
        }
    }
    return rlc_folder_make(c->folder);
}

rlc_status rlrun_train_seeds(const rlrun_arguments *a) {
    campaign c = {.a = a, .seeds = a->seeds, .count = a->num_seeds, .recipe = (char *)a->target};
    RLC_TRY(prepare(&c));
    RLC_TRY(check(&c));
    RLC_TRY(rlc_aggregate(c.folder, c.name, c.seeds, c.count, NULL)); /* so that a resume knows the seeds */
    if (!a->quiet) {
        printf("%s, %lld seeds: %s\n", c.name, (long long)c.count, c.folder);
    }
    return run_campaign(&c, train_one);
}

bool rlrun_holds_seeds(const char *folder) {
    char path[PATH_SIZE];
    return snprintf(path, sizeof path, "%s/aggregate.json", folder) < (int)sizeof path && access(path, F_OK) == 0;
}

/* A seed that had not begun gets the recipe of one that had: they differ in the seed only. */
static rlc_status find_recipe(campaign *c, char path[PATH_SIZE]) {
    for (int64_t i = 0; i < c->count; i++) {
        if (has(c, c->seeds[i], "recipe.yaml")) {
            snprintf(path, PATH_SIZE, "%s/seed-%lld/recipe.yaml", c->folder, (long long)c->seeds[i]);
            c->recipe = path;
            return RLC_OK;
        }
    }
    return rlc_fail(RLC_INVALID, "%s: none of its seeds has begun; train the recipe again, with --overwrite",
                    c->folder);
}

rlc_status rlrun_resume_seeds(const rlrun_arguments *a) {
    campaign c = {.a = a};
    char recipe[PATH_SIZE];
    if (snprintf(c.folder, sizeof c.folder, "%s", a->target) >= (int)sizeof c.folder) {
        return rlc_fail(RLC_INVALID, "%s: the path is too long", a->target);
    }
    RLC_TRY(rlc_aggregate_seeds(c.folder, &c.seeds, &c.count, c.name));
    rlc_status status = find_recipe(&c, recipe);
    status = status == RLC_OK ? run_campaign(&c, resume_one) : status;
    free(c.seeds);
    return status;
}
