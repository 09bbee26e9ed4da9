/* statistics.h: what several runs say together.
 *
 *     double returns[] = {500, 500, 450, 302, 500};
 *     rlc_statistics s;
 *     RLC_TRY(rlc_statistics_of(returns, 5, &s));     // s.mean 450.4, s.iqm 485.
 *
 * iqm is the interquartile mean: of the middle half of the values, those on its border in part (with five values: the
 * second to the fourth, the outer two three quarters each). It moves less than the mean when one seed fails, and uses more
 * of what was measured than the median.
 *
 * The intervals are percentile bootstraps (Efron, "Bootstrap Methods", 1979; for runs of learning algorithms Agarwal et
 * al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021): of 10,000 draws of as many
 * values with replacement, what 95% of the means lie within. The draws are the same every time. With few seeds such
 * intervals are too narrow.
 */
#ifndef RLC_STATISTICS_H
#define RLC_STATISTICS_H

#include "core/base.h"

RLC_BEGIN

typedef struct rlc_statistics {
    int64_t count;
    double mean, iqm, smallest, largest; /* NaN of no values */
    double std;                          /* sample deviation, over n - 1; NaN of fewer than two, as the intervals are */
    double mean_low, mean_high, iqm_low, iqm_high; /* 95% intervals */
} rlc_statistics;

/* Of `count` values; those that are NaN are left out. */
rlc_status rlc_statistics_of(const double *values, int64_t count, rlc_statistics *result);

RLC_END

#endif
