#include "set.h"

#include "cases.h"
#include "io_support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char message[ASSAY_MESSAGE_SIZE];
static const assay_options alone = {.threads = 1, .message = message, .message_size = sizeof message};

/* ---- sets and folders to test with --------------------------------------------------------------------------------- */

/* One case, of short names: see shorten() in test_manifest.c. */
static struct manifest one(enum operation o, size_t number)
{
    struct manifest m = {o, 1, calloc(1, sizeof *m.cases)};
    struct golden_case *c = m.cases;
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(cases_make(c, o, number), ASSAY_OK);
    ck_assert_int_eq(case_compute(c, &alone), ASSAY_OK);
    strcpy(c->id, "a");
    strcpy(c->family, "family");
    strcpy(c->why, "why");
    strcpy(c->flags[0], "Flag");
    c->flag_count = 1;
    return m;
}

/* A polar factor and an LMO; and singular values between them. */
static struct golden_set small(size_t number)
{
    return (struct golden_set){2, {one(OPERATION_POLAR, number), one(OPERATION_LMO, number)}};
}

static struct golden_set sample(size_t number)
{
    return (struct golden_set){3,
                               {one(OPERATION_POLAR, number), one(OPERATION_SVD, number), one(OPERATION_LMO, number)}};
}

static bool same_manifest(const struct manifest *a, const struct manifest *b)
{
    char *x = manifest_text(a), *y = manifest_text(b);
    bool same = a->count == b->count && strcmp(x, y) == 0;
    for (size_t k = 0; k < a->count && same; k++)
        same = case_same_question(&a->cases[k], &b->cases[k]) &&
               answers_equal(&a->cases[k].classes[0].answers[0], &b->cases[k].classes[0].answers[0]);
    free(x);
    free(y);
    return same;
}

static bool same_set(const struct golden_set *a, const struct golden_set *b)
{
    bool same = a->count == b->count;
    for (size_t k = 0; k < a->count && same; k++)
        same = same_manifest(&a->manifests[k], &b->manifests[k]);
    return same;
}

static const char *const files[] = {"SHA256SUMS",
                                    "vectors/polar.json",
                                    "vectors/polar.safetensors",
                                    "vectors/svd.json",
                                    "vectors/svd.safetensors",
                                    "vectors/lmo.json",
                                    "vectors/lmo.safetensors"};
enum { FILES = sizeof files / sizeof files[0] };

/* A file of the folder "set". */
static const char *in_set(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "set/%s", name);
    return io_path(path);
}

static void shell(const char *command)
{
    char text[8192];
    snprintf(text, sizeof text, "cd '%s' && %s", io_path("."), command);
    ck_assert_msg(system(text) == 0, "%s", command);
}

/* How many files and folders there are in a folder and those in it. */
static size_t entries_of(const char *folder)
{
    DIR *opened = opendir(folder);
    size_t count = 0;
    for (struct dirent *entry; opened && (entry = readdir(opened));) {
        char path[8192];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        count += 1 + entries_of(path);
    }
    if (opened)
        closedir(opened);
    return count;
}

static size_t entries(void)
{
    return entries_of(io_path("set"));
}

static void write_set(const struct golden_set *set)
{
    ck_assert_msg(set_write(set, io_path("set"), message, sizeof message) == ASSAY_OK, "%s", message);
}

/* Reading the folder must fail, with a sentence that holds `part`, and touch nothing. */
static void refused(const char *part)
{
    struct golden_set set = {.count = 77};
    message[0] = '\0';
    assay_status status = set_read(&set, io_path("set"), message, sizeof message);
    ck_assert_msg(status == ASSAY_UNREADABLE, "status %d instead of a refusal with '%s'", (int)status, part);
    ck_assert_msg(strstr(message, part) && strncmp(message, io_path("set"), strlen(io_path("set"))) == 0,
                  "'%s' is not in: %s", part, message);
    ck_assert_uint_eq(set.count, 77);
}

static void read_back(const struct golden_set *expected)
{
    struct golden_set set;
    assay_status status = set_read(&set, io_path("set"), message, sizeof message);
    ck_assert_msg(status == ASSAY_OK, "%s", message);
    ck_assert(same_set(&set, expected));
    set_free(&set);
    ck_assert_uint_eq(set.count, 0);
}

/* ---- there and back -------------------------------------------------------------------------------------------------- */

START_TEST(reads_what_it_writes)
{
    struct golden_set set = sample(0), other = sample(1);
    write_set(&set);
    ck_assert_uint_eq(entries(), FILES + 1);
    read_back(&set);
    shell("cd set && sha256sum --quiet -c SHA256SUMS && test $(wc -l < SHA256SUMS) = 6");
    shell("cp -r set other");
    write_set(&set); /* again: the same bytes */
    shell("diff -r set other");
    ck_assert(!same_set(&set, &other));
    write_set(&other); /* over an old one */
    read_back(&other);
    ck_assert_uint_eq(entries(), FILES + 1);
    set_free(&other);
    set_free(&set);
}
END_TEST

/* Operations may be missing, even all but one; so may cases. */
START_TEST(reads_parts_of_a_set)
{
    struct golden_set set = {2, {{OPERATION_SVD, 0, NULL}, one(OPERATION_LMO, 3)}};
    write_set(&set);
    read_back(&set);
    set_free(&set);
    struct manifest m = one(OPERATION_POLAR, 2), back;
    ck_assert_int_eq(set_write_manifest(&m, io_path("m"), message, sizeof message), ASSAY_OK);
    ck_assert_int_eq(set_read_manifest(&back, io_path("m"), message, sizeof message), ASSAY_OK);
    ck_assert(same_manifest(&m, &back));
    manifest_free(&back);
    manifest_free(&m);
}
END_TEST

/* One operation written into a whole set: the others stay as they were. Lines of the sums that are none, or that lack their
 * other half, go. */
START_TEST(keeps_other_operations)
{
    static const struct {
        const char *command; /* makes the sums of `old` */
        bool kept;
    } these[] = {
        {"cat old", true},           {"cat old; printf 'more\\n'; head -c 99 old", true},
        {"head -c -1 old", true},    {"tac old", false}, /* .safetensors before .json */
        {"grep -v json old", false},
    };
    struct golden_set set = sample(0), old = sample(1), one = {1, {set.manifests[1]}},
                      mixed = {3, {old.manifests[0], set.manifests[1], old.manifests[2]}};
    for (size_t k = 0; k < sizeof these / sizeof these[0]; k++) {
        char command[256];
        write_set(&old);
        snprintf(command, sizeof command, "cd set && cp SHA256SUMS old && (%s) > SHA256SUMS", these[k].command);
        shell(command);
        write_set(&one);
        read_back(these[k].kept ? &mixed : &one);
    }
    ck_assert_int_eq(unlink(in_set("SHA256SUMS")), 0);
    ck_assert_int_eq(mkdir(in_set("SHA256SUMS"), 0700), 0);
    ck_assert_int_eq(set_write(&one, io_path("set"), message, sizeof message), ASSAY_UNREADABLE);
    ck_assert_msg(strstr(message, "set/SHA256SUMS: ") != NULL, "%s", message);
    set_free(&set);
    set_free(&old);
}
END_TEST

/* A set of another version of this program is said to be that, not to be altered or malformed. */
START_TEST(refuses_other_versions)
{
    struct golden_set set = sample(0);
    write_set(&set);
    shell("cd set && sed -i 's/\"version\": \"[^\"]*\"/\"version\": \"1999.1\"/; s/\"why\"/\"wherefore\"/' "
          "vectors/svd.json && "
          "sha256sum vectors/polar.* vectors/svd.* vectors/lmo.* > SHA256SUMS");
    refused("vectors/svd.json: this golden set is of version 1999.1, and this program takes version " MANIFEST_VERSION);
    set_free(&set);
}
END_TEST

/* Cases without answers are read as questions, and as nothing else. */
START_TEST(reads_questions)
{
    struct manifest m = one(OPERATION_POLAR, 2), back = {.count = 88};
    class_free(m.cases[0].classes);
    m.cases[0].class_count = 0;
    ck_assert_int_eq(set_write_manifest(&m, io_path("m"), message, sizeof message), ASSAY_OK);
    ck_assert_int_eq(set_read_manifest(&back, io_path("m"), message, sizeof message), ASSAY_UNREADABLE);
    ck_assert(strstr(message, "m.json: case a: no answers") && back.count == 88);
    ck_assert_int_eq(set_read_questions(&back, io_path("m"), message, sizeof message), ASSAY_OK);
    ck_assert(back.count == 1 && case_same_question(&back.cases[0], &m.cases[0]) && back.cases[0].class_count == 0);
    manifest_free(&back);
    manifest_free(&m);
    back.count = 88;
    ck_assert_int_eq(set_read_questions(&back, io_path("none"), message, sizeof message), ASSAY_UNREADABLE);
    ck_assert(strstr(message, "none.safetensors") && back.count == 88);
    ck_assert_int_eq(unlink(io_path("m.json")), 0);
    ck_assert_int_eq(set_read_questions(&back, io_path("m"), message, sizeof message), ASSAY_UNREADABLE);
    ck_assert(strstr(message, "m.json: cannot open") && back.count == 88);
}
END_TEST

/* ---- what is refused --------------------------------------------------------------------------------------------------- */

START_TEST(refuses_what_is_missing)
{
    struct golden_set set = sample(0);
    refused("SHA256SUMS: cannot open");
    for (size_t f = 0; f < FILES; f++) {
        write_set(&set);
        ck_assert_int_eq(unlink(in_set(files[f])), 0);
        refused(files[f]);
    }
    set_free(&set);
}
END_TEST

/* One bit of any file changed, its end cut off, or something behind it. */
START_TEST(refuses_altered_files)
{
    struct golden_set set = sample(0);
    write_set(&set);
    for (size_t f = 0; f < FILES; f++) {
        size_t size;
        unsigned char *bytes = io_load(in_set(files[f]), &size);
        const char *part = f ? files[f] : "SHA256SUMS";
        for (size_t n = 0; n < 40; n++) {
            uint64_t place = io_random(40 * f + n) % (8 * size);
            bytes[place / 8] ^= (unsigned char)(1 << place % 8);
            io_save(in_set(files[f]), bytes, size);
            refused(f ? part : "");
            bytes[place / 8] ^= (unsigned char)(1 << place % 8);
        }
        io_save(in_set(files[f]), bytes, size - 1);
        refused(f ? part : "is not the file that SHA256SUMS was made of");
        io_save(in_set(files[f]), bytes, size + 1); /* a zero byte more */
        refused(part);
        io_save(in_set(files[f]), bytes, 0);
        refused(part);
        io_save(in_set(files[f]), bytes, size);
        free(bytes);
    }
    read_back(&set);
    set_free(&set);
}
END_TEST

/* Sums that say something else, though every file is what it was. */
START_TEST(refuses_altered_sums)
{
    static const struct {
        const char *command, *part;
    } these[] = {
        {"printf '\\n' >> SHA256SUMS", "SHA256SUMS has a line that has no place there"},
        {"printf 'more\\n' >> SHA256SUMS", "SHA256SUMS has a line that has no place there: more"},
        {"sed -i 1,2d SHA256SUMS && head -2 old >> SHA256SUMS", "SHA256SUMS has a line that has no place there"},
        {"cat old >> SHA256SUMS", "SHA256SUMS has a line that has no place there"},
        {"sed -i 2d SHA256SUMS", "vectors/polar.safetensors is not the file that SHA256SUMS was made of"},
        {"sed -i 1d SHA256SUMS", "SHA256SUMS has a line that has no place there"},
        {"sed -i 6d SHA256SUMS", "vectors/lmo.safetensors is not the file that SHA256SUMS was made of"},
        {"sed -i 's/  / */' SHA256SUMS", "is not the file that SHA256SUMS was made of"},
        {"sed -i 's/$/\\r/' SHA256SUMS", "is not the file that SHA256SUMS was made of"},
        {"sed -i 's/svd/SVD/' SHA256SUMS", "SHA256SUMS has a line that has no place there"},
        {"sed -i 's/polar/lmo/' SHA256SUMS", "vectors/lmo.json is not the file that SHA256SUMS was made of"},
        {"cut -c 1-60 old > SHA256SUMS", "SHA256SUMS has a line that has no place there"},
        {"tr a-f A-F < old > SHA256SUMS", "SHA256SUMS has a line that has no place there"},
        {"printf 'a\\0b' > SHA256SUMS", "SHA256SUMS: there is a zero byte in it"},
    };
    struct golden_set set = sample(0);
    write_set(&set);
    shell("cp set/SHA256SUMS set/old");
    for (size_t k = 0; k < sizeof these / sizeof these[0]; k++) {
        shell("cp set/old set/SHA256SUMS");
        char command[256];
        snprintf(command, sizeof command, "cd set && %s", these[k].command);
        shell(command);
        refused(these[k].part);
    }
    set_free(&set);
}
END_TEST

/* The checksums are right, the files are not. */
START_TEST(refuses_wrong_files_with_right_sums)
{
    static const char sums[] = "cd set && sha256sum vectors/polar.* vectors/svd.* vectors/lmo.* > SHA256SUMS";
    struct golden_set set = sample(0);
    write_set(&set);
    shell("cp set/vectors/lmo.json set/vectors/svd.json && cp set/vectors/lmo.safetensors set/vectors/svd.safetensors");
    shell(sums);
    refused("vectors/svd.json is of another operation");
    write_set(&set);
    shell("sed -i s/why/wyh/ set/vectors/svd.json");
    shell(sums);
    refused("vectors/svd.json: the manifest: a case: ");
    write_set(&set);
    shell("cp set/vectors/lmo.safetensors set/vectors/svd.safetensors");
    shell(sums);
    refused("vectors/svd.json: case a: ");
    write_set(&set);
    shell("printf ........xx > set/vectors/lmo.safetensors");
    shell(sums);
    refused("vectors/lmo.safetensors: ");
    set_free(&set);
}
END_TEST

/* The folder "set", by a path of this length: SET/./././. */
static const char *long_path(size_t length)
{
    static char path[5000];
    size_t used = (size_t)snprintf(path, sizeof path, "%s", io_path("set"));
    if ((length - used) % 2)
        path[used++] = '/';
    for (; used < length; used += 2)
        memcpy(path + used, "/.", 2);
    path[used] = '\0';
    return path;
}

/* Wherever a path would be longer than paths can be, that is said, and no other file is taken for it. */
START_TEST(refuses_long_paths)
{
    enum { MOST = 4095, LONGEST = sizeof "/vectors/polar.safetensors" - 1 };
    struct golden_set set = sample(0), back;
    size_t too_long = 0;
    write_set(&set);
    ck_assert_int_eq(set_read(&back, long_path(MOST - LONGEST), message, sizeof message), ASSAY_OK);
    set_free(&back);
    for (size_t length = MOST - LONGEST + 1; length <= MOST + 10; length++) {
        assay_status status = set_read(&back, long_path(length), message, sizeof message);
        ck_assert_int_eq(status, ASSAY_UNREADABLE);
        ck_assert(strncmp(message, io_path("set"), strlen(io_path("set"))) == 0);
        too_long += length + strlen("/SHA256SUMS") > MOST;
    }
    ck_assert_uint_gt(too_long, 0);
    char path[5000];
    size_t before = entries();
    for (size_t length = MOST - 60; length <= MOST + 10; length++) {
        snprintf(path, sizeof path, "%s", long_path(length));
        assay_status status = set_write(&set, path, message, sizeof message);
        bool room = length + LONGEST + 40 <= MOST; /* for the temporary file's name */
        ck_assert(status == ASSAY_UNREADABLE || (status == ASSAY_OK && length + LONGEST <= MOST));
        ck_assert(!room || status == ASSAY_OK);
        ck_assert_uint_eq(entries(), before);
    }
    read_back(&set);
    strcpy(path, long_path(MOST - 1)); /* .json has no room behind it */
    ck_assert_int_eq(set_write_manifest(&set.manifests[0], path, message, sizeof message), ASSAY_UNREADABLE);
    ck_assert_int_eq(set_read_manifest(&back.manifests[0], path, message, sizeof message), ASSAY_UNREADABLE);
    strcpy(path, long_path(MOST - 9)); /* .json has room, .safetensors has not */
    ck_assert_int_eq(set_write_manifest(&set.manifests[0], path, message, sizeof message), ASSAY_UNREADABLE);
    ck_assert(entries() == before && strlen(message) > 200);
    ck_assert_int_eq(set_read_manifest(&back.manifests[0], path, message, sizeof message), ASSAY_UNREADABLE);
    set_free(&set);
}
END_TEST

START_TEST(refuses_folders_that_are_none)
{
    struct golden_set set = sample(0);
    io_save(io_path("set"), "x", 1);
    ck_assert_int_eq(set_write(&set, io_path("set"), message, sizeof message), ASSAY_UNREADABLE);
    ck_assert_msg(strstr(message, "set/vectors: cannot make this folder: Not a directory") != NULL, "%s", message);
    refused("set/SHA256SUMS: cannot open: Not a directory");
    ck_assert_int_eq(set_write(&set, io_path("set/deeper"), message, sizeof message), ASSAY_UNREADABLE);
    ck_assert_int_eq(set_write(&set, io_path("none/deeper"), message, sizeof message), ASSAY_UNREADABLE);
    ck_assert_msg(strstr(message, "none/deeper: cannot make this folder: No such file") != NULL, "%s", message);
    io_clear();
    ck_assert_int_eq(mkdir(io_path("set"), 0700), 0);
    io_save(in_set("vectors"), "x", 1); /* is there, but no folder */
    ck_assert_int_eq(set_write(&set, io_path("set"), message, sizeof message), ASSAY_UNREADABLE);
    set_free(&set);
}
END_TEST

/* Processes that write one operation each into one folder at once: every one is there in the end, and nothing else. */
START_TEST(writers_wait_for_each_other)
{
    enum { WRITERS = 3 };
    struct golden_set whole = sample(0), found;
    for (size_t round = 0; round < 5; round++) {
        int status;
        io_clear();
        for (size_t k = 0; k < WRITERS; k++) {
            struct golden_set own = {1, {whole.manifests[k]}};
            if (fork() == 0)
                _exit(set_write(&own, io_path("set"), message, sizeof message) == ASSAY_OK ? 0 : 1);
        }
        for (size_t k = 0; k < WRITERS; k++)
            ck_assert(wait(&status) > 0 && status == 0);
        ck_assert_msg(set_read(&found, io_path("set"), message, sizeof message) == ASSAY_OK, "%s", message);
        ck_assert_msg(same_set(&found, &whole), "%zu operations are left in round %zu", found.count, round);
        ck_assert_uint_eq(entries(), FILES + 1);
        set_free(&found);
    }
    set_free(&whole);
}
END_TEST

/* ---- failures on the way ------------------------------------------------------------------------------------------------- */

/* Whichever call fails while a set is written, into an empty folder or over another set: what lies there afterwards is
 * refused, or is the old set or the new one, whole; no temporary file is left. */
static void check_failing_writes(bool over_another)
{
    struct golden_set set = small(0), other = small(1), found;
    size_t failures = 0, old = 0;
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        io_clear();
        if (over_another)
            write_set(&other);
        io_fail(n);
        assay_status status = set_write(&set, io_path("set"), message, sizeof message);
        const char *call = io_fail(0);
        failed = call != NULL;
        /* a mere close after reading is not missed */
        ck_assert_msg((status == ASSAY_OK) == !failed || strcmp(call, "close") == 0, "request %zu: %s", n, call);
        ck_assert(status == ASSAY_OK || status == ASSAY_UNREADABLE || status == ASSAY_NO_MEMORY);
        bool whole = set_read(&found, io_path("set"), message, sizeof message) == ASSAY_OK;
        bool is_new = whole && same_set(&found, &set), is_old = whole && same_set(&found, &other);
        if (whole)
            set_free(&found);
        ck_assert_msg(!whole || is_new || (is_old && over_another), "request %zu: %s", n, call);
        ck_assert(is_new == (status == ASSAY_OK));
        ck_assert_uint_le(entries(), FILES + 1);
        failures += failed;
        old += is_old;
    }
    ck_assert(failures > 100 && (old > 0) == over_another);
    set_free(&other);
    set_free(&set);
}

START_TEST(failing_writes_leave_no_half_set)
{
    check_failing_writes(false);
    check_failing_writes(true);
}
END_TEST

/* Whichever call fails while a set is read: nothing is read, and nothing lost. */
START_TEST(failing_reads_are_survived)
{
    struct golden_set set = small(0);
    size_t failures = 0;
    bool failed = true;
    write_set(&set);
    for (size_t n = 1; failed; n++) {
        struct golden_set found = {.count = 55};
        io_fail(n);
        assay_status status = set_read(&found, io_path("set"), message, sizeof message);
        const char *call = io_fail(0);
        failed = call != NULL;
        if (status == ASSAY_OK) { /* jansson can do without some of its memory, and reading without a close */
            ck_assert(!failed || strcmp(call, "jansson") == 0 || strcmp(call, "close") == 0);
            ck_assert(same_set(&found, &set));
            set_free(&found);
        } else {
            ck_assert(failed && found.count == 55 && (status == ASSAY_NO_MEMORY || status == ASSAY_UNREADABLE));
        }
        failures += failed;
    }
    ck_assert_uint_gt(failures, 100);
    set_free(&set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("set");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 600);
    tcase_add_checked_fixture(tests, io_clear, io_clear);
    tcase_add_test(tests, reads_what_it_writes);
    tcase_add_test(tests, reads_parts_of_a_set);
    tcase_add_test(tests, keeps_other_operations);
    tcase_add_test(tests, reads_questions);
    tcase_add_test(tests, refuses_other_versions);
    tcase_add_test(tests, refuses_what_is_missing);
    tcase_add_test(tests, refuses_altered_files);
    tcase_add_test(tests, refuses_altered_sums);
    tcase_add_test(tests, refuses_wrong_files_with_right_sums);
    tcase_add_test(tests, refuses_long_paths);
    tcase_add_test(tests, refuses_folders_that_are_none);
    tcase_add_test(tests, writers_wait_for_each_other);
    tcase_add_test(tests, failing_writes_leave_no_half_set);
    tcase_add_test(tests, failing_reads_are_survived);
    suite_add_tcase(suite, tests);
    return io_run(suite);
}
