/* part.h: parts of rlc that are shared objects beside librlc, rlc_NAME.so, opened when somebody asks for what they do, so
 * that nobody else needs, or waits for, the libraries that they bring along.
 *
 *     static const rlc_part part = {.name = "draw", .abi = "rlc__drawing_abi", .symbol = "rlc__drawing", ...};
 *     const rlc_drawing_table *table = rlc__part_open(&part);
 */
#ifndef RLC_PART_H
#define RLC_PART_H

#include "core/base.h"

RLC_BEGIN

typedef struct rlc_part {
    const char *name;
    const char *abi;     /* its const int with the value of RLC_ABI */
    const char *symbol;  /* what it is opened for */
    const char *lacking; /* how errors begin: "device 'cuda' is not available" */
    const char *missing; /* what it means that the file is not there, and */
    const char *remedy;  /* what to do: "`make` builds it where nvcc is found" */
    const char *needs;   /* what to do when one of its own libraries is not found; or NULL */
} rlc_part;

/* The address of the symbol, and with `union` or `*(void **)&` that of a function; NULL with an error. A part stays open
 * for good: tensors and programs point to functions in it. */
void *rlc__part_open(const rlc_part *part);

RLC_END

#endif
