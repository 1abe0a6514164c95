#include "atomic_file.h"

#include "io_support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char message[ASSAY_MESSAGE_SIZE];

static void assert_content(const char *path, const void *bytes, size_t size)
{
    size_t got;
    unsigned char *content = io_load(path, &got);
    ck_assert_uint_eq(got, size);
    ck_assert_mem_eq(content, bytes, size);
    free(content);
}

/* A file is created, replaced by a shorter one, and by an empty one; nothing else is left behind. */
START_TEST(writes_and_replaces)
{
    const char *path = io_path("f");
    ck_assert_int_eq(atomic_file_write(path, "some bytes", 10, message, sizeof message), ASSAY_OK);
    assert_content(path, "some bytes", 10);
    ck_assert_int_eq(atomic_file_write(path, "a\0b", 3, message, sizeof message), ASSAY_OK);
    assert_content(path, "a\0b", 3);
    ck_assert_int_eq(atomic_file_write(path, "", 0, message, sizeof message), ASSAY_OK);
    assert_content(path, "", 0);
    ck_assert_uint_eq(io_file_count(), 1);
}
END_TEST

/* The file gets the permissions that the user's mask leaves, like any new file. */
START_TEST(respects_umask)
{
    struct stat status;
    mode_t old = umask(027);
    ck_assert_int_eq(atomic_file_write(io_path("f"), "x", 1, message, sizeof message), ASSAY_OK);
    umask(old);
    ck_assert_int_eq(stat(io_path("f"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0640);
}
END_TEST

/* A path without a directory means the current one. */
START_TEST(writes_to_current_directory)
{
    char *here = getcwd(NULL, 0);
    ck_assert_int_eq(chdir(io_path("")), 0);
    ck_assert_int_eq(atomic_file_write("plain", "x", 1, message, sizeof message), ASSAY_OK);
    ck_assert_int_eq(chdir(here), 0);
    free(here);
    assert_content(io_path("plain"), "x", 1);
}
END_TEST

/* The system may take the bytes in small parts. */
START_TEST(survives_short_writes)
{
    io_chunk = 3;
    assay_status status = atomic_file_write(io_path("f"), "0123456789", 10, message, sizeof message);
    io_chunk = 0;
    ck_assert_int_eq(status, ASSAY_OK);
    assert_content(io_path("f"), "0123456789", 10);
}
END_TEST

/* A descriptor may have the number 0. */
START_TEST(writes_with_stdin_closed)
{
    int saved = dup(0);
    close(0);
    assay_status status = atomic_file_write(io_path("f"), "x", 1, message, sizeof message);
    dup2(saved, 0);
    close(saved);
    ck_assert_int_eq(status, ASSAY_OK);
    assert_content(io_path("f"), "x", 1);
}
END_TEST

static void leave_stale(unsigned k)
{
    char name[64];
    snprintf(name, sizeof name, ".assay-%ld-%u", (long)getpid(), k);
    io_save(io_path(name), "stale", 5);
}

/* Temporary files that a killed process left are passed over, not overwritten. */
START_TEST(passes_over_stale_files)
{
    leave_stale(0);
    leave_stale(1);
    ck_assert_int_eq(atomic_file_write(io_path("f"), "x", 1, message, sizeof message), ASSAY_OK);
    ck_assert_uint_eq(io_file_count(), 3);
    char name[64];
    snprintf(name, sizeof name, ".assay-%ld-1", (long)getpid());
    assert_content(io_path(name), "stale", 5);
}
END_TEST

/* But not without end. */
START_TEST(gives_up_among_stale_files)
{
    for (unsigned k = 0; k < 1000; k++)
        leave_stale(k);
    ck_assert_int_eq(atomic_file_write(io_path("f"), "x", 1, message, sizeof message), ASSAY_UNREADABLE);
    ck_assert_ptr_nonnull(strstr(message, strerror(EEXIST)));
    ck_assert_uint_eq(io_file_count(), 1000);
}
END_TEST

/* Whichever call fails, the old file stays, no temporary file is left, and the sentence gives the reason. */
START_TEST(keeps_old_file_on_failure)
{
    const char *path = io_path("f");
    io_save(path, "old", 3);
    size_t n = 1;
    for (const char *call; n < 100; n++) {
        io_fail(n);
        assay_status status = atomic_file_write(path, "new content", 11, message, sizeof message);
        call = io_fail(0);
        if (!call) {
            ck_assert_int_eq(status, ASSAY_OK);
            break;
        }
        bool memory = strcmp(call, "malloc") == 0;
        ck_assert_int_eq(status, memory ? ASSAY_NO_MEMORY : ASSAY_UNREADABLE);
        ck_assert_ptr_nonnull(strstr(message, memory ? "f: cannot write: out of memory" : strerror(EIO)));
        ck_assert_uint_eq(io_file_count(), 1);
        assert_content(path, "old", 3);
    }
    ck_assert_uint_eq(n, 7); /* malloc, open, write, fsync, close, rename: all were tried */
    assert_content(path, "new content", 11);
}
END_TEST

/* A disk that fills up midway (here: a limit on the size of files) leaves no part of the new file. */
START_TEST(keeps_old_file_when_full)
{
    static const char large[10000];
    struct rlimit old, small;
    io_save(io_path("f"), "old", 3);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 5000;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    assay_status status = atomic_file_write(io_path("f"), large, sizeof large, message, sizeof message);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_DFL);
    ck_assert_int_eq(status, ASSAY_UNREADABLE);
    ck_assert_ptr_nonnull(strstr(message, strerror(EFBIG)));
    ck_assert_uint_eq(io_file_count(), 1);
    assert_content(io_path("f"), "old", 3);
}
END_TEST

static void assert_refused(const char *path, const char *part)
{
    ck_assert_int_eq(atomic_file_write(path, "x", 1, message, sizeof message), ASSAY_UNREADABLE);
    ck_assert_msg(strstr(message, part) && strncmp(message, path, strlen(path)) == 0, "no '%s': %s", part, message);
}

/* Directories, devices, pipes and symbolic links are not replaced by a file, and a missing directory not
 * made. */
START_TEST(refuses_odd_targets)
{
    assert_refused(io_path(""), "exists and is not a regular file");
    assert_refused("/dev/null", "exists and is not a regular file");
    ck_assert_int_eq(mkfifo(io_path("pipe"), 0600), 0);
    assert_refused(io_path("pipe"), "exists and is not a regular file");
    ck_assert_int_eq(symlink("target", io_path("link")), 0);
    assert_refused(io_path("link"), "exists and is not a regular file");
    ck_assert_uint_eq(io_file_count(), 2);
    assert_refused(io_path("no/such"), strerror(ENOENT));
    char *here = getcwd(NULL, 0);
    ck_assert_int_eq(chdir(io_path("")), 0);
    assert_refused("", strerror(ENOENT));
    ck_assert_int_eq(chdir(here), 0);
    free(here);
    ck_assert_uint_eq(io_file_count(), 2);
}
END_TEST

/* A caller may not want the sentence. */
START_TEST(works_without_message)
{
    ck_assert_int_eq(atomic_file_write(io_path(""), "x", 1, NULL, 0), ASSAY_UNREADABLE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("atomic_file");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 300);
    tcase_add_checked_fixture(tests, io_clear, io_clear);
    tcase_add_test(tests, writes_and_replaces);
    tcase_add_test(tests, respects_umask);
    tcase_add_test(tests, writes_to_current_directory);
    tcase_add_test(tests, survives_short_writes);
    tcase_add_test(tests, writes_with_stdin_closed);
    tcase_add_test(tests, passes_over_stale_files);
    tcase_add_test(tests, gives_up_among_stale_files);
    tcase_add_test(tests, keeps_old_file_on_failure);
    tcase_add_test(tests, keeps_old_file_when_full);
    tcase_add_test(tests, refuses_odd_targets);
    tcase_add_test(tests, works_without_message);
    suite_add_tcase(suite, tests);
    return io_run(suite);
}
