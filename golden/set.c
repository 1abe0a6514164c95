#include "set.h"

#include "atomic_file.h"
#include "safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, NAME_SIZE = 64, HEX_SIZE = 2 * SHA256_DIGEST_SIZE, LINE_SIZE = HEX_SIZE + NAME_SIZE + 4 };

/* What the two files of a manifest end in. */
static const char *const suffixes[] = {".json", ".safetensors"};

void set_free(struct golden_set *set)
{
    for (size_t k = 0; k < set->count; k++)
        manifest_free(&set->manifests[k]);
    set->count = 0;
}

size_t set_case_count(const struct golden_set *set)
{
    size_t count = 0;
    for (size_t m = 0; m < set->count; m++)
        count += set->manifests[m].count;
    return count;
}

const struct golden_case *set_case(const struct golden_set *set, size_t k)
{
    size_t m = 0;
    for (; k >= set->manifests[m].count; m++)
        k -= set->manifests[m].count;
    return &set->manifests[m].cases[k];
}

/* The two parts of a path, or a failure. */
static assay_status path_of(char path[PATH_SIZE], const char *first, const char *second, char *message, size_t size)
{
    if (snprintf(path, PATH_SIZE, "%s%s", first, second) < PATH_SIZE)
        return ASSAY_OK;
    const struct complaint to = {first, NULL, message, size};
    return complain(&to, ASSAY_UNREADABLE, "the path is too long");
}

static void checksum(char hex[HEX_SIZE + 1], const unsigned char *bytes, size_t size)
{
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&context);
    sha256_update(&context, size, bytes);
    sha256_digest(&context, SHA256_DIGEST_SIZE, digest);
    for (size_t k = 0; k < SHA256_DIGEST_SIZE; k++)
        sprintf(hex + 2 * k, "%02x", digest[k]);
}

/* ---- one manifest -------------------------------------------------------------------------------------------------- */

assay_status set_write_manifest(const struct manifest *m, const char *path, char *message, size_t message_size)
{
    const struct complaint to = {path, NULL, message, message_size};
    char json[PATH_SIZE], arrays[PATH_SIZE];
    struct tensor_file tensors;
    assay_status status = path_of(json, path, suffixes[0], message, message_size);
    if (status == ASSAY_OK)
        status = path_of(arrays, path, suffixes[1], message, message_size);
    if (status != ASSAY_OK)
        return status;
    char *text = manifest_text(m);
    if (!text || !manifest_tensors(&tensors, m)) {
        free(text);
        return complain(&to, ASSAY_NO_MEMORY, "out of memory");
    }
    status = safetensors_write(arrays, &tensors, message, message_size);
    if (status == ASSAY_OK)
        status = atomic_file_write(json, text, strlen(text), message, message_size);
    tensors_free(&tensors);
    free(text);
    return status;
}

static assay_status read_manifest(struct manifest *m, const char *path, bool questions, char *message,
                                  size_t message_size)
{
    char json[PATH_SIZE], arrays[PATH_SIZE];
    const struct complaint to = {json, NULL, message, message_size};
    struct tensor_file tensors;
    unsigned char *text;
    size_t size;
    assay_status status = path_of(json, path, suffixes[0], message, message_size);
    if (status == ASSAY_OK)
        status = path_of(arrays, path, suffixes[1], message, message_size);
    if (status == ASSAY_OK)
        status = tensors_read(&tensors, arrays, message, message_size);
    if (status != ASSAY_OK)
        return status;
    status = file_load(&text, &size, &to);
    if (status == ASSAY_OK) {
        status = questions ? manifest_parse_questions(m, (const char *)text, size, &tensors, &to)
                           : manifest_parse(m, (const char *)text, size, &tensors, &to);
        free(text);
    }
    tensors_free(&tensors);
    return status;
}

assay_status set_read_manifest(struct manifest *m, const char *path, char *message, size_t message_size)
{
    return read_manifest(m, path, false, message, message_size);
}

assay_status set_read_questions(struct manifest *m, const char *path, char *message, size_t message_size)
{
    return read_manifest(m, path, true, message, message_size);
}

/* ---- the whole set -------------------------------------------------------------------------------------------------- */

/* The name in the folder, with a slash before it. */
static void vector_name(char name[NAME_SIZE], enum operation operation, const char *suffix)
{
    snprintf(name, NAME_SIZE, "/vectors/%s%s", operation_names[operation], suffix);
}

/* "CHECKSUM  NAME\n" of a file in the folder, as sha256sum prints it. */
static assay_status sum_line(char line[LINE_SIZE], const char *folder, const char *name, char *message,
                             size_t message_size)
{
    char path[PATH_SIZE], hex[HEX_SIZE + 1];
    const struct complaint to = {path, NULL, message, message_size};
    unsigned char *bytes;
    size_t size;
    assay_status status = path_of(path, folder, name, message, message_size);
    if (status == ASSAY_OK)
        status = file_load(&bytes, &size, &to);
    if (status == ASSAY_OK) {
        checksum(hex, bytes, size);
        free(bytes);
        snprintf(line, LINE_SIZE, "%s  %s\n", hex, name + 1);
    }
    return status;
}

static assay_status make_folder(const char *first, const char *second, char *message, size_t message_size)
{
    char path[PATH_SIZE];
    const struct complaint to = {path, NULL, message, message_size};
    assay_status status = path_of(path, first, second, message, message_size);
    if (status != ASSAY_OK || mkdir(path, 0777) == 0 || errno == EEXIST)
        return status;
    return complain(&to, ASSAY_UNREADABLE, "cannot make this folder: %s", strerror(errno));
}

/* Writes the two files of a manifest, and their lines to `sums`. */
static assay_status write_operation(char sums[2 * LINE_SIZE], const struct manifest *m, const char *folder,
                                    char *message, size_t message_size)
{
    char path[PATH_SIZE], name[NAME_SIZE];
    vector_name(name, m->operation, "");
    assay_status status = path_of(path, folder, name, message, message_size);
    if (status == ASSAY_OK)
        status = set_write_manifest(m, path, message, message_size);
    for (size_t f = 0; f < 2 && status == ASSAY_OK; f++) {
        vector_name(name, m->operation, suffixes[f]);
        status = sum_line(sums, folder, name, message, message_size);
        sums += strlen(sums);
    }
    return status;
}

/* The content of a file, to be freed, with a zero byte behind it. */
static assay_status load_text(char **text, size_t *size, const struct complaint *to)
{
    unsigned char *bytes;
    assay_status status = file_load(&bytes, size, to);
    if (status != ASSAY_OK)
        return status;
    *text = malloc(*size + 1);
    if (*text) {
        memcpy(*text, bytes, *size);
        (*text)[*size] = '\0';
    }
    free(bytes);
    return *text ? ASSAY_OK : complain(to, ASSAY_NO_MEMORY, "out of memory");
}

/* Copies the lines of the operation's two files, if both are among these. */
static void keep_operation(char sums[2 * LINE_SIZE], const char *old, enum operation operation)
{
    size_t found = 0, used = 0;
    for (size_t end = 0; *old && found < 2; old += end + (old[end] == '\n')) {
        char name[NAME_SIZE];
        vector_name(name, operation, suffixes[found]);
        end = strcspn(old, "\n");
        if (end == HEX_SIZE + 1 + strlen(name) && strncmp(old + HEX_SIZE + 2, name + 1, strlen(name + 1)) == 0) {
            used += (size_t)sprintf(sums + used, "%.*s\n", (int)end, old);
            found++;
        }
    }
    if (found < 2)
        sums[0] = '\0';
}

/* Writes the operations of the set, and says in `sums` what the folder holds then: `old` is what it said before. */
static assay_status write_operations(char *sums, const struct golden_set *set, const char *old, const char *folder,
                                     char *message, size_t message_size)
{
    assay_status status = ASSAY_OK;
    size_t k = 0;
    for (enum operation o = 0; o < OPERATIONS && status == ASSAY_OK; o++, sums += strlen(sums))
        if (k < set->count && set->manifests[k].operation == o)
            status = write_operation(sums, &set->manifests[k++], folder, message, message_size);
        else
            keep_operation(sums, old, o);
    return status;
}

/* Writes into folders that are there, and that nobody else writes into meanwhile. */
static assay_status write_alone(const struct golden_set *set, const char *folder, char *message, size_t message_size)
{
    char path[PATH_SIZE], sums[OPERATIONS * 2 * LINE_SIZE] = "", *old = NULL;
    const struct complaint to = {path, NULL, message, message_size};
    size_t size;
    assay_status status = path_of(path, folder, "/SHA256SUMS", message, message_size);
    if (status == ASSAY_OK && access(path, F_OK) == 0)
        status = load_text(&old, &size, &to);
    if (status == ASSAY_OK)
        status = write_operations(sums, set, old ? old : "", folder, message, message_size);
    free(old);
    return status == ASSAY_OK ? atomic_file_write(path, sums, strlen(sums), message, message_size) : status;
}

/* A lock on the folder itself leaves nothing behind, and ends with the process that holds it. */
assay_status set_write(const struct golden_set *set, const char *folder, char *message, size_t message_size)
{
    const struct complaint to = {folder, NULL, message, message_size};
    assay_status status = make_folder(folder, "", message, message_size);
    if (status == ASSAY_OK)
        status = make_folder(folder, "/vectors", message, message_size);
    if (status != ASSAY_OK)
        return status;
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock >= 0 && flock(lock, LOCK_EX) == 0)
        status = write_alone(set, folder, message, message_size);
    else
        status = complain(&to, ASSAY_UNREADABLE, "cannot lock this folder: %s", strerror(errno));
    if (lock >= 0)
        close(lock);
    return status;
}

/* The operation whose JSON file the first line is of, from `operation` on; OPERATIONS if it is none. */
static enum operation first_operation(const char *sums, enum operation operation)
{
    for (; operation < OPERATIONS; operation++) {
        char name[NAME_SIZE];
        vector_name(name, operation, suffixes[0]);
        size_t length = strlen(name + 1);
        if (strlen(sums) > HEX_SIZE + 2 + length && strncmp(sums + HEX_SIZE + 2, name + 1, length) == 0)
            break;
    }
    return operation;
}

/* Checks the two files of the operation, whose lines come first in *sums, moves on behind these, and reads the files. */
static assay_status read_operation(struct manifest *m, const char *folder, const char **sums, enum operation operation,
                                   char *message, size_t message_size)
{
    char name[NAME_SIZE], line[LINE_SIZE], path[PATH_SIZE];
    const struct complaint to = {folder, NULL, message, message_size};
    assay_status status = ASSAY_OK;
    for (size_t f = 0; f < 2 && status == ASSAY_OK; f++) {
        vector_name(name, operation, suffixes[f]);
        status = sum_line(line, folder, name, message, message_size);
        if (status == ASSAY_OK && strncmp(*sums, line, strlen(line)) != 0)
            status = complain(&to, ASSAY_UNREADABLE, "%s is not the file that SHA256SUMS was made of", name + 1);
        else if (status == ASSAY_OK)
            *sums += strlen(line);
    }
    vector_name(name, operation, "");
    if (status == ASSAY_OK)
        status = path_of(path, folder, name, message, message_size);
    return status == ASSAY_OK ? set_read_manifest(m, path, message, message_size) : status;
}

/* Reads the operations that the sums list, in the order of enum operation. */
static assay_status read_operations(struct golden_set *set, const char *folder, const char *sums, char *message,
                                    size_t message_size)
{
    const struct complaint to = {folder, NULL, message, message_size};
    assay_status status = ASSAY_OK;
    for (enum operation next = 0; *sums && status == ASSAY_OK; next++) {
        next = first_operation(sums, next);
        if (next == OPERATIONS)
            return complain(&to, ASSAY_UNREADABLE, "SHA256SUMS has a line that has no place there: %s",
                            quote(sums, strcspn(sums, "\n")).text);
        struct manifest *m = &set->manifests[set->count];
        status = read_operation(m, folder, &sums, next, message, message_size);
        set->count += status == ASSAY_OK;
        if (status == ASSAY_OK && m->operation != next)
            status = complain(&to, ASSAY_UNREADABLE, "vectors/%s.json is of another operation", operation_names[next]);
    }
    return status;
}

assay_status set_read(struct golden_set *set, const char *folder, char *message, size_t message_size)
{
    char path[PATH_SIZE], *text;
    const struct complaint to = {path, NULL, message, message_size};
    size_t size;
    assay_status status = path_of(path, folder, "/SHA256SUMS", message, message_size);
    if (status == ASSAY_OK)
        status = load_text(&text, &size, &to);
    if (status != ASSAY_OK)
        return status;
    struct golden_set found = {0};
    status = strlen(text) == size ? read_operations(&found, folder, text, message, message_size)
                                  : complain(&to, ASSAY_UNREADABLE, "there is a zero byte in it");
    free(text);
    if (status == ASSAY_OK)
        *set = found;
    else
        set_free(&found);
    return status;
}
