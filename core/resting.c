/* resting.c: a list in the program's own memory, of a few entries; so threads that record with one module share nothing. */
#include "core/resting.h"

#include "core/record.h"

struct rlc_kept {
    const void *owner;
    rlc_tensor *tensor;
    rlc_kept *next;
};

bool rlc_set_resting(bool on) {
    rlc_program *p = rlc_current();
    bool was = p != NULL && p->resting;
    if (p != NULL) {
        p->resting = on;
        p->kept = NULL;
    }
    return was;
}

rlc_tensor *rlc_resting_find(const void *owner) {
    const rlc_program *p = rlc_current();
    const rlc_kept *k = p != NULL && p->no_grad ? p->kept : NULL;
    while (k != NULL && k->owner != owner) {
        k = k->next;
    }
    return k != NULL ? k->tensor : NULL;
}

void rlc_resting_keep(const void *owner, rlc_tensor *tensor) {
    rlc_program *p = rlc_current();
    if (p == NULL || tensor == NULL || !p->resting || !p->no_grad) {
        return;
    }
    rlc_kept *k = rlc__aux(p, sizeof *k);
    if (k != NULL) {
        *k = (rlc_kept){owner, tensor, p->kept};
        p->kept = k;
    }
}
