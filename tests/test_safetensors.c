#include "safetensors.h"

#include "io_support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char message[ASSAY_MESSAGE_SIZE];

/* The content of a file. */
static unsigned char content[1 << 16];
static size_t content_size;

static void append(const void *bytes, size_t size)
{
    ck_assert_uint_le(content_size + size, sizeof content);
    memcpy(content + content_size, bytes, size);
    content_size += size;
}

/* The content becomes this header and so many zero bytes of data. */
static void make_bytes(const char *header, size_t length, size_t data_size)
{
    static const unsigned char zeros[4096];
    bytes_store_little(content, 8, length);
    content_size = 8;
    append(header, length);
    append(zeros, data_size);
}

static void make(const char *header, size_t data_size)
{
    make_bytes(header, strlen(header), data_size);
}

static struct tensor_file parse(void)
{
    struct tensor_file file;
    assay_status status = io_parse(safetensors_parse, &file, content, content_size, message);
    ck_assert_msg(status == ASSAY_OK, "%s", message);
    return file;
}

static void assert_tensor(const struct tensor *x, const char *name, enum tensor_type type, size_t ndim, size_t count)
{
    ck_assert_str_eq(x->name, name);
    ck_assert(x->type == type && x->ndim == ndim && x->count == count);
}

/* All dtypes; tensors in the order of their bytes, those without entries before their neighbours; metadata in
 * the order of the header. */
START_TEST(reads_tensors)
{
    make("{\"h\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[16,20]},"
         "\"__metadata__\":{\"z\":\"1\",\"a\":\"\"},"
         "\"f\":{\"shape\":[1,2,1],\"data_offsets\":[8,16],\"dtype\":\"F32\"},"
         "\"e2\":{\"dtype\":\"F64\",\"shape\":[0],\"data_offsets\":[8,8]},"
         "\"e1\":{\"dtype\":\"BF16\",\"shape\":[3,0],\"data_offsets\":[8,8]},"
         "\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[20,22]},"
         "\"d\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}  ",
         0);
    append("\x18\x2d\x44\x54\xfb\x21\x09\xc0\1\0\0\0\0\0\x80\x7f\1\xbc\0\x80\x80\x3f", 22);
    struct tensor_file file = parse();
    ck_assert_uint_eq(file.count, 6);
    const struct tensor *x = file.tensors;
    assert_tensor(&x[0], "d", TENSOR_F64, 0, 1);
    ck_assert(x[0].at[0] == -0x1.921fb54442d18p1);
    assert_tensor(&x[1], "e2", TENSOR_F64, 1, 0);
    assert_tensor(&x[2], "e1", TENSOR_BF16, 2, 0);
    ck_assert(x[2].shape[0] == 3 && x[2].shape[1] == 0);
    assert_tensor(&x[3], "f", TENSOR_F32, 3, 2);
    ck_assert(x[3].shape[0] == 1 && x[3].shape[1] == 2 && x[3].shape[2] == 1);
    ck_assert(x[3].at[0] == 0x1p-149 && x[3].at[1] == (double)INFINITY);
    assert_tensor(&x[4], "h", TENSOR_F16, 1, 2);
    ck_assert(x[4].at[0] == -0x1.004p0 && io_bits(x[4].at[1]) == io_bits(-0.0));
    assert_tensor(&x[5], "b", TENSOR_BF16, 1, 1);
    ck_assert(x[5].at[0] == 1);
    ck_assert_uint_eq(file.metadata_count, 2);
    ck_assert_str_eq(file.metadata_keys[0], "z");
    ck_assert_str_eq(file.metadata_values[0], "1");
    ck_assert_str_eq(file.metadata_keys[1], "a");
    ck_assert_str_eq(file.metadata_values[1], "");
    tensors_free(&file);
}
END_TEST

/* Nothing at all, and metadata alone, are files too; names may be empty or beyond ASCII. */
START_TEST(reads_unusual_files)
{
    make("{}", 0);
    struct tensor_file file = parse();
    ck_assert_uint_eq(file.count, 0);
    tensors_free(&file);
    make("{\"__metadata__\":{}}", 0);
    file = parse();
    ck_assert(file.count == 0 && file.metadata_count == 0);
    tensors_free(&file);
    make("{\"\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[2,4]},"
         "\"\\u00e9\\n\":{\"dtype\":\"F16\",\"shape\":[1,1,1,1,1,1,1,1],\"data_offsets\":[0,2]}}",
         4);
    file = parse();
    ck_assert_str_eq(file.tensors[0].name, "\xc3\xa9\n");
    ck_assert_str_eq(file.tensors[1].name, "");
    ck_assert_uint_eq(file.tensors[0].ndim, 8);
    tensors_free(&file);
}
END_TEST

/* What is wrong with the beginning of a file. */
START_TEST(refuses_broken_beginnings)
{
    static const char sized[][8] = {{0}, {1}, {2}, {0, 0, 0, 0, 0, 0, 0, 1}};
    io_refused(safetensors_parse, "", 0, "byte 0: the file ends within the 8 bytes of the header's length");
    io_refused(safetensors_parse, "\2\0\0\0\0\0\0", 7, "byte 7: the file ends within the 8 bytes");
    io_refused(safetensors_parse, sized[0], 8, "byte 8: the header does not begin with {");
    io_refused(safetensors_parse, sized[1], 8, "byte 0: header length 1 exceeds the file's 8 bytes");
    io_refused(safetensors_parse, sized[3], 8,
               "byte 0: header length 72057594037927936 exceeds the limit of 100000000");
    io_refused(safetensors_parse, "\2\0\0\0\0\0\0\0{", 9, "byte 0: header length 2 exceeds the file's 9 bytes");
    io_refused(safetensors_parse, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "18446744073709551615 exceeds the limit");
    io_refused(safetensors_parse, "\0\xe1\xf5\5\0\0\0\0{}", 10, "length 100000000 exceeds the file's 10 bytes");
    io_refused(safetensors_parse, "\1\xe1\xf5\5\0\0\0\0{}", 10, "length 100000001 exceeds the limit of 100000000");
    io_refused(safetensors_parse, "PK\3\4\x14\0\0\0{}", 10, "is a zip archive, as .npz and .pt files are");
}
END_TEST

/* A tensor that fills 4 bytes from 0, one that does from 4, and the same without its end. */
#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}"
#define B "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}"

/* Headers over `data_size` bytes, each with what the sentence must say. */
static const struct {
    const char *header;
    size_t data_size;
    const char *part;
} broken[] = {
    {" {}", 0, "byte 8: the header does not begin with {"},
    {"[]", 0, "byte 8: the header does not begin with {"},
    {"null", 0, "byte 8: the header does not begin with {"},
    {"{", 0, "byte 9: the header is no valid JSON"},
    {"{]", 0, "byte 10: the header is no valid JSON"},
    {"{} x", 0, "byte 12: the header is no valid JSON: end of file expected near 'x'"},
    {"{}{}", 0, "the header is no valid JSON: end of file expected"},
    {"{" A ",}", 4, "the header is no valid JSON"},
    {"{" A "," A "}", 4, "the header is no valid JSON: duplicate object key near '\"a\"'"},
    {"{" A ",\"\\u0061\":1}", 4, "duplicate object key"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate object key"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"1\"}}", 0, "duplicate object key"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "duplicate object key"},
    {"{\"\xff\":1}", 0, "byte 10: the header is no valid JSON: unable to decode byte 0xff"},
    {"{\"\xc0\x80\":1}", 0, "the header is no valid JSON: unable to decode byte 0xc0"},
    {"{\"\xed\xa0\x80\":1}", 0, "the header is no valid JSON: unable to decode byte 0xed"},
    {"{\"\\ud800\":1}", 0, "the header is no valid JSON: invalid Unicode"},
    {"{\"a\\u0000b\":1}", 0, "the header is no valid JSON: NUL byte in object key"},
    {"{\"__metadata__\":{\"k\":\"a\\u0000b\"}}", 0, "\\u0000 is not allowed"},
    {"{\"a\nb\":1}", 0, "the header is no valid JSON"},
    {"{'a':1}", 0, "the header is no valid JSON"},
    {"{\"a\":NaN}", 0, "the header is no valid JSON"},
    {"{\"a\":1e999}", 0, "the header is no valid JSON: real number overflow"},
    {"{\"a\":99999999999999999999}", 0, "the header is no valid JSON: too big integer"},
    {"{\"__metadata__\":[]}", 0, "x: __metadata__ is not an object"},
    {"{\"__metadata__\":null}", 0, "x: __metadata__ is not an object"},
    {"{\"__metadata__\":\"x\"}", 0, "x: __metadata__ is not an object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "the value of k in __metadata__ is not a string"},
    {"{\"__metadata__\":{\"j\":\"\",\"k\":{}}}", 0, "the value of k in __metadata__ is not a string"},
    {"{\"__metadata__\":{\"k\\n\":null}}", 0, "the value of k\\x0a in __metadata__ is not a string"},
    {"{\"a\":1}", 0, "tensor \"a\": must be an object of exactly dtype, shape and data_offsets"},
    {"{\"a\":[]}", 0, "tensor \"a\": must be an object of exactly dtype, shape and data_offsets"},
    {"{\"a\":{}}", 0, "a\": must be an object of exactly dtype, shape and data_offsets"},
    {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "a\": must be an object of exactly dtype, shape and data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4,
     "a\": must be an object of exactly dtype, shape and data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "a\": must be an object of exactly dtype, shape and data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\\n\":1}}", 4,
     "must be an object of exactly dtype, shape and data_offsets"},
    {"{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor \"a\": dtype is not a string"},
    {"{\"a\":{\"dtype\":null,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor \"a\": dtype is not a string"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":{}}}", 4,
     "tensor \"a\": data_offsets is not an array of two integers"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"offsets\":[0,4]}}", 4, "must be an object of exactly dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4,
     "tensor \"a\": data_offsets is not an array of two integers"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4,
     "tensor \"a\": data_offsets is not an array of two integers"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4.0]}}", 4,
     "tensor \"a\": data_offsets is not an array of two integers"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[\"0\",4]}}", 4,
     "tensor \"a\": data_offsets is not an array of two integers"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}", 4, "tensor \"a\": shape is not an array"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[0,4]}}", 4, "tensor \"a\": shape is not an array"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,-1],\"data_offsets\":[0,4]}}", 4, "dimension 1 is not a non-negative"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "dimension 0 is not a non-negative"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[\"1\"],\"data_offsets\":[0,4]}}", 4, "dimension 0 is not a non-negative"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4,
     "tensor \"a\": 9 dimensions; at most 8"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
     "tensor \"a\": the product of the dimensions is too large"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,0],\"data_offsets\":[0,0]}}", 0,
     "the product of the dimensions is too large"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387905],\"data_offsets\":[0,4]}}", 4,
     "the product of the dimensions is too large"}, /* 4 bytes each: 4 bytes modulo 2^64 */
    {"{\"w\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8,
     "x: tensor \"w\": dtype I64 is not supported, only F64, F32, F16 and BF16"},
    {"{\"w\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "dtype BOOL is not supported"},
    {"{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "dtype F8_E4M3 is not supported"},
    {"{\"w\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype f32 is not supported"},
    {"{\"w\":{\"dtype\":\"\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype  is not supported"},
    {"{" A "}", 3, "tensor \"a\": data_offsets [0, 4] are not a range within the 3 bytes of data"},
    {"{" A "}", 0, "tensor \"a\": data_offsets [0, 4] are not a range within the 0 bytes of data"},
    {"{" A "}", 5, "x: the tensors cover only 4 of the 5 bytes of data"},
    {"{}", 1, "x: the tensors cover only 0 of the 1 bytes of data"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "[4, 0] are not a range within"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "[-4, 0] are not a range within"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[-1,-1]}}", 4, "[-1, -1] are not a range within"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[9223372036854775803,9223372036854775807]}}", 4,
     "are not a range within the 4 bytes of data"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "span 4 bytes, but the shape needs 8"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "span 4 bytes, but the shape needs 8"},
    {"{\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "span 4 bytes, but the shape needs 2"},
    {"{\"a\":{\"dtype\":\"F16\",\"shape\":[2,0],\"data_offsets\":[0,4]}}", 4, "span 4 bytes, but the shape needs 0"},
    {"{" B "}", 8, "tensor \"b\": a gap: data_offsets [4, 8], but the tensors before it end at 0"},
    {"{" A ",\"c\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[6,8]}}", 8,
     "tensor \"c\": a gap: data_offsets [6, 8], but the tensors before it end at 4"},
    {"{" A ",\"c\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[2,4]}}", 4,
     "tensor \"c\": an overlap: data_offsets [2, 4], but the tensors before it end at 4"},
    {"{" A ",\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "tensor \"c\": an overlap: data_offsets [0, 4], but the tensors before it end at 4"},
    {"{" A ",\"c\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8,
     "tensor \"c\": an overlap: data_offsets [0, 8], but the tensors before it end at 4"},
    {"{" A "," B ",\"c\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[6,6]}}", 8,
     "tensor \"c\": an overlap: data_offsets [6, 6], but the tensors before it end at 8"},
    {"{" A ",\"x\\u001b[2J\":1}", 4, "x: tensor \"x\\x1b[2J\": must be an object of exactly dtype"},
};

START_TEST(refuses_broken_headers)
{
    for (size_t k = 0; k < sizeof broken / sizeof *broken; k++) {
        make(broken[k].header, broken[k].data_size);
        io_refused(safetensors_parse, content, content_size, broken[k].part);
    }
}
END_TEST

/* A 0 byte in the header is neither its end nor padding. */
START_TEST(refuses_zero_bytes)
{
    make_bytes("{}\0", 3, 0);
    io_refused(safetensors_parse, content, content_size, "byte 11: the header is no valid JSON");
    make_bytes("{\0}", 3, 0);
    io_refused(safetensors_parse, content, content_size, "the header is no valid JSON");
    make_bytes("{\"a\0\":1}", 8, 0);
    io_refused(safetensors_parse, content, content_size, "the header is no valid JSON");
}
END_TEST

/* Deep nesting ends at jansson's limit, not at that of the stack. */
START_TEST(refuses_deep_nesting)
{
    static char header[60001];
    memset(header, '[', sizeof header - 1);
    memcpy(header, "{\"a\":", 5);
    make(header, 0);
    io_refused(safetensors_parse, content, content_size, "the header is no valid JSON: maximum parsing depth reached");
    for (size_t k = 0; k + 5 <= sizeof header - 1; k += 5)
        memcpy(header + k, "{\"a\":", 5);
    make(header, 0);
    io_refused(safetensors_parse, content, content_size, "the header is no valid JSON: maximum parsing depth reached");
}
END_TEST

/* A thousand tensors that each claim all of the data are refused before anything is read. */
START_TEST(refuses_multiplied_data)
{
    static char header[60001];
    size_t used = (size_t)sprintf(header, "{");
    for (unsigned k = 0; k < 900; k++)
        used += (size_t)sprintf(
            header + used, "%s\"%u\":{\"dtype\":\"F16\",\"shape\":[2000],\"data_offsets\":[0,4000]}", k ? "," : "", k);
    sprintf(header + used, "}");
    make(header, 4000);
    io_refused(safetensors_parse, content, content_size, "tensor \"1\": an overlap: data_offsets [0, 4000]");
}
END_TEST

static void small_file(void)
{
    make("{\"__metadata__\":{\"k\":\"v\"}," A ",\"c\":{\"dtype\":\"BF16\",\"shape\":[2,1],\"data_offsets\":[4,8]}} ",
         8);
}

/* No prefix of a file is a file, nor is a file with more bytes behind it. */
START_TEST(refuses_every_truncation)
{
    small_file();
    for (size_t size = 0; size < content_size; size++)
        ck_assert_int_eq(io_try(safetensors_parse, content, size), ASSAY_UNREADABLE);
    ck_assert_int_eq(io_try(safetensors_parse, content, content_size), ASSAY_OK);
    append("", 1);
    io_refused(safetensors_parse, content, content_size, "the tensors cover only 8 of the 9 bytes of data");
}
END_TEST

/* Every byte replaced by every other: refused in one sentence, or something sensible, and never a byte out of
 * bounds. */
START_TEST(survives_every_flip)
{
    size_t refused = 0, accepted = 0;
    small_file();
    for (size_t k = 0; k < content_size; k++) {
        unsigned char old = content[k];
        for (unsigned flip = 1; flip < 256; flip++) {
            content[k] = (unsigned char)(old ^ flip);
            if (io_try(safetensors_parse, content, content_size) == ASSAY_OK)
                accepted++;
            else
                refused++;
        }
        content[k] = old;
    }
    ck_assert_uint_gt(refused, 10000);
    ck_assert_uint_gt(accepted, 8 * 255 - 1); /* all changes to the entries at least */
}
END_TEST

/* Whichever allocation fails, nothing leaks, and the status is honest, but that jansson calls a lack of
 * memory for a string a syntax error. No name here is longer than its first buffer, whose growth it does not
 * check. */
START_TEST(survives_lack_of_memory)
{
    const struct complaint to = {"x", NULL, message, sizeof message};
    size_t failures = 0;
    bool done = false;
    small_file();
    for (size_t n = 1; !done && n < 1000; n++) {
        struct tensor_file file;
        io_fail(n);
        assay_status status = safetensors_parse(&file, content, content_size, &to);
        const char *call = io_fail(0);
        done = !call;
        if (done) {
            ck_assert_int_eq(status, ASSAY_OK);
            tensors_free(&file);
            continue;
        }
        bool syntax = strcmp(call, "jansson") == 0 && status == ASSAY_UNREADABLE;
        ck_assert_int_eq(status, syntax ? ASSAY_UNREADABLE : ASSAY_NO_MEMORY);
        ck_assert_msg(strstr(message, syntax ? "no valid JSON" : "out of memory") != NULL, "%s", message);
        failures++;
    }
    ck_assert(done);
    ck_assert_uint_gt(failures, 20);
}
END_TEST

static double values[] = {1.5, -2, 0.0, -0.0, 0x1p-24, INFINITY};

static struct tensor sample(const char *name, enum tensor_type type)
{
    return (struct tensor){.name = (char *)name, .type = type, .ndim = 2, .shape = {2, 3}, .count = 6, .at = values};
}

static void write_ok(const struct tensor_file *file)
{
    assay_status status = safetensors_write(io_path("f"), file, message, sizeof message);
    ck_assert_msg(status == ASSAY_OK, "%s", message);
}

static void assert_header(const char *header, size_t data_size)
{
    size_t size;
    unsigned char *bytes = io_load(io_path("f"), &size);
    size_t length = bytes_load(bytes, 8, false);
    ck_assert_uint_eq(length, strlen(header));
    ck_assert_uint_eq(length % 8, 0);
    ck_assert_mem_eq(bytes + 8, header, length);
    ck_assert_uint_eq(size, 8 + length + data_size);
    free(bytes);
}

/* The bytes are what the format says, in the order given: metadata, tensors, padding. */
START_TEST(writes_given_order)
{
    char *keys[] = {(char[]){"z"}, (char[]){"a\"\\\n/"}}, *texts[] = {(char[]){"1"}, (char[]){"\x01\xc3\xa9"}};
    struct tensor tensors[] = {sample("b", TENSOR_F16), sample("a/\"x\"", TENSOR_F64)};
    write_ok(&(struct tensor_file){2, tensors, 2, keys, texts});
    assert_header("{\"__metadata__\":{\"z\":\"1\",\"a\\\"\\\\\\n/\":\"\\u0001\xc3\xa9\"},"
                  "\"b\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
                  "\"a/\\\"x\\\"\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[12,60]}} ",
                  60);
    write_ok(&(struct tensor_file){.count = 1, .tensors = tensors});
    assert_header("{\"b\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[0,12]}}       ", 12);
    size_t size;
    unsigned char *bytes = io_load(io_path("f"), &size);
    ck_assert_mem_eq(bytes + size - 12, "\0\x3e\0\xc0\0\0\0\x80\1\0\0\x7c", 12);
    free(bytes);
    write_ok(&(struct tensor_file){0});
    assert_header("{}      ", 0);
}
END_TEST

/* Everything that is written comes back: types, shapes, names, metadata, bits; and writing that gives the
 * same bytes. */
START_TEST(reads_what_it_writes)
{
    char *keys[] = {(char[]){""}, (char[]){"k"}}, *texts[] = {(char[]){"\xf0\x9f\x98\x80"}, (char[]){"v"}};
    struct tensor tensors[] = {sample("w", TENSOR_F16), sample("", TENSOR_F64), sample("\xc3\xa9\n", TENSOR_F32),
                               sample("empty", TENSOR_BF16), sample("scalar", TENSOR_BF16)};
    tensors[3].ndim = 8;
    tensors[3].count = 0;
    tensors[4].ndim = 0;
    tensors[4].count = 1;
    struct tensor_file file = {5, tensors, 2, keys, texts}, again;
    write_ok(&file);
    ck_assert_int_eq(tensors_read(&again, io_path("f"), message, sizeof message), ASSAY_OK);
    ck_assert_uint_eq(again.count, 5);
    for (size_t k = 0; k < 5; k++) {
        const struct tensor *x = &tensors[k], *y = &again.tensors[k];
        assert_tensor(y, x->name, x->type, x->ndim, x->count);
        for (size_t d = 0; d < x->ndim; d++)
            ck_assert_uint_eq(x->shape[d], y->shape[d]);
        for (size_t i = 0; i < x->count; i++)
            ck_assert_uint_eq(io_bits(x->at[i]), io_bits(y->at[i]));
    }
    ck_assert_uint_eq(again.metadata_count, 2);
    for (size_t k = 0; k < 2; k++) {
        ck_assert_str_eq(again.metadata_keys[k], keys[k]);
        ck_assert_str_eq(again.metadata_values[k], texts[k]);
    }
    size_t size, size_again;
    unsigned char *bytes = io_load(io_path("f"), &size);
    write_ok(&again);
    unsigned char *bytes_again = io_load(io_path("f"), &size_again);
    ck_assert_uint_eq(size, size_again);
    ck_assert_mem_eq(bytes, bytes_again, size);
    free(bytes);
    free(bytes_again);
    tensors_free(&again);
}
END_TEST

static void refuse_to_write(const struct tensor_file *file, const char *part)
{
    ck_assert_int_eq(safetensors_write(io_path("f"), file, message, sizeof message), ASSAY_INVALID);
    ck_assert_msg(strstr(message, part) != NULL, "no '%s': %s", part, message);
    ck_assert_uint_eq(io_file_count(), 0);
}

/* What cannot be written is refused, by name, before any file is made. */
START_TEST(refuses_tensors)
{
    struct tensor tensors[] = {sample("a", TENSOR_F16), sample("a", TENSOR_F16)};
    const struct tensor_file file = {.count = 2, .tensors = tensors};
    refuse_to_write(&file, "/f: tensor \"a\": this name appears twice");
    tensors[1] = sample("__metadata__", TENSOR_F16);
    refuse_to_write(&file, "/f: tensor \"__metadata__\": this name is reserved");
    tensors[1] = sample("\xff\xc0", TENSOR_F16);
    refuse_to_write(&file, "/f: tensor \"\\xff\\xc0\": the name \\xff\\xc0 is not UTF-8");
    tensors[1] = sample("b", TENSOR_F16);
    tensors[1].count = 5;
    refuse_to_write(&file, "/f: tensor \"b\": the shape has 6 entries, but count is 5");
    tensors[1] = (struct tensor){.name = (char[]){"b"}, .ndim = 1, .shape = {2}, .count = 2};
    tensors[1].at = (double[]){1, 0.1};
    tensors[1].type = TENSOR_BF16;
    refuse_to_write(&file, "/f: tensor \"b\": entry 1 is 0.10000000000000001 (0x1.999999999999ap-4), which is not "
                           "representable in BF16");
    tensors[0] =
        (struct tensor){.name = (char[]){"a"}, .ndim = 1, .shape = {PTRDIFF_MAX / 8}, .count = PTRDIFF_MAX / 8};
    tensors[1] = tensors[0];
    tensors[1].name = (char[]){"b"};
    refuse_to_write(&file, "/f: tensor \"b\": the tensors are too large together");
}
END_TEST

START_TEST(refuses_metadata)
{
    char *keys[] = {(char[]){"k"}, (char[]){"k"}}, *texts[] = {(char[]){"1"}, (char[]){"2"}};
    const struct tensor_file file = {.metadata_count = 2, .metadata_keys = keys, .metadata_values = texts};
    refuse_to_write(&file, "/f: metadata key k appears twice");
    keys[1] = (char[]){"\xff"};
    refuse_to_write(&file, "/f: metadata key \\xff is not UTF-8");
    keys[1] = (char[]){"l"};
    texts[1] = (char[]){"\xed\xa0\x80"};
    refuse_to_write(&file, "/f: metadata value \\xed\\xa0\\x80 is not UTF-8");
}
END_TEST

/* Whichever call fails, the old file stays and no other appears. */
START_TEST(keeps_old_file_on_failure)
{
    char *keys[] = {(char[]){"k"}}, *texts[] = {(char[]){"v"}};
    struct tensor tensors[] = {sample("a", TENSOR_F16), sample("b", TENSOR_F32)};
    const struct tensor_file file = {2, tensors, 1, keys, texts};
    size_t memory_failures = 0;
    bool done = false;
    io_save(io_path("f"), "old", 3);
    for (size_t n = 1; !done && n < 1000; n++) {
        io_fail(n);
        assay_status status = safetensors_write(io_path("f"), &file, message, sizeof message);
        const char *call = io_fail(0);
        done = !call;
        size_t size;
        unsigned char *bytes = io_load(io_path("f"), &size);
        if (call) {
            bool memory = strcmp(call, "malloc") == 0 || strcmp(call, "jansson") == 0;
            memory_failures += memory;
            ck_assert_int_eq(status, memory ? ASSAY_NO_MEMORY : ASSAY_UNREADABLE);
            ck_assert_ptr_nonnull(strstr(message, memory ? "out of memory" : strerror(EIO)));
            ck_assert_str_eq((char *)bytes, "old");
        } else {
            ck_assert_int_eq(status, ASSAY_OK);
            ck_assert_uint_gt(size, 44);
        }
        free(bytes);
        ck_assert_uint_eq(io_file_count(), 1);
    }
    ck_assert(done);
    ck_assert_uint_gt(memory_failures, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("safetensors");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 1200);
    tcase_add_checked_fixture(tests, io_clear, io_clear);
    tcase_add_test(tests, reads_tensors);
    tcase_add_test(tests, reads_unusual_files);
    tcase_add_test(tests, refuses_broken_beginnings);
    tcase_add_test(tests, refuses_broken_headers);
    tcase_add_test(tests, refuses_zero_bytes);
    tcase_add_test(tests, refuses_deep_nesting);
    tcase_add_test(tests, refuses_multiplied_data);
    tcase_add_test(tests, refuses_every_truncation);
    tcase_add_test(tests, survives_every_flip);
    tcase_add_test(tests, survives_lack_of_memory);
    tcase_add_test(tests, writes_given_order);
    tcase_add_test(tests, reads_what_it_writes);
    tcase_add_test(tests, refuses_tensors);
    tcase_add_test(tests, refuses_metadata);
    tcase_add_test(tests, keeps_old_file_on_failure);
    suite_add_tcase(suite, tests);
    return io_run(suite);
}
