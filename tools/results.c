#include "results.h"

#include "npy.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_SIZE = 4096 };

static assay_status out_of_memory(const char *path, char *message, size_t size)
{
    const struct complaint to = {path, NULL, message, size};
    return complain(&to, ASSAY_NO_MEMORY, "out of memory");
}

/* Adds the tensor of one .npy file under a name. */
static assay_status add_file(struct tensor_file *all, const char *path, const char *name, char *message, size_t size)
{
    const struct complaint to = {path, NULL, message, size};
    unsigned char *bytes = NULL;
    size_t length = 0;
    struct tensor_file one;
    assay_status status = file_load(&bytes, &length, &to);
    if (status == ASSAY_OK)
        status = npy_parse(&one, bytes, length, true, &to);
    free(bytes);
    if (status != ASSAY_OK)
        return status;
    struct tensor *more = realloc(all->tensors, (all->count + 1) * sizeof *more);
    char *copy = strdup(name);
    if (more)
        all->tensors = more;
    if (!more || !copy) {
        free(copy);
        tensors_free(&one);
        return out_of_memory(path, message, size);
    }
    free(one.tensors->name);
    all->tensors[all->count] = *one.tensors;
    all->tensors[all->count++].name = copy;
    free(one.tensors);
    return ASSAY_OK;
}

/* Whether it is a name of something else than "." and ".." and ends in that. */
static bool is_entry(const char *name, const char *ending)
{
    size_t length = strlen(name), end = strlen(ending);
    return name[0] != '.' && length > end && strcmp(name + length - end, ending) == 0;
}

/* Every .npy file of FOLDER/ID. */
static assay_status add_case(struct tensor_file *all, const char *folder, const char *id, char *message, size_t size)
{
    char path[PATH_SIZE], name[PATH_SIZE];
    if (snprintf(path, sizeof path, "%s/%s", folder, id) >= PATH_SIZE)
        return ASSAY_OK;
    DIR *inner = opendir(path);
    assay_status status = ASSAY_OK;
    for (struct dirent *e; inner && status == ASSAY_OK && (e = readdir(inner));)
        if (is_entry(e->d_name, ".npy") && snprintf(path, sizeof path, "%s/%s/%s", folder, id, e->d_name) < PATH_SIZE) {
            snprintf(name, sizeof name, "%s/%.*s", id, (int)(strlen(e->d_name) - 4), e->d_name);
            status = add_file(all, path, name, message, size);
        }
    if (inner)
        closedir(inner);
    return status;
}

static assay_status read_folder(struct tensor_file *all, const char *path, char *message, size_t size)
{
    DIR *outer = opendir(path);
    const struct complaint to = {path, NULL, message, size};
    if (!outer)
        return complain(&to, ASSAY_UNREADABLE, "cannot be opened");
    assay_status status = ASSAY_OK;
    for (struct dirent *e; status == ASSAY_OK && (e = readdir(outer));)
        if (is_entry(e->d_name, ""))
            status = add_case(all, path, e->d_name, message, size);
    closedir(outer);
    if (status == ASSAY_OK && all->count == 0)
        status = complain(&to, ASSAY_UNREADABLE, "holds no file ID/NAME.npy");
    return status;
}

static int by_name(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

assay_status results_read(struct results *r, const char *path, char *message, size_t message_size)
{
    struct stat about;
    struct results found = {.path = path};
    assay_status status = stat(path, &about) == 0 && S_ISDIR(about.st_mode)
                              ? read_folder(&found.file, path, message, message_size)
                              : tensors_read(&found.file, path, message, message_size);
    if (status == ASSAY_OK) {
        qsort(found.file.tensors, found.file.count, sizeof *found.file.tensors, by_name);
        found.used = calloc(found.file.count + 1, sizeof *found.used);
        if (!found.used)
            status = out_of_memory(path, message, message_size);
    }
    if (status == ASSAY_OK)
        *r = found;
    else
        tensors_free(&found.file);
    return status;
}

void results_free(struct results *r)
{
    tensors_free(&r->file);
    free(r->used);
}

const struct tensor *results_find(struct results *r, const char *id, const char *name)
{
    char whole[PATH_SIZE];
    snprintf(whole, sizeof whole, "%s/%s", id, name);
    const struct tensor key = {.name = whole}, *x = bsearch(&key, r->file.tensors, r->file.count, sizeof key, by_name);
    if (x)
        r->used[x - r->file.tensors] = true;
    return x;
}

const char *results_remark(const struct results *r, const char *key)
{
    for (size_t k = 0; k < r->file.metadata_count; k++)
        if (strcmp(r->file.metadata_keys[k], key) == 0)
            return r->file.metadata_values[k];
    return NULL;
}

const char *results_unused(const struct results *r)
{
    for (size_t k = 0; k < r->file.count; k++)
        if (!r->used[k])
            return r->file.tensors[k].name;
    return NULL;
}
