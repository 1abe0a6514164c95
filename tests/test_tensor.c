#include "io_support.h"
#include "npy.h"
#include "safetensors.h"

#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

static char message[ASSAY_MESSAGE_SIZE];

static const enum tensor_type all_types[] = {TENSOR_F64, TENSOR_F32, TENSOR_F16, TENSOR_BF16};

START_TEST(knows_names_and_sizes)
{
    static const char *const names[] = {"F64", "F32", "F16", "BF16"};
    static const size_t sizes[] = {8, 4, 2, 2};
    for (size_t k = 0; k < 4; k++) {
        ck_assert_str_eq(tensor_type_name(all_types[k]), names[k]);
        ck_assert_uint_eq(tensor_type_size(all_types[k]), sizes[k]);
    }
}
END_TEST

/* The definition of the formats: (-1)^sign 2^max(e, 1) (fraction + (e > 0)) in least subnormals. */
static double by_definition(unsigned bits, int exponent_bits, int fraction_bits)
{
    int exponent = (int)(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    int fraction = (int)bits & ((1 << fraction_bits) - 1);
    int bias = (1 << (exponent_bits - 1)) - 1;
    double x =
        ldexp(fraction + (exponent > 0 ? 1 << fraction_bits : 0), (exponent > 0 ? exponent : 1) - bias - fraction_bits);
    if (exponent == (1 << exponent_bits) - 1)
        x = fraction ? (double)NAN : (double)INFINITY;
    return bits >> 15 ? -x : x;
}

/* A plain test before each assertion in the long loops: Check's own take a system call each. */
static void check_16_bits(enum tensor_type type, int exponent_bits, int fraction_bits)
{
    for (unsigned bits = 0; bits < 1u << 16; bits++) {
        double x = tensor_decode(type, bits), expected = by_definition(bits, exponent_bits, fraction_bits);
        uint64_t again = 0;
        bool encoded = tensor_encode(&again, type, x);
        bool same = isnan(expected) ? isnan(x) : io_bits(x) == io_bits(expected);
        if (!same || !encoded || again != bits)
            ck_abort_msg("%s %#x became %a and then %#lx", tensor_type_name(type), bits, x, (unsigned long)again);
    }
}

/* Every binary16 and every bfloat16 pattern has its exact value, and encodes to itself, NaNs included. */
START_TEST(decodes_every_f16)
{
    check_16_bits(TENSOR_F16, 5, 10);
}
END_TEST

START_TEST(decodes_every_bf16)
{
    check_16_bits(TENSOR_BF16, 8, 7);
}
END_TEST

static void check_f32(uint32_t bits)
{
    float single;
    uint64_t again = 0;
    memcpy(&single, &bits, sizeof single);
    double x = tensor_decode(TENSOR_F32, bits);
    bool encoded = tensor_encode(&again, TENSOR_F32, x);
    bool same = isnan(single) ? isnan(x) : io_bits(x) == io_bits((double)single);
    if (!same || !encoded || again != bits)
        ck_abort_msg("F32 %#lx became %a and then %#lx", (unsigned long)bits, x, (unsigned long)again);
}

/* The same for binary32 against the processor: for every exponent the extreme and some random fractions. */
START_TEST(decodes_f32_like_the_processor)
{
    for (uint32_t top = 0; top < 1u << 9; top++) {
        check_f32(top << 23);
        check_f32(top << 23 | 1);
        check_f32(top << 23 | 0x400000);
        check_f32(top << 23 | 0x7fffff);
        for (uint32_t k = 0; k < 2000; k++)
            check_f32(top << 23 | (uint32_t)(io_random(top * 2000 + k) >> 41));
    }
}
END_TEST

/* A binary64 number is its own pattern, whatever it is. */
START_TEST(keeps_f64)
{
    for (uint64_t k = 0; k < 100000; k++) {
        uint64_t bits = io_random(k), again = 0;
        double x = tensor_decode(TENSOR_F64, bits);
        if (io_bits(x) != bits || !tensor_encode(&again, TENSOR_F64, x) || again != bits)
            ck_abort_msg("F64 %#lx became %a", (unsigned long)bits, x);
    }
}
END_TEST

static void refuse(enum tensor_type type, double x)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        uint64_t bits = 42;
        if (tensor_encode(&bits, type, sign * x) || bits != 42)
            ck_abort_msg("%s holds %a", tensor_type_name(type), sign * x);
    }
}

/* Between two neighbours nothing is representable: their midpoint, and the binary64 neighbours of each. */
static void check_gaps(enum tensor_type type, uint64_t infinity)
{
    for (uint64_t bits = 0; bits < infinity - 1; bits++) {
        double low = tensor_decode(type, bits), high = tensor_decode(type, bits + 1);
        refuse(type, low + (high - low) / 2);
        refuse(type, nextafter(low, high));
        refuse(type, nextafter(high, low));
    }
    double largest = tensor_decode(type, infinity - 1);
    refuse(type, nextafter(largest, INFINITY));
    refuse(type, largest * 1.5);
    refuse(type, largest * 2);
    refuse(type, 0x1.fffffffffffffp1023);
    refuse(type, 0x1p-1022);
    refuse(type, 0x1p-1074);
}

START_TEST(refuses_what_16_bits_do_not_hold)
{
    check_gaps(TENSOR_F16, 0x7c00);
    check_gaps(TENSOR_BF16, 0x7f80);
}
END_TEST

/* binary32 holds what survives a conversion there and back. */
START_TEST(refuses_what_f32_does_not_hold)
{
    refuse(TENSOR_F32, 0.1);
    refuse(TENSOR_F32, 0x1p128);
    refuse(TENSOR_F32, 0x1.ffffffp127);
    refuse(TENSOR_F32, 0x1p-150);
    refuse(TENSOR_F32, 0x1.8p-149);
    refuse(TENSOR_F32, 0x1p-1074);
    for (uint64_t k = 0; k < 1000000; k++) {
        uint64_t kept = io_random(k) % 32, bits = 0; /* fraction bits */
        double fraction = (double)(io_random(k + (1u << 30)) >> 32 >> (32 - kept));
        double x = ldexp(1 + ldexp(fraction, -(int)kept), (int)(io_random(k) >> 32 & 511) - 256);
        bool narrow = x <= 0x1.fffffep127 && (double)(float)x == x;
        if (tensor_encode(&bits, TENSOR_F32, x) != narrow || tensor_holds(TENSOR_F32, x) != narrow)
            ck_abort_msg("F32 should %shold %a", narrow ? "" : "not ", x);
    }
}
END_TEST

/* A NaN whose upper payload bits are all zero must not turn into an infinity. */
START_TEST(keeps_nan_a_nan)
{
    static const uint64_t patterns[] = {0x7ff0000000000001, 0xfff0000000000001, 0x7ff8000000000000,
                                        0xffffffffffffffff, 0x7ff000001fffffff, 0x7ff00fffffffffff};
    for (size_t k = 0; k < sizeof patterns / sizeof *patterns; k++) {
        for (size_t t = 0; t < 4; t++) {
            uint64_t bits;
            ck_assert(tensor_encode(&bits, all_types[t], tensor_decode(TENSOR_F64, patterns[k])));
            double x = tensor_decode(all_types[t], bits);
            ck_assert(isnan(x));
            ck_assert_uint_eq(io_bits(x) >> 63, patterns[k] >> 63);
        }
    }
    uint64_t bits;
    ck_assert(tensor_encode(&bits, TENSOR_F16, tensor_decode(TENSOR_F64, patterns[1])));
    ck_assert_uint_eq(bits, 0xfe00); /* the quiet one without payload */
}
END_TEST

/* What every pattern decodes to, folded into one number. */
static uint64_t fingerprint(void)
{
    uint64_t sum = 0, again = 0;
    for (uint64_t bits = 0; bits < 1u << 16; bits++) {
        for (size_t t = 1; t < 4; t++) {
            uint64_t pattern = all_types[t] == TENSOR_F32 ? bits << 16 | (bits & 255) : bits;
            double x = tensor_decode(all_types[t], pattern);
            if (!tensor_encode(&again, all_types[t], x) || !tensor_holds(all_types[t], x))
                return 0;
            sum = io_random(sum ^ io_bits(x) ^ again);
        }
    }
    return sum;
}

/* Neither the rounding direction nor flushing subnormals to zero changes a bit. */
START_TEST(ignores_floating_point_modes)
{
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    uint64_t expected = fingerprint();
    ck_assert_uint_ne(expected, 0);
    for (size_t k = 0; k < 3; k++) {
        ck_assert_int_eq(fesetround(modes[k]), 0);
        ck_assert_uint_eq(fingerprint(), expected);
    }
    fesetround(FE_TONEAREST);
#ifdef __SSE2__
    unsigned old = _mm_getcsr();
    _mm_setcsr(old | 0x8040); /* flush to zero, denormals are zero */
    uint64_t got = fingerprint(), bits = 0;
    bool refused = !tensor_encode(&bits, TENSOR_F16, tensor_decode(TENSOR_F64, 1));
    _mm_setcsr(old);
    ck_assert_uint_eq(got, expected);
    ck_assert(refused);
#endif
}
END_TEST

/* The product of the shape, unless even its nonzero dimensions make too large an array. */
START_TEST(multiplies_shapes)
{
    static const size_t huge = (size_t)1 << 60;
    size_t count = 17;
    ck_assert(tensor_multiply(&count, NULL, 0) && count == 1);
    ck_assert(tensor_multiply(&count, (size_t[]){2, 3, 4}, 3) && count == 24);
    ck_assert(tensor_multiply(&count, (size_t[]){2, 0, 4}, 3) && count == 0);
    ck_assert(tensor_multiply(&count, (size_t[]){huge - 1}, 1) && count == huge - 1);
    ck_assert(!tensor_multiply(&count, (size_t[]){huge}, 1) && count == huge - 1);
    ck_assert(!tensor_multiply(&count, (size_t[]){SIZE_MAX, SIZE_MAX}, 2));
    ck_assert(!tensor_multiply(&count, (size_t[]){0, SIZE_MAX}, 2));
    ck_assert(!tensor_multiply(&count, (size_t[]){SIZE_MAX, 0}, 2));
    ck_assert(!tensor_multiply(&count, (size_t[]){(size_t)1 << 30, (size_t)1 << 30}, 2));
}
END_TEST

START_TEST(loads_and_stores_integers)
{
    unsigned char bytes[8] = {1, 2, 3, 4, 5, 6, 7, 0x88};
    ck_assert_uint_eq(bytes_load(bytes, 8, false), 0x8807060504030201);
    ck_assert_uint_eq(bytes_load(bytes, 8, true), 0x0102030405060788);
    ck_assert_uint_eq(bytes_load(bytes, 2, false), 0x0201);
    ck_assert_uint_eq(bytes_load(bytes + 7, 1, true), 0x88);
    bytes_store_little(bytes, 4, 0x99aabbccdd);
    ck_assert_mem_eq(bytes, "\xdd\xcc\xbb\xaa\x05", 5);
}
END_TEST

/* What goes into a message is short, and printable whatever a file holds. */
START_TEST(quotes_text)
{
    char text[200];
    ck_assert_str_eq(quote("", 0).text, "");
    ck_assert_str_eq(quote("a/b \"c\" ~", 9).text, "a/b \"c\" ~");
    ck_assert_str_eq(quote("\x1b[2J\n\0\x7f\xc3\xa9", 9).text, "\\x1b[2J\\x0a\\x00\\x7f\\xc3\\xa9");
    memset(text, 'a', sizeof text);
    ck_assert_uint_eq(strlen(quote(text, 80).text), 80);
    ck_assert_uint_eq(strlen(quote(text, 81).text), 83);
    ck_assert_str_eq(quote(text, 81).text + 79, "a...");
    memset(text, 0x80, sizeof text);
    ck_assert_uint_eq(strlen(quote(text, 81).text), 4 * 80 + 3);
}
END_TEST

START_TEST(complains_in_the_room_there_is)
{
    struct complaint to = {"file", NULL, message, sizeof message};
    ck_assert_int_eq(complain(&to, ASSAY_RANGE, "%d is bad", 3), ASSAY_RANGE);
    ck_assert_str_eq(message, "file: 3 is bad");
    to.tensor = "a\nb";
    ck_assert_int_eq(complain(&to, ASSAY_INVALID, "is bad"), ASSAY_INVALID);
    ck_assert_str_eq(message, "file: tensor \"a\\x0ab\": is bad");
    to.message_size = 10;
    ck_assert_int_eq(complain(&to, ASSAY_INVALID, "is bad"), ASSAY_INVALID);
    ck_assert_str_eq(message, "file: ten");
    to = (struct complaint){"file", NULL, NULL, 0};
    ck_assert_int_eq(complain(&to, ASSAY_INVALID, "is bad"), ASSAY_INVALID);
}
END_TEST

/* Tensors are found by their whole names, and freeing empties the file; both work on an empty one. */
START_TEST(finds_and_frees)
{
    struct tensor_file file = {.count = 2, .tensors = tensor_alloc(2, sizeof(struct tensor))};
    file.tensors[0] = (struct tensor){.name = strdup("a"), .at = tensor_alloc(0, sizeof(double))};
    file.tensors[1] = (struct tensor){.name = strdup("a/b"), .at = tensor_alloc(3, sizeof(double))};
    file.metadata_count = 1;
    file.metadata_keys = tensor_alloc(1, sizeof(char *));
    file.metadata_values = tensor_alloc(1, sizeof(char *));
    file.metadata_keys[0] = strdup("key");
    file.metadata_values[0] = strdup("value");
    ck_assert_ptr_eq(tensors_find(&file, "a"), &file.tensors[0]);
    ck_assert_ptr_eq(tensors_find(&file, "a/b"), &file.tensors[1]);
    ck_assert_ptr_null(tensors_find(&file, "a/"));
    tensors_free(&file);
    ck_assert(file.count == 0 && !file.tensors && file.metadata_count == 0 && !file.metadata_keys);
    ck_assert_ptr_null(tensors_find(&file, "a"));
    tensors_free(&file);
}
END_TEST

static void assert_measure(struct tensor x, const char *part)
{
    const struct complaint to = {"f", "t", message, sizeof message};
    size_t bytes = 17;
    ck_assert_int_eq(tensor_measure(&bytes, &x, &to), ASSAY_INVALID);
    ck_assert_uint_eq(bytes, 17);
    ck_assert_msg(strstr(message, part) != NULL, "no '%s': %s", part, message);
}

START_TEST(measures_tensors)
{
    const struct complaint to = {"f", "t", message, sizeof message};
    struct tensor x = {.type = TENSOR_BF16, .ndim = 2, .shape = {2, 3}, .count = 6};
    size_t bytes;
    ck_assert_int_eq(tensor_measure(&bytes, &x, &to), ASSAY_OK);
    ck_assert_uint_eq(bytes, 12);
    assert_measure((struct tensor){.type = (enum tensor_type)4, .count = 1}, "type 4 is none of ours");
    assert_measure((struct tensor){.ndim = 9, .count = 1}, "9 dimensions; at most 8");
    assert_measure((struct tensor){.ndim = 1, .shape = {SIZE_MAX}, .count = SIZE_MAX}, "dimensions is too large");
    assert_measure((struct tensor){.ndim = 2, .shape = {2, 3}, .count = 5}, "6 entries, but count is 5");
}
END_TEST

/* The entries are stored one behind the other, or the first that does not fit is named. */
START_TEST(stores_entries)
{
    const struct complaint to = {"f", "t", message, sizeof message};
    double values[] = {1, -2, 0.1};
    unsigned char bytes[6];
    struct tensor x = {.type = TENSOR_F16, .ndim = 1, .shape = {2}, .count = 2, .at = values};
    ck_assert_int_eq(tensor_store(bytes, &x, &to), ASSAY_OK);
    ck_assert_mem_eq(bytes, "\x00\x3c\x00\xc0", 4);
    x.count = x.shape[0] = 3;
    ck_assert_int_eq(tensor_store(bytes, &x, &to), ASSAY_INVALID);
    ck_assert_str_eq(message, "f: tensor \"t\": entry 2 is 0.10000000000000001 (0x1.999999999999ap-4), which is not "
                              "representable in F16");
}
END_TEST

static const struct tensor example = {.name = (char[]){"w"},
                                      .type = TENSOR_F32,
                                      .ndim = 2,
                                      .shape = {1, 3},
                                      .count = 3,
                                      .at = (double[]){1.5, -2, 0x1p-149}};

static void save_example(const char *path, bool npy)
{
    struct tensor_file file = {.count = 1, .tensors = (struct tensor *)&example};
    ck_assert_int_eq(npy ? npy_write(path, &example, message, sizeof message)
                         : safetensors_write(path, &file, message, sizeof message),
                     ASSAY_OK);
}

static void assert_example(struct tensor_file *file, const char *name)
{
    ck_assert_uint_eq(file->count, 1);
    const struct tensor *x = tensors_find(file, name);
    ck_assert_ptr_nonnull(x);
    ck_assert(x->type == TENSOR_F32 && x->ndim == 2 && x->shape[0] == 1 && x->shape[1] == 3 && x->count == 3);
    ck_assert_mem_eq(x->at, example.at, 3 * sizeof(double));
    tensors_free(file);
}

/* Both formats are told apart by their content, whatever the name, also when the bytes arrive a few at a
 * time. */
START_TEST(reads_both_formats)
{
    struct tensor_file file;
    for (size_t chunk = 0; chunk < 4; chunk++) {
        for (int npy = 0; npy <= 1; npy++) {
            save_example(io_path("file"), npy);
            io_chunk = chunk;
            assay_status status = tensors_read(&file, io_path("file"), message, sizeof message);
            io_chunk = 0;
            ck_assert_int_eq(status, ASSAY_OK);
            assert_example(&file, npy ? "" : "w");
        }
    }
}
END_TEST

/* A symbolic link may lead to the file. */
START_TEST(reads_through_links)
{
    struct tensor_file file;
    save_example(io_path("file"), true);
    ck_assert_int_eq(symlink("file", io_path("link")), 0);
    ck_assert_int_eq(tensors_read(&file, io_path("link"), message, sizeof message), ASSAY_OK);
    assert_example(&file, "");
}
END_TEST

/* A descriptor may have the number 0. */
START_TEST(reads_with_stdin_closed)
{
    struct tensor_file file;
    save_example(io_path("file"), true);
    int saved = dup(0);
    close(0);
    assay_status status = tensors_read(&file, io_path("file"), message, sizeof message);
    dup2(saved, 0);
    close(saved);
    ck_assert_int_eq(status, ASSAY_OK);
    assert_example(&file, "");
}
END_TEST

static void assert_unreadable(const char *path, const char *part)
{
    struct tensor_file file = {.count = 17}, before = file;
    ck_assert_int_eq(tensors_read(&file, path, message, sizeof message), ASSAY_UNREADABLE);
    ck_assert_msg(strstr(message, part) && strncmp(message, path, strlen(path)) == 0, "no '%s': %s", part, message);
    ck_assert_mem_eq(&file, &before, sizeof file);
}

START_TEST(refuses_what_is_no_file)
{
    assert_unreadable(io_path("none"), strerror(ENOENT));
    assert_unreadable("", strerror(ENOENT));
    assert_unreadable(io_path(""), "is a directory");
    assert_unreadable("/dev/null", "is not a regular file");
    assert_unreadable("/dev/zero", "is not a regular file");
    ck_assert_int_eq(mkfifo(io_path("pipe"), 0600), 0);
    assert_unreadable(io_path("pipe"), "is not a regular file"); /* and does not wait for a writer */
    io_save(io_path("empty"), "", 0);
    assert_unreadable(io_path("empty"), "the file is empty");
    io_save(io_path("text"), "shape = (3, 4)\n", 15);
    assert_unreadable(io_path("text"), "exceeds the limit of 100000000 bytes");
    io_save(io_path("short"), "\x93NUMP", 5);
    assert_unreadable(
        io_path("short"),
        "is no .npy file, and as .safetensors, byte 5: the file ends within the 8 bytes of the header's length");
    io_save(io_path("npy"), "\x93NUMPY", 6);
    assert_unreadable(io_path("npy"), "ends before the header");
}
END_TEST

/* A file that shrinks while it is read is not mistaken for a whole one. */
START_TEST(notices_a_cut)
{
    save_example(io_path("file"), true);
    io_cut = true;
    struct tensor_file file;
    assay_status status = tensors_read(&file, io_path("file"), message, sizeof message);
    io_cut = false;
    ck_assert_int_eq(status, ASSAY_UNREADABLE);
    ck_assert_ptr_nonnull(strstr(message, "byte 0: the file of 140 bytes was cut while it was read"));
}
END_TEST

/* Whichever call fails, nothing is returned or leaked, and the sentence gives the reason. */
START_TEST(survives_failing_calls)
{
    for (int npy = 0; npy <= 1; npy++) {
        save_example(io_path("file"), npy);
        struct tensor_file file = {.count = 17}, before = file;
        bool done = false;
        for (size_t n = 1; !done && n < 1000; n++) {
            io_fail(n);
            assay_status status = tensors_read(&file, io_path("file"), message, sizeof message);
            const char *call = io_fail(0);
            done = !call;
            if (!call || strcmp(call, "close") == 0) { /* closing what was only read loses nothing */
                ck_assert_int_eq(status, ASSAY_OK);
                assert_example(&file, npy ? "" : "w");
                file = before;
                continue;
            }
            ck_assert_mem_eq(&file, &before, sizeof file);
            if (strcmp(call, "jansson") == 0)
                ck_assert(status == ASSAY_NO_MEMORY || status == ASSAY_UNREADABLE);
            else
                ck_assert_int_eq(status, call[strlen(call) - 1] == 'c' || strcmp(call, "strdup") == 0
                                             ? ASSAY_NO_MEMORY
                                             : ASSAY_UNREADABLE);
            ck_assert_ptr_nonnull(strstr(message, status == ASSAY_NO_MEMORY ? "out of memory" : ": "));
        }
        ck_assert(done);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tensor");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 1200);
    tcase_add_checked_fixture(tests, io_clear, io_clear);
    tcase_add_test(tests, knows_names_and_sizes);
    tcase_add_test(tests, decodes_every_f16);
    tcase_add_test(tests, decodes_every_bf16);
    tcase_add_test(tests, decodes_f32_like_the_processor);
    tcase_add_test(tests, keeps_f64);
    tcase_add_test(tests, refuses_what_16_bits_do_not_hold);
    tcase_add_test(tests, refuses_what_f32_does_not_hold);
    tcase_add_test(tests, keeps_nan_a_nan);
    tcase_add_test(tests, ignores_floating_point_modes);
    tcase_add_test(tests, multiplies_shapes);
    tcase_add_test(tests, loads_and_stores_integers);
    tcase_add_test(tests, quotes_text);
    tcase_add_test(tests, complains_in_the_room_there_is);
    tcase_add_test(tests, finds_and_frees);
    tcase_add_test(tests, measures_tensors);
    tcase_add_test(tests, stores_entries);
    tcase_add_test(tests, reads_both_formats);
    tcase_add_test(tests, reads_through_links);
    tcase_add_test(tests, reads_with_stdin_closed);
    tcase_add_test(tests, refuses_what_is_no_file);
    tcase_add_test(tests, notices_a_cut);
    tcase_add_test(tests, survives_failing_calls);
    suite_add_tcase(suite, tests);
    return io_run(suite);
}
