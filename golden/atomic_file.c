#include "atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room for what is added to the directory's name. */
enum { NAME_SIZE = 64 };

/* A process that was killed may have left a file of our number: then the next number will do. */
enum { ATTEMPTS = 1000 };

/* Creates a file in the directory of `path` and puts its name in `name`. Returns -1 and errno on failure. */
static int open_beside(char *name, size_t name_size, const char *path)
{
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash - path) + 1 : 0;
    int fd = -1;
    for (unsigned k = 0; k < ATTEMPTS; k++) {
        snprintf(name, name_size, "%.*s.assay-%ld-%u", directory, path, (long)getpid(), k);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            break;
    }
    return fd;
}

static bool fill(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return fsync(fd) == 0;
}

static bool fill_and_close(int fd, const char *bytes, size_t size)
{
    bool filled = fill(fd, bytes, size);
    int error = errno;
    bool closed = close(fd) == 0;
    if (!filled)
        errno = error;
    return filled && closed;
}

/* Returns whether all went well; else errno says why. */
static bool replace(const char *path, const char *bytes, size_t size, char *name, size_t name_size)
{
    int fd = open_beside(name, name_size, path);
    if (fd < 0)
        return false;
    if (fill_and_close(fd, bytes, size) && rename(name, path) == 0)
        return true;
    int error = errno;
    unlink(name);
    errno = error;
    return false;
}

assay_status atomic_file_write(const char *path, const void *bytes, size_t size, char *message, size_t message_size)
{
    struct stat old;
    if (lstat(path, &old) == 0 && !S_ISREG(old.st_mode)) {
        snprintf(message, message_size, "%s: cannot write: exists and is not a regular file", path);
        return ASSAY_UNREADABLE;
    }
    size_t name_size = strlen(path) + NAME_SIZE;
    char *name = malloc(name_size);
    if (!name) {
        snprintf(message, message_size, "%s: cannot write: out of memory", path);
        return ASSAY_NO_MEMORY;
    }
    /* What would end the process has to wait until there is no temporary file. */
    sigset_t fatal, before;
    sigemptyset(&fatal);
    sigaddset(&fatal, SIGINT);
    sigaddset(&fatal, SIGTERM);
    sigaddset(&fatal, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &fatal, &before);
    bool replaced = replace(path, bytes, size, name, name_size);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!replaced)
        snprintf(message, message_size, "%s: cannot write: %s", path, strerror(error));
    free(name);
    return replaced ? ASSAY_OK : ASSAY_UNREADABLE;
}
