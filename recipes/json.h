/* json.h: what summaries share: numbers that may be missing, and files that are written whole.
 *
 *     cJSON *summary = cJSON_CreateObject();
 *     bool whole = rlc__json_number(summary, "wall_s", 3.2) && rlc__json_text(summary, "recipe", "dqn");
 *     RLC_TRY(rlc__json_write("summary.json", summary, whole));       // frees it
 */
#ifndef RLC_JSON_H
#define RLC_JSON_H

#include <cjson/cJSON.h>

#include "core/base.h"

RLC_BEGIN

/* Add to an object; false when there is no memory. A number that is not finite becomes null: JSON has no NaN. An item is
 * the object's, or freed; NULL is none. */
bool rlc__json_put(cJSON *object, const char *name, cJSON *item);
bool rlc__json_number(cJSON *object, const char *name, double value);
bool rlc__json_text(cJSON *object, const char *name, const char *value);

/* A list of numbers, as above; NULL when there is no memory. */
cJSON *rlc__json_numbers(const double *values, int64_t count);

/* Writes an object to a file and frees it. `whole` is false where memory ran out while it was made. */
rlc_status rlc__json_write(const char *path, cJSON *object, bool whole);

/* Reads a file that rlc wrote; free the object with cJSON_Delete. */
rlc_status rlc__json_read(const char *path, cJSON **object);

/* The number at a path of keys, "eval.return_mean"; NaN where there is none. */
double rlc__json_get(const cJSON *object, const char *path);

RLC_END

#endif
