/* loading.h: a list of roots read from a safetensors file, with what does not fit listed whole: what
 * torch.nn.Module.load_state_dict does (https://pytorch.org/docs/stable/generated/torch.nn.Module.html).
 *
 *     rlc_load_report report = {0};
 *     if (rlc_load_tensors(file, list, count, "", RLC_STRICT, &report) != RLC_OK) {
 *         for (int i = 0; i < report.missing.count; i++) puts(report.missing.values[i]);
 *     }
 *     rlc_load_report_free(&report);
 */
#ifndef RLC_LOADING_H
#define RLC_LOADING_H

#include "core/arena.h"
#include "core/class.h"
#include "core/safetensors.h"

RLC_BEGIN

/* Whether names must agree: RLC_NOT_STRICT is PyTorch's strict=False. RLC_EXACT: names as for RLC_STRICT, and types, too. */
typedef enum rlc_strictness { RLC_STRICT, RLC_NOT_STRICT, RLC_EXACT } rlc_strictness;

/* Names, without the prefix. */
typedef struct rlc_load_report {
    rlc_strings missing;    /* on the list, not in the file */
    rlc_strings unexpected; /* in the file behind the prefix, not on the list */
    rlc_strings mismatched; /* in both, but of another shape or type */
    rlc_arena arena;
} rlc_load_report;

/* Reads every root of the list from the entry PREFIXname. What the file has under other prefixes is not looked at.
 *
 * Types are converted between float32 and float64, to the nearest value, and only between them; a number beyond float32 is a
 * mismatch. With RLC_EXACT, for what must go on bit for bit, nothing is converted, and another type is a mismatch.
 *
 * Strict, all three lists must be empty; not strict, `mismatched` must, as in PyTorch, and, unlike there, something must have been
 * read: a file of which nothing fits is a mistake. The error names what does not fit, and the prefix under which all would.
 * Nothing is written unless all is well. `report` may be NULL; it is filled in either case and replaces what was in it. */
rlc_status rlc_load_tensors(const rlc_safetensors *file, const rlc_named_tensor *list, int count, const char *prefix,
                            rlc_strictness strict, rlc_load_report *report);

void rlc_load_report_free(rlc_load_report *report);

RLC_END

#endif
