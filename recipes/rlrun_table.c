/* rlrun_table.c: tables for people, as wide as the terminal allows: cells that are too long go on in further lines. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "recipes/rlrun.h"

enum { WIDEST = 100, NARROWEST = 80, GAP = 2 };

int rlrun_width(void) {
    struct winsize size = {0};
    const char *given = getenv("COLUMNS");
    long columns = given != NULL ? strtol(given, NULL, 10) : 0;
    if (columns <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        columns = size.ws_col;
    }
    return columns <= 0 || columns > WIDEST ? WIDEST : columns < NARROWEST ? NARROWEST : (int)columns;
}

void rlrun_table_row(rlrun_table *t, ...) {
    const char **cells = rlc_arena_calloc(&t->arena, (size_t)t->num_columns * sizeof *cells);
    if ((t->num_rows & (t->num_rows - 1)) == 0 && cells != NULL) { /* full at every power of two */
        size_t room = t->num_rows > 0 ? 2 * (size_t)t->num_rows : 1;
        const char ***rows = rlc_arena_alloc(&t->arena, room * sizeof *rows, RLC_ALIGN_STRUCT);
        if (rows != NULL && t->num_rows > 0) {
            memcpy(rows, t->rows, (size_t)t->num_rows * sizeof *rows);
        }
        t->rows = rows;
    }
    if (cells == NULL || t->rows == NULL) {
        t->num_rows = 0; /* out of memory: the error is recorded */
        return;
    }
    va_list args;
    va_start(args, t);
    for (int c = 0; c < t->num_columns; c++) {
        const char *text = va_arg(args, const char *);
        cells[c] = rlc_arena_strndup(&t->arena, text, strlen(text));
        cells[c] = cells[c] != NULL ? cells[c] : "";
    }
    va_end(args);
    t->rows[t->num_rows++] = cells;
}

/* Where a line may be cut: 2 at a space outside of brackets, which goes; 1 behind a dot, a slash or an underscore; else 0.
 * Walks along: `depth` is that of brackets so far. */
static int mark_at(const char *text, int i, int *depth) {
    *depth += (text[i - 1] == '[') - (text[i - 1] == ']');
    return text[i] == ' ' && *depth == 0 ? 2 : strchr("._/", text[i - 1]) != NULL ? 1 : 0;
}

/* How many of the first `room` bytes of a line to take. */
static int cut(const char *text, int length, int room) {
    int best[3] = {room, 0, 0}, depth = 0;
    if (length <= room) {
        return length;
    }
    for (int i = 1; i <= room; i++) {
        best[mark_at(text, i, &depth)] = i;
    }
    return best[2] > 0 ? best[2] : best[1] > 0 ? best[1] : room;
}

/* The next line of a cell within `width`: its start, length and how far it is indented, which the rest of a line that is
 * cut is once more. Moves `at` behind it. */
typedef struct line {
    const char *text;
    int length, indent;
} line;

static line next_line(const char **at, int *hanging, int width) {
    const char *text = *at;
    int indent = *hanging;
    if (indent == 0) {
        indent = (int)strspn(text, " ");
        text += indent;
    }
    int length = (int)strcspn(text, "\n"), room = width - indent > 1 ? width - indent : 1,
        taken = cut(text, length, room);
    *at = text + taken;
    *hanging = 0;
    if (taken < length) {
        *hanging = indent + 2 < width / 2 ? indent + 2 : width / 2;
        *at += strspn(*at, " ");
    } else if (**at == '\n') {
        ++*at;
    }
    return (line){text, taken, indent};
}

/* The widths of a column's longest line and of its longest piece that cannot be cut. */
static void measure(const rlrun_table *t, int column, int *natural, int *least) {
    *natural = *least = 1;
    for (int r = 0; r < t->num_rows; r++) {
        for (const char *at = t->rows[r][column]; *at != '\0';) {
            int length = (int)strcspn(at, "\n"), depth = 0, start = 0;
            *natural = length > *natural ? length : *natural;
            for (int i = 1; i <= length; i++) {
                if (i == length || mark_at(at, i, &depth) > 0) {
                    int piece = i - start + 2; /* it may stand in a line that goes on, indented */
                    *least = piece > *least ? piece : *least;
                    start = i;
                }
            }
            at += at[length] == '\n' ? length + 1 : length;
        }
    }
    *least = *least < *natural ? *least : *natural;
}

/* Takes from the widest column that can be cut until all of them fit; then from whichever is widest. */
static void fit(const rlrun_table *t, int width, int *widths) {
    int total = GAP * (t->num_columns - 1), least[RLRUN_COLUMNS];
    for (int c = 0; c < t->num_columns; c++) {
        measure(t, c, &widths[c], &least[c]);
        total += widths[c];
    }
    for (; total > width; total--) {
        int widest = -1, any = 0;
        for (int c = 0; c < t->num_columns; c++) {
            widest = widths[c] > least[c] && (widest < 0 || widths[c] > widths[widest]) ? c : widest;
            any = widths[c] > widths[any] ? c : any;
        }
        widths[widest >= 0 ? widest : any]--;
    }
}

/* Spaces are owed until something follows, so that no line ends in them. */
static void print_row(const rlrun_table *t, const char *const *cells, const int *widths, FILE *out) {
    const char *at[RLRUN_COLUMNS];
    int hanging[RLRUN_COLUMNS] = {0};
    memcpy(at, cells, (size_t)t->num_columns * sizeof *at);
    for (bool more = true; more;) {
        int owed = 0;
        more = false;
        for (int c = 0; c < t->num_columns; c++) {
            line l = next_line(&at[c], &hanging[c], widths[c]);
            int before = t->right[c] ? widths[c] - l.length : l.indent;
            if (l.length > 0) {
                fprintf(out, "%*s%.*s", owed + before, "", l.length, l.text);
                owed = widths[c] - before - l.length;
            } else {
                owed += widths[c];
            }
            owed += GAP;
            more = more || *at[c] != '\0';
        }
        fputc('\n', out);
    }
}

void rlrun_table_print(rlrun_table *t, FILE *out) {
    int widths[RLRUN_COLUMNS];
    fit(t, rlrun_width(), widths);
    for (int r = 0; r < t->num_rows; r++) {
        print_row(t, t->rows[r], widths, out);
        for (int c = 0; r == 0 && c < t->num_columns; c++) {
            for (int i = 0; i < widths[c]; i++) {
                fputc('-', out);
            }
            fprintf(out, "%*s", c + 1 < t->num_columns ? GAP : 0, "");
        }
        fputs(r == 0 ? "\n" : "", out);
    }
    rlc_arena_free(&t->arena);
    t->num_rows = 0;
}
