/* Files that are written whole or not at all. */
#ifndef ASSAY_GOLDEN_ATOMIC_FILE_H
#define ASSAY_GOLDEN_ATOMIC_FILE_H

#include "ref.h"

/* Makes `size` bytes the content of the file at `path`. Whoever opens it sees the old content or the new,
 * never a part: the bytes go to a temporary file in the same directory, reach the disk, and then take the
 * name.
 *
 * ASSAY_UNREADABLE if any of that fails, or if `path` is anything but a regular file (a directory, a device,
 * or a symbolic link, which the new file would replace); ASSAY_NO_MEMORY. On failure the old content stays,
 * no temporary file is left, and `message` gets one sentence. Interrupts (SIGINT, SIGTERM,
 * SIGHUP) wait meanwhile; only a process killed otherwise leaves its temporary file, `.assay-PID-N`. */
assay_status atomic_file_write(const char *path, const void *bytes, size_t size, char *message, size_t message_size)
    __attribute__((warn_unused_result));

#endif
