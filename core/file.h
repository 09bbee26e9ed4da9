/* file.h: files that are written whole or not at all.
 *
 *     static bool write(FILE *out, void *data) { return fputs(data, out) >= 0; }
 *     RLC_TRY(rlc_file_write("summary.json", write, text));
 */
#ifndef RLC_FILE_H
#define RLC_FILE_H

#include <stdio.h>

#include "core/base.h"

RLC_BEGIN

/* Has `write` fill a temporary file beside `path`, syncs it and renames it, so that a crash or a full disk leaves the file
 * that was there before. `write` returns false, with errno set, when it could not. */
rlc_status rlc_file_write(const char *path, bool (*write)(FILE *out, void *data), void *data);

/* Makes a folder, and those it lies in; one that is there already is left as it is. RLC_FAILED where that cannot be, or
 * where nothing can be written into it. */
rlc_status rlc_folder_make(const char *folder);

RLC_END

#endif
