/* file_parts.h: what both file formats of dicts share; for tensordict's own files. Errors begin with `file`. */
#ifndef RLC_FILE_PARTS_H
#define RLC_FILE_PARTS_H

#include <cjson/cJSON.h>

#include "tensordict/dict_file.h"

RLC_BEGIN

/* A list of sizes in JSON; false when it is none, or has more than RLC_MAX_DIMS. */
bool rlc__shape_from_json(const cJSON *sizes, rlc_shape *shape);
cJSON *rlc__shape_to_json(rlc_shape shape);

/* Sets a root, or a nested dict, that a file has under this name. The name must be a key, be free, and the shape must
 * begin with the batch shapes of the dicts around it. `dict` is what the loading began with. */
rlc_status rlc__loaded_tensor(const char *file, rlc_dict *dict, const char *name, rlc_tensor *tensor);
rlc_status rlc__loaded_dict(const char *file, rlc_dict *dict, const char *name, rlc_dict *nested);

RLC_END

#endif
