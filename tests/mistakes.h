/* mistakes.h: what people give rlrun that is wrong, and what is to be said of it: one message of one line. */
#ifndef RLC_TEST_MISTAKES_H
#define RLC_TEST_MISTAKES_H

#include "tests/command.h"

/* A recipe that is right, in pieces. */
#define ENV "env: {type: CartPole}\n"
#define NET "modules:\n  net: {type: MLP, out_features: 2, out_keys: [action_value], num_cells: [8]}\n"
#define POLICY "  policy: {type: Sequential, modules: [net, {type: QValueModule}]}\n"
#define MODULES NET POLICY
#define COLLECTOR "collector: {type: Collector, policy: policy, frames_per_batch: 10, total_frames: 40}\n"
#define BUFFER "buffer: {type: ReplayBuffer, capacity: 100, batch_size: 8}\n"
#define LOSS "loss: {type: DQNLoss, value_network: policy}\n"
#define OPTIM "optim: {type: Adam, lr: 1e-3}\n"
#define REST COLLECTOR BUFFER LOSS OPTIM
#define ALL ENV MODULES REST

typedef struct mistake {
    const char *text;      /* of the recipe, NULL for none */
    const char *arguments; /* of rlrun; @ stands for the recipe's path, % for the work folder; NULL for "check @" */
    int status;
    const char *message; /* what is said, with the place; @ and % as above */
} mistake;

/* Puts the paths in; keeps a few results. */
static inline const char *filled(const char *text) {
    static char results[4][2048];
    static int next;
    char *result = results[next++ % 4], *to = result;
    for (; *text != '\0'; text++) {
        const char *part = *text == '@' ? in_work_folder("bad.yaml") : *text == '%' ? work_folder : NULL;
        if (part != NULL) {
            to = stpcpy(to, part);
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
    return result;
}

static inline void put(const char *name, const char *text, size_t size) {
    FILE *out = fopen(in_work_folder(name), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, size, out), size);
    fclose(out);
}

static inline int count(const char *text, const char *what) {
    int found = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        found++;
    }
    return found;
}

/* One message, of one line, with what is wanted in it; a sanitizer would add its own. */
static inline bool is_answered(const char *arguments, int wanted, const char *message) {
    int status = finish_rlrun(start_rlrun(arguments));
    char *log = read_file(in_work_folder("log"), NULL);
    assert_non_null(log);
    const char *said = strstr(log, "rlrun: "), *usage = strstr(log, "\n\nusage: rlrun");
    bool good = status == wanted && strstr(log, message) != NULL && strstr(log, "Sanitizer") == NULL;
    if (wanted != 0) {
        good = good && said != NULL && count(log, "rlrun: ") == 1;
        good = good && (usage != NULL || strcspn(said, "\n") == strlen(said) - 1);
    }
    if (!good) {
        print_error("rlrun %s: wanted %d and '%s', got %d and: %s\n", arguments, wanted, message, status, log);
    }
    free(log);
    return good;
}

static inline void expect_answers(const mistake *cases, int number) {
    int failures = 0;
    for (int i = 0; i < number; i++) {
        if (cases[i].text != NULL) {
            put("bad.yaml", cases[i].text, strlen(cases[i].text));
        }
        const char *arguments = filled(cases[i].arguments != NULL ? cases[i].arguments : "check @");
        failures += !is_answered(arguments, cases[i].status, filled(cases[i].message));
    }
    assert_int_equal(failures, 0);
}
#define EXPECT_ANSWERS(cases) expect_answers(cases, RLC_COUNT(cases))

/* No run of a test file took more than a little memory, whatever it was asked for. */
static inline void test_memory(void **state) {
    (void)state;
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
    assert_true(usage.ru_maxrss < 1024 * 1024); /* KB */
}

#endif
