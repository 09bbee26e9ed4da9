/* sequential.c: modules one after the other, and the wrappers that are such chains under another name. */
#include "modules/chain.h"

#include <string.h>

#include "modules/build.h"
#include "modules/classes.h"
#include "modules/distribution.h"

rlc_module *rlc_chain_append(rlc_module *self, const rlc_build *build, rlc_dict *seen, const rlc_value *value,
                             const char *name) {
    rlc_build mine = *build;
    mine.example = rlc_dict_clone(seen); /* what this member is built for must not change behind its back */
    rlc_module *member = rlc_module_build(self, &mine, value, name);
    if (member != NULL) {
        rlc__module_try(member, seen);
    }
    return rlc_error_status() == RLC_OK ? member : NULL;
}

bool rlc_chain_build(rlc_module *self, const rlc_build *build, const rlc_value *list, const rlc_strings *in,
                     const rlc_strings *out) {
    rlc_dict *seen = rlc_dict_clone(build->example);
    int count = list->kind == RLC_LIST ? list->count : 1;
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        rlc_build mine = *build;
        mine.in_keys = i == 0 ? in : out;
        mine.out_keys = out;
        if (rlc_chain_append(self, &mine, seen, list->kind == RLC_LIST ? list->items[i] : list, name) == NULL) {
            return false;
        }
    }
    return true;
}

static int add_unless_there(const rlc_key **keys, int count, const rlc_key *key) {
    for (int i = 0; i < count; i++) {
        if (keys[i] == key) {
            return count;
        }
    }
    keys[count] = key;
    return count + 1;
}

void rlc_chain_keys(rlc_module *self) {
    enum { MAX = 256 };
    const rlc_key *in[MAX], *out[MAX], *none = rlc_key_intern("_");
    int num_in = 0, num_out = 0;
    for (int i = 0; i < self->num_members; i++) {
        const rlc_module *m = self->members[i];
        for (int k = 0; k < m->num_in && num_in < MAX; k++) {
            if (add_unless_there(out, num_out, m->in_keys[k]) != num_out) {
                num_in = add_unless_there(in, num_in, m->in_keys[k]);
            }
        }
        for (int k = 0; k < m->num_out && num_out < MAX; k++) {
            num_out = m->out_keys[k] == none ? num_out : add_unless_there(out, num_out, m->out_keys[k]);
        }
    }
    rlc_module_set_in_keys(self, in, num_in);
    rlc_module_set_out_keys(self, out, num_out);
}

void rlc_chain_forward(rlc_module *self, rlc_dict *td) {
    rlc_module_call_each(self->members, self->num_members, td);
}

/* A chain as recipes have it: `modules` is a list, `module` a single one. */
typedef struct chain {
    rlc_module base;
    const rlc_value *modules, *module;
} chain;

typedef chain Sequential;
typedef chain Actor;

static const rlc_value *listed(const chain *m) {
    if ((m->modules != NULL) == (m->module != NULL)) {
        rlc_fail(RLC_INVALID, "%s: give either 'modules', a list, or 'module'", m->base.path);
        return NULL;
    }
    return m->modules != NULL ? m->modules : m->module;
}

static const rlc_option chain_options[] = {
    RLC_MODULES(chain, modules, "what runs, one after the other"),
    RLC_MODULE(chain, module, "the same, for a single one"),
    {0},
};

/* The keys of a wrapper as names, to hand down. */
static rlc_strings names_of(const rlc_key *const *keys, int count, const char **names) {
    for (int i = 0; i < count; i++) {
        names[i] = keys[i]->name;
    }
    return (rlc_strings){count, names};
}

/* Keys that the chain has of its own, by its options, its wrapper or its class, are for the members that have none. */
static void chain_init(rlc_module *self, const rlc_build *build) {
    const char *in_names[RLC_MAX_KEYS], *out_names[RLC_MAX_KEYS];
    rlc_strings in = names_of(self->in_keys, self->num_in, in_names);
    rlc_strings out = names_of(self->out_keys, self->num_out, out_names);
    const rlc_value *list = listed((chain *)self);
    if (list != NULL && rlc_chain_build(self, build, list, &in, &out)) {
        rlc_chain_keys(self);
    }
}

/* That of the last member, behind all others. */
static bool chain_distribution(rlc_module *self, rlc_dict *td, rlc_distribution *d) {
    rlc_module_call_each(self->members, self->num_members - 1, td);
    return self->num_members > 0 && rlc_module_distribution(self->members[self->num_members - 1], td, d);
}

const rlc_module_class rlc_sequential_class = {
    .base = RLC_CLASS("module", Sequential, .doc = "modules one after the other", .options = chain_options),
    .init = chain_init,
    .forward = rlc_chain_forward,
    .distribution = chain_distribution,
    .ends_in_member = true,
};

const rlc_module_class rlc_actor_class = {
    .base = RLC_CLASS("module", Actor, .doc = "a deterministic policy: its network writes the action",
                      .options = chain_options),
    .in_keys = {"observation"},
    .out_keys = {"action"},
    .init = chain_init,
    .forward = rlc_chain_forward,
};
