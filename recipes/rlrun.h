/* rlrun.h: the commands of rlrun. */
#ifndef RLC_RLRUN_H
#define RLC_RLRUN_H

#include <stdio.h>

#include "envs/film.h"
#include "recipes/run.h"

/* What the command line said. */
typedef struct rlrun_arguments {
    const char *command; /* "train", "check", "resume", "eval", "play", "list", "devices" */
    const char *target;  /* a recipe, a folder or a type */
    const char **overrides;
    int num_overrides;
    const char *out;
    int64_t *seeds, num_seeds; /* NULL: the one of the recipe */
    int64_t jobs;              /* at once; 0: as many as there are cores */
    int64_t episodes;          /* 0: as the recipe says */
    const char *seed;
    const char *gif, *png, *mp4; /* where pictures go, or NULL */
    bool term, overwrite, quiet, markdown;
} rlrun_arguments;

rlc_status rlrun_train(const rlrun_arguments *a);
rlc_status rlrun_check(const rlrun_arguments *a);
rlc_status rlrun_resume(const rlrun_arguments *a);
rlc_status rlrun_eval(const rlrun_arguments *a);
rlc_status rlrun_play(const rlrun_arguments *a);

/* The run of a folder with what it learned, its recipe changed by `changes`. */
rlc_status rlrun_load_trained(const char *folder, const char *const *changes, int count, rlc_run **run);

/* Films that need no library: a video, by the program ffmpeg; the terminal. */
extern const rlc_film_class rlrun_mp4_class, rlrun_term_class;

/* The same for many seeds (rlrun_seeds.c): a process for each, and aggregate.json over them. */
rlc_status rlrun_train_seeds(const rlrun_arguments *a);
rlc_status rlrun_resume_seeds(const rlrun_arguments *a);
bool rlrun_holds_seeds(const char *folder);

/* "1..5" or "1,3,7..9": the seeds, for the caller to free; NULL with an error. */
int64_t *rlrun_parse_seeds(const char *text, int64_t *count);
rlc_status rlrun_list(const rlrun_arguments *a);
rlc_status rlrun_devices(const rlrun_arguments *a);

/* What can be named in a recipe: the kinds of classes in the order of its sections, each with the options that all of them
 * share, and the sections that have options but no type. Both lists end with a NULL. */
typedef struct rlrun_kind {
    const char *kind, *plural, *section;
    const rlc_option *common;
} rlrun_kind;
typedef struct rlrun_section {
    const char *name, *doc;
    const rlc_option *options;
} rlrun_section;
extern const rlrun_kind rlrun_kinds[];
extern const rlrun_section rlrun_sections[];

/* Of one option, for people: "integer" or "relu|tanh"; its default, "required" or "none". */
const char *rlrun_option_type(const rlc_option *option);
const char *rlrun_option_default(const rlc_option *option, char text[32]);
bool rlrun_option_is_number(const rlc_option *option);

/* All of it as Markdown: docs/recipe-reference.md. */
void rlrun_print_reference(const rlc_registry *registry);

/* How wide what people read may be: 100 columns, or down to 80 where $COLUMNS or the terminal has fewer. */
int rlrun_width(void);

/* A table that fits into that width: the first row is the head. A cell may have several lines; one that is too long is cut
 * at a space or a dot. Columns marked `right` hold numbers.
 *
 *     rlrun_table t = {.num_columns = 2, .right = {[1] = true}};
 *     rlrun_table_row(&t, "name", "size");
 *     rlrun_table_row(&t, "weight", "480");
 *     rlrun_table_print(&t, stdout);             // and empties it
 */
enum { RLRUN_COLUMNS = 8 };
typedef struct rlrun_table {
    int num_columns;
    bool right[RLRUN_COLUMNS];
    rlc_arena arena;
    const char ***rows;
    int num_rows;
} rlrun_table;

void rlrun_table_row(rlrun_table *table, ...); /* as many texts as it has columns */
void rlrun_table_print(rlrun_table *table, FILE *out);

#endif
