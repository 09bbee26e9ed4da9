/* aggregate.h: what the runs of one recipe with many seeds say together, from the summaries in their folders.
 *
 *     runs/dqn/seed-1/summary.json, runs/dqn/seed-2/summary.json, ...   ->   runs/dqn/aggregate.json
 *
 * For each number of the summaries that tells one run from another ("eval.return_mean", "wall_s") aggregate.json has its
 * values in the order of "seeds", null where a run has none, and their statistics (recipes/statistics.h):
 *
 *     "eval.return_mean": {"values": [500, 498.2], "mean": 499.1, "std": 1.27, "mean_interval": [498.2, 500],
 *                          "iqm": 499.1, "iqm_interval": [498.2, 500], "min": 498.2, "max": 500}
 *
 * "missing" lists the seeds whose run has no summary: it failed, was stopped, or has not come to its end yet.
 */
#ifndef RLC_AGGREGATE_H
#define RLC_AGGREGATE_H

#include "recipes/statistics.h"

RLC_BEGIN

/* Writes aggregate.json into the folder that holds seed-N for each of the seeds. `returns`, unless it is NULL, gets the
 * statistics of the last evaluations' mean returns, or where nothing was evaluated of those in training. */
rlc_status rlc_aggregate(const char *folder, const char *recipe, const int64_t *seeds, int64_t count,
                         rlc_statistics *returns);

/* The mean return of one run, as above; NaN where there is no summary. */
rlc_status rlc_aggregate_return(const char *folder, int64_t seed, double *value);

/* The seeds of a folder's aggregate.json, for the caller to free, and the recipe's name. */
rlc_status rlc_aggregate_seeds(const char *folder, int64_t **seeds, int64_t *count, char name[256]);

RLC_END

#endif
