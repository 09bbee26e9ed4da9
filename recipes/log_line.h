/* log_line.h: a line of the log: numbers that lie on the device, fetched without waiting for it.
 *
 * Taking a line records copies of all that it says into memory that the host reaches too, and a mark behind them. It is
 * written once the mark has been reached: at once where the device is the host, else when somebody looks again, at the latest
 * before the next line, an evaluation or a checkpoint. So the lines of scalars.csv have one order, whenever their numbers
 * come, and a checkpoint is written only after a look at all that was logged before it.
 */
#ifndef RLC_LOG_LINE_H
#define RLC_LOG_LINE_H

#include "recipes/run.h"

RLC_BEGIN

/* A line for the run to fill, of what the environment and the loss give and of the numbers that states want reported. */
rlc_status rlc_log_line_new(rlc_run *run, rlc_log_line **line);
void rlc_log_line_free(rlc_log_line *line);

/* Takes the numbers as they are at this point of the device's work, and begins new sums of what the loss gives. */
rlc_status rlc_log_line_take(rlc_run *run);

/* Writes the line that was taken, if there is one and its numbers have come, or with `wait` will come. An error, with its
 * name, when one that the loss gave is not finite. */
rlc_status rlc_log_line_settle(rlc_run *run, rlc_output *output, bool wait);

RLC_END

#endif
