#define _XOPEN_SOURCE 700 /* nftw */
#include "io_support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[4096];

/* Calls to let pass before the one that fails, or 0: none fails. */
static size_t countdown;
static const char *failed;

size_t io_chunk;
bool io_cut;

static bool fails(const char *name, int error)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    failed = name;
    errno = error;
    return true;
}

const char *io_fail(size_t n)
{
    const char *last = failed;
    countdown = n;
    failed = NULL;
    return last;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
int __real_open(const char *path, int flags, ...);
int __real_fstat(int fd, struct stat *status);
ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __real_write(int fd, const void *bytes, size_t size);
int __real_fsync(int fd);
int __real_close(int fd);
int __real_rename(const char *from, const char *to);
int __real_flock(int fd, int operation);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_open(const char *path, int flags, ...);
int __wrap_fstat(int fd, struct stat *status);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __wrap_fsync(int fd);
int __wrap_close(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_flock(int fd, int operation);

void *__wrap_malloc(size_t size)
{
    return fails("malloc", ENOMEM) ? NULL : __real_malloc(size);
}

/* Some systems have no memory of 0 bytes. */
void *__wrap_calloc(size_t count, size_t size)
{
    return count == 0 || fails("calloc", ENOMEM) ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails("strdup", ENOMEM) ? NULL : __real_strdup(text);
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return fails("open", EIO) ? -1 : __real_open(path, flags, mode);
}

int __wrap_fstat(int fd, struct stat *status)
{
    return fails("fstat", EIO) ? -1 : __real_fstat(fd, status);
}

static size_t at_most_chunk(size_t size)
{
    return io_chunk > 0 && size > io_chunk ? io_chunk : size;
}

ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    if (io_cut)
        return 0;
    return fails("read", EIO) ? -1 : __real_read(fd, bytes, at_most_chunk(size));
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    return fails("write", EIO) ? -1 : __real_write(fd, bytes, at_most_chunk(size));
}

int __wrap_fsync(int fd)
{
    return fails("fsync", EIO) ? -1 : __real_fsync(fd);
}

/* The descriptor is gone even if this fails. */
int __wrap_close(int fd)
{
    bool failing = fails("close", EIO);
    int result = __real_close(fd);
    if (failing)
        errno = EIO;
    return failing ? -1 : result;
}

int __wrap_rename(const char *from, const char *to)
{
    return fails("rename", EIO) ? -1 : __real_rename(from, to);
}

int __wrap_flock(int fd, int operation)
{
    return fails("flock", EIO) ? -1 : __real_flock(fd, operation);
}

static void *json_malloc(size_t size)
{
    return fails("jansson", ENOMEM) ? NULL : __real_malloc(size);
}

const char *io_path(const char *name)
{
    static char paths[4][sizeof directory + 256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

size_t io_file_count(void)
{
    DIR *opened = opendir(directory);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(opened));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(opened);
    return count;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status, (void)kind;
    return at->level == 0 ? 0 : remove(path);
}

void io_clear(void)
{
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int io_run(Suite *suite)
{
    const char *base = getenv("ASSAY_TEST_TMP");
    if (!base)
        base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/assay-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(directory)) {
        fprintf(stderr, "%s: cannot create: %s\n", directory, strerror(errno));
        return 1;
    }
    json_set_alloc_funcs(json_malloc, free);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    io_clear();
    rmdir(directory);
    return failures > 0;
}

void io_save(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

unsigned char *io_load(const char *path, size_t *size)
{
    struct stat status;
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(stat(path, &status), 0);
    *size = (size_t)status.st_size;
    unsigned char *bytes = malloc(*size + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    bytes[*size] = 0;
    fclose(file);
    return bytes;
}

/* Counts agree with shapes, and everything that is there can be read. */
static void assert_sense(const struct tensor_file *file)
{
    volatile double sink = 0;
    for (size_t k = 0; k < file->count; k++) {
        const struct tensor *x = &file->tensors[k];
        size_t count = 1;
        ck_assert_uint_le(x->ndim, TENSOR_MAX_DIMS);
        for (size_t d = 0; d < x->ndim; d++)
            count *= x->shape[d];
        ck_assert_uint_eq(x->count, count);
        ck_assert_ptr_nonnull(x->name);
        ck_assert_ptr_nonnull(x->at);
        for (size_t i = 0; i < x->count; i++)
            sink = x->at[i];
    }
    for (size_t k = 0; k < file->metadata_count; k++)
        sink = (double)(strlen(file->metadata_keys[k]) + strlen(file->metadata_values[k]));
    (void)sink;
}

static void assert_sentence(const char *message)
{
    bool printable = true;
    for (const char *c = message; *c; c++)
        printable = printable && *c >= ' ' && *c <= '~';
    ck_assert_msg(printable && strncmp(message, "x: ", 3) == 0 && strlen(message) > 10, "bad: %s", message);
}

assay_status io_parse(io_parser *parse, struct tensor_file *file, const void *bytes, size_t size,
                      char message[ASSAY_MESSAGE_SIZE])
{
    const struct tensor_file before = {.count = 17, .metadata_count = 42};
    struct tensor_file found = before;
    unsigned char *block = malloc(size + (size == 0));
    ck_assert_ptr_nonnull(block);
    memcpy(block, bytes, size);
    struct complaint to = {"x", NULL, message, ASSAY_MESSAGE_SIZE};
    message[0] = '\0';
    assay_status status = parse(&found, block + (size == 0), size, &to);
    free(block);
    if (status == ASSAY_OK) {
        assert_sense(&found);
        *file = found;
    } else {
        ck_assert(status == ASSAY_UNREADABLE || status == ASSAY_NO_MEMORY);
        ck_assert_mem_eq(&found, &before, sizeof found);
        assert_sentence(message);
    }
    return status;
}

assay_status io_try(io_parser *parse, const void *bytes, size_t size)
{
    struct tensor_file file;
    char message[ASSAY_MESSAGE_SIZE];
    assay_status status = io_parse(parse, &file, bytes, size, message);
    if (status == ASSAY_OK)
        tensors_free(&file);
    return status;
}

void io_refused(io_parser *parse, const void *bytes, size_t size, const char *part)
{
    struct tensor_file file;
    char message[ASSAY_MESSAGE_SIZE];
    assay_status status = io_parse(parse, &file, bytes, size, message);
    ck_assert_msg(status == ASSAY_UNREADABLE, "status %d instead of a refusal with '%s'", status, part);
    ck_assert_msg(strstr(message, part) != NULL, "'%s' is not in: %s", part, message);
}

uint64_t io_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

uint64_t io_random(uint64_t k)
{
    uint64_t z = k * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}
