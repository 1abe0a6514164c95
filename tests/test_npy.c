#include "npy.h"

#include "io_support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char message[ASSAY_MESSAGE_SIZE];

/* The content of a file. */
struct content {
    unsigned char bytes[70000];
    size_t size;
};

static struct content content;

static void append(const void *bytes, size_t size)
{
    ck_assert_uint_le(content.size + size, sizeof content.bytes);
    memcpy(content.bytes + content.size, bytes, size);
    content.size += size;
}

/* Starts the content with this version and header. */
static void begin(unsigned major, unsigned minor, const char *header)
{
    unsigned char length[4];
    content.size = 0;
    append("\x93NUMPY", 6);
    append((unsigned char[]){(unsigned char)major, (unsigned char)minor}, 2);
    bytes_store_little(length, 4, strlen(header));
    append(length, major == 1 ? 2 : 4);
    append(header, strlen(header));
}

static const char *header_of(const char *descr, bool fortran, const char *shape)
{
    static char text[512];
    snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }   \n", descr,
             fortran ? "True" : "False", shape);
    return text;
}

static assay_status parse_plain(struct tensor_file *file, const unsigned char *bytes, size_t size,
                                const struct complaint *to)
{
    return npy_parse(file, bytes, size, false, to);
}

static assay_status parse_bits(struct tensor_file *file, const unsigned char *bytes, size_t size,
                               const struct complaint *to)
{
    return npy_parse(file, bytes, size, true, to);
}

static struct tensor_file parse(void)
{
    struct tensor_file file;
    assay_status status = io_parse(parse_bits, &file, content.bytes, content.size, message);
    ck_assert_msg(status == ASSAY_OK, "%s", message);
    ck_assert_uint_eq(file.count, 1);
    ck_assert_uint_eq(file.metadata_count, 0);
    ck_assert_str_eq(file.tensors[0].name, "");
    return file;
}

/* The header is one of three entries 1, -2, 0.5 in little-endian binary64. */
static void accept_header(unsigned major, const char *header)
{
    static const unsigned char entries[24] = {[6] = 0xf0, 0x3f, [15] = 0xc0, [22] = 0xe0, 0x3f};
    begin(major, 0, header);
    append(entries, sizeof entries);
    struct tensor_file file = parse();
    const struct tensor *x = file.tensors;
    ck_assert(x->type == TENSOR_F64 && x->ndim == 1 && x->shape[0] == 3 && x->count == 3);
    ck_assert(x->at[0] == 1 && x->at[1] == -2 && x->at[2] == 0.5);
    tensors_free(&file);
}

/* All three versions, and every way to write the same dict in Python that is still one of its simplest
 * literals. */
START_TEST(accepts_spellings)
{
    static const char *const headers[] = {
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }                 \n",
        "{'descr': '<f8', 'fortran_order': True, 'shape': (3,)}\n",
        "{\"descr\": \"<f8\", \"fortran_order\": False, \"shape\": (3,)}\n",
        "{'shape':(3,),'fortran_order':False,'descr':'<f8'}",
        " {\t'fortran_order' :\nFalse ,'shape' : ( 3 , ) , 'descr' : '<f8' , } \r\n ",
    };
    for (unsigned major = 1; major <= 3; major++)
        for (size_t k = 0; k < sizeof headers / sizeof *headers; k++)
            accept_header(major, headers[k]);
}
END_TEST

/* A header longer than version 1.0 allows. */
START_TEST(accepts_long_header)
{
    static char header[66001];
    memset(header, ' ', sizeof header - 1);
    const char *text = header_of("<f8", false, "(3,)");
    memcpy(header, text, strlen(text));
    accept_header(2, header);
}
END_TEST

static bool host_is_little(void)
{
    return *(const unsigned char *)&(const uint16_t){1} == 1;
}

/* One entry in each byte order: '=' and '|' are the machine's. */
START_TEST(reads_byte_orders)
{
    static const struct {
        const char *dtype;
        unsigned char big[8];
        double value;
    } cases[] = {{"f8", {0xc0, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18}, -0x1.921fb54442d18p1},
                 {"f4", {0x00, 0x00, 0x00, 0x01}, 0x1p-149},
                 {"f2", {0xbc, 0x01}, -0x1.004p0},
                 {"u2", {0xbf, 0x81}, -0x1.02p0}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        for (const char *order = "<>=|"; *order; order++) {
            char descr[8];
            snprintf(descr, sizeof descr, "%c%s", *order, cases[k].dtype);
            begin(1, 0, header_of(descr, false, "()"));
            size_t size = (size_t)(cases[k].dtype[1] - '0');
            bool little = *order == '<' || (*order != '>' && host_is_little());
            for (size_t i = 0; i < size; i++)
                append(&cases[k].big[little ? size - 1 - i : i], 1);
            struct tensor_file file = parse();
            ck_assert_uint_eq(file.tensors->ndim, 0);
            ck_assert_uint_eq(file.tensors->count, 1);
            ck_assert_uint_eq(io_bits(file.tensors->at[0]), io_bits(cases[k].value));
            tensors_free(&file);
        }
    }
}
END_TEST

static void check_shape(size_t ndim, const size_t *shape, bool fortran)
{
    char text[128] = "(";
    size_t count = 1, used = 1;
    for (size_t d = 0; d < ndim; d++) {
        used += (size_t)sprintf(text + used, "%zu,", shape[d]);
        count *= shape[d];
    }
    strcpy(text + used, ")");
    begin(1, 0, header_of("<f8", fortran, text));
    for (size_t place = 0; place < count; place++) {
        unsigned char bytes[8];
        bytes_store_little(bytes, 8, io_bits((double)place));
        append(bytes, 8);
    }
    struct tensor_file file = parse();
    const struct tensor *x = file.tensors;
    ck_assert_uint_eq(x->ndim, ndim);
    ck_assert_uint_eq(x->count, count);
    for (size_t d = 0; d < ndim; d++)
        ck_assert_uint_eq(x->shape[d], shape[d]);
    size_t index[TENSOR_MAX_DIMS] = {0};
    for (size_t k = 0; k < count; k++) {
        size_t place = 0; /* by Horner, over the dimensions from the slowest to the fastest */
        for (size_t d = 0; d < ndim; d++) {
            size_t e = fortran ? ndim - 1 - d : d;
            place = place * shape[e] + index[e];
        }
        ck_assert_uint_eq((size_t)x->at[k], place);
        for (size_t d = ndim; d-- > 0 && ++index[d] == shape[d];)
            index[d] = 0;
    }
    tensors_free(&file);
}

/* Shapes of no to eight dimensions, with and without zeros, in both orders; entry k is the number of its
 * place. */
START_TEST(reads_shapes_and_orders)
{
    static const size_t shapes[][9] = {{0},          {1, 5},          {1, 0},
                                       {2, 3, 4},    {2, 0, 4},       {2, 4, 0},
                                       {3, 2, 3, 4}, {4, 1, 1, 7, 1}, {8, 2, 3, 1, 2, 2, 1, 3, 2},
                                       {8}};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
        for (int fortran = 0; fortran <= 1; fortran++)
            check_shape(shapes[k][0], shapes[k] + 1, fortran);
}
END_TEST

/* Broken headers, each with what the sentence must say. The entries are 24 bytes, and must not be taken for the
 * rest of the header, whatever they are. */
START_TEST(refuses_broken_headers)
{
    static const struct {
        const char *header, *part;
    } cases[] = {
        {"", "byte 10: the header should have a dict here"},
        {"   ", "byte 13: the header should have a dict"},
        {"[]", "byte 10: the header should have a dict"},
        {"{", "byte 11: the header should have a string"},
        {"{}", "byte 11: the dict ends without the key descr"},
        {"{,}", "byte 11: the header should have a string"},
        {"{'descr'", "byte 18: the header should have a colon"},
        {"{'descr", "byte 11: the header should have a string that ends"},
        {"{'descr\"", "byte 11: the header should have a string that ends"},
        {"{'descr':", "byte 19: the header should have a string"},
        {"{'descr':3}", "byte 19: the header should have a string"},
        {"{'descr':None}", "byte 19: the header should have a string"},
        {"{'descr':'<f8'", "byte 24: the header should have a comma or a closing brace"},
        {"{'descr':'<f8';}", "byte 24: the header should have a comma or a closing brace"},
        {"{'descr':'<f8',,}", "byte 25: the header should have a string"},
        {"{'descr':'<f8'}", "byte 24: the dict ends without the key fortran_order"},
        {"{'shape':(3,)}", "byte 23: the dict ends without the key descr"},
        {"{'descr':'<f8','fortran_order':False}", "byte 46: the dict ends without the key shape"},
        {"{'descr':'<f8','fortran_order':False,'shape':(3,)", "should have a comma or a closing brace"},
        {"{'descr':'<f8','fortran_order':False,'shape':(3,)}x", "should have nothing but padding"},
        {"{'descr':'<f8','fortran_order':False,'shape':(3,)}}", "should have nothing but padding"},
        {"{'descr':'<f8','fortran_order':False,'shape':(3,),'x':1}", "byte 60: unknown key x"},
        {"{'descr':'<f8','descr':'<f8','fortran_order':False,'shape':(3,)}", "byte 25: second key descr"},
        {"{'fortran_order':False,'fortran_order':True}", "byte 33: second key fortran_order"},
        {"{'shape':(3,),'shape':(3,)}", "byte 24: second key shape"},
        {"{'Descr':'<f8'}", "byte 11: unknown key Descr"},
        {"{'desc':'<f8'}", "byte 11: unknown key desc"},
        {"{'descr\\x00':'<f8'}", "byte 11: unknown key descr\\x00"},
        {"{'':'<f8'}", "byte 11: unknown key "},
        {"{b'descr':'<f8'}", "byte 11: the header should have a string"},
        {"{'\xff\x1b[2J':1}", "byte 11: unknown key \\xff\\x1b[2J"},
        {"{'fortran_order':0}", "byte 27: the header should have True or False"},
        {"{'fortran_order':true}", "byte 27: the header should have True or False"},
        {"{'fortran_order':Tru", "byte 27: the header should have True or False"},
        {"{'fortran_order':Truest}", "byte 31: the header should have a comma or a closing brace"},
        {"{'shape':3}", "byte 19: the header should have a tuple"},
        {"{'shape':[3]}", "byte 19: the header should have a tuple"},
        {"{'shape':(3)}", "byte 21: the header should have a comma, without which this is no tuple"},
        {"{'shape':(,)}", "byte 20: the header should have a dimension"},
        {"{'shape':(3,,)}", "byte 22: the header should have a dimension"},
        {"{'shape':(3", "byte 21: the header should have a comma, without which"},
        {"{'shape':(3,", "byte 22: the header should have a dimension"},
        {"{'shape':(3 4)}", "byte 22: the header should have a comma, without which"},
        {"{'shape':(3,4 5)}", "byte 24: the header should have a comma or a closing parenthesis"},
        {"{'shape':(-3,)}", "byte 20: the header should have no negative dimension"},
        {"{'shape':(+3,)}", "byte 20: the header should have a dimension"},
        {"{'shape':(3.0,)}", "byte 21: the header should have a comma"},
        {"{'shape':(3L,)}", "byte 21: the header should have a comma"},
        {"{'shape':(0x3,)}", "byte 21: the header should have a comma"},
        {"{'shape':(1_0,)}", "byte 21: the header should have a comma"},
        {"{'shape':(03,)}", "byte 22: the header should have no dimension that begins with 0"},
        {"{'shape':('3',)}", "byte 20: the header should have a dimension"},
        {"{'shape':((3,),)}", "byte 20: the header should have a dimension"},
        {"{'shape':(18446744073709551616,)}", "byte 39: the header should have a dimension below 2^64"},
        {"{'shape':(99999999999999999999999999999,)}", "the header should have a dimension below 2^64"},
        {"{'shape':(1,1,1,1,1,1,1,1,1)}", "byte 36: the header should have at most 8 dimensions"},
        {"{'descr':'<f8','fortran_order':False,'shape':(2,)}", "byte 60: the shape needs 16 bytes from here, the file "
                                                               "has 24"},
        {"{'descr':'<f8','fortran_order':False,'shape':(4,)}", "the shape needs 32 bytes from here, the file has 24"},
        {"{'descr':'<f8','fortran_order':False,'shape':(3,0)}", "the shape needs 0 bytes from here, the file has 24"},
        {"{'descr':'<f4','fortran_order':False,'shape':(3,)}", "the shape needs 12 bytes from here, the file has 24"},
        {"{'descr':'<f8','fortran_order':False,'shape':()}", "the shape needs 8 bytes from here, the file has 24"},
        {"{'descr':'<f8','fortran_order':False,'shape':(18446744073709551615,)}", "product of the dimensions is too"},
        {"{'descr':'<f8','fortran_order':False,'shape':(2305843009213693955,)}", "product of the dimensions is too"},
        {"{'descr':'<f8','fortran_order':False,'shape':(4294967296,4294967296,3)}", "product of the dimensions is"},
        {"{'descr':'<f8','fortran_order':False,'shape':(0,18446744073709551615)}", "product of the dimensions is"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        for (const char *fill = "\1 49'\"):,}T"; *fill; fill++) {
            unsigned char entries[24];
            memset(entries, *fill, sizeof entries);
            begin(1, 0, cases[k].header);
            append(entries, sizeof entries);
            io_refused(parse_plain, content.bytes, content.size, cases[k].part);
        }
    }
}
END_TEST

/* Dtypes of numpy that are not ours are named, with those that are. */
START_TEST(names_other_dtypes)
{
    static const char *const dtypes[] = {"<f16",    "<f1", "<c8", "<c16", "<i8",     "<u2", "|u1", "|b1",
                                         "|O",      "<U7", "|S3", "|V2",  "<M8[ns]", "f8",  "",    "<",
                                         "float64", "<f",  "<F8", "!f8",  "<f8 ",    "<f80"};
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++) {
        char part[128];
        begin(1, 0, header_of(dtypes[k], false, "()"));
        snprintf(part, sizeof part, "byte 20: dtype %s is not supported, only f2, f4 and f8", dtypes[k]);
        io_refused(parse_plain, content.bytes, content.size, part);
    }
    begin(1, 0, header_of("<i2", false, "()"));
    io_refused(parse_bits, content.bytes, content.size,
               "dtype <i2 is not supported, only f2, f4, u2 (bfloat16) and f8");
    begin(1, 0, "{'descr': [('x', '<f4'), ('y', '<f4')], 'fortran_order': False, 'shape': (3,), }");
    io_refused(parse_plain, content.bytes, content.size,
               "byte 20: dtype [('x', '<f4'), ('y', '<f4')], 'fortran_order': False, 'shape': (3,), } is not "
               "supported");
}
END_TEST

/* What comes before the header: magic, version, length. */
START_TEST(refuses_broken_beginnings)
{
    io_refused(parse_plain, "", 0, "byte 0: the magic of a .npy file is missing");
    io_refused(parse_plain, "\x93NUMP", 5, "byte 0: the magic of a .npy file is missing");
    io_refused(parse_plain, "\x93NUMPy\1\0\0\0", 10, "byte 0: the magic of a .npy file is missing");
    io_refused(parse_plain, "\x93NUMPY", 6, "byte 6: the file ends before the header");
    io_refused(parse_plain, "\x93NUMPY\1\0\0", 9, "byte 9: the file ends before the header");
    io_refused(parse_plain, "\x93NUMPY\2\0\0\0\0", 11, "byte 11: the file ends before the header");
    io_refused(parse_plain, "\x93NUMPY\0\0\0\0", 10, "byte 6: version 0.0 is none of 1.0, 2.0 and 3.0");
    io_refused(parse_plain, "\x93NUMPY\1\1\0\0", 10, "byte 6: version 1.1 is none of 1.0, 2.0 and 3.0");
    io_refused(parse_plain, "\x93NUMPY\4\0\0\0\0\0", 12, "byte 6: version 4.0 is none of 1.0, 2.0 and 3.0");
    io_refused(parse_plain, "\x93NUMPY\1\0\1\0", 10, "byte 10: header length 1 exceeds the file's 10 bytes");
    io_refused(parse_plain, "\x93NUMPY\1\0\xff\xff{}", 12, "byte 10: header length 65535 exceeds the file's 12 bytes");
    io_refused(parse_plain, "\x93NUMPY\3\0\xff\xff\xff\xff{}", 14,
               "byte 12: header length 4294967295 exceeds the file's 14 bytes");
}
END_TEST

static void small_file(unsigned major)
{
    begin(major, 0, header_of("<f4", false, "(2, 3)"));
    append("\0\0\x80\x3f\0\0\0\xc0\0\0\0\0\1\0\0\0\0\0\x80\x7f\0\0\0\x80", 24);
}

/* No prefix of a file is a file, nor is a file with more bytes behind it. */
START_TEST(refuses_every_truncation)
{
    for (unsigned major = 1; major <= 3; major++) {
        small_file(major);
        for (size_t size = 0; size < content.size; size++)
            ck_assert_int_eq(io_try(parse_plain, content.bytes, size), ASSAY_UNREADABLE);
        ck_assert_int_eq(io_try(parse_plain, content.bytes, content.size), ASSAY_OK);
        append("", 1);
        io_refused(parse_plain, content.bytes, content.size, "the shape needs 24 bytes from here, the file has 25");
    }
}
END_TEST

/* Every byte replaced by every other: refused in one sentence, or something sensible, and never a byte out of
 * bounds. */
START_TEST(survives_every_flip)
{
    size_t refused = 0, accepted = 0;
    for (unsigned major = 1; major <= 2; major++) {
        small_file(major);
        for (size_t k = 0; k < content.size; k++) {
            unsigned char old = content.bytes[k];
            for (unsigned flip = 1; flip < 256; flip++) {
                content.bytes[k] = (unsigned char)(old ^ flip);
                if (io_try(parse_plain, content.bytes, content.size) == ASSAY_OK)
                    accepted++;
                else
                    refused++;
            }
            content.bytes[k] = old;
        }
    }
    ck_assert_uint_gt(refused, 10000);
    ck_assert_uint_gt(accepted, 2 * 24 * 255 - 1); /* all changes to the entries at least */
}
END_TEST

/* Whichever allocation fails, nothing leaks, and the status says what it was. */
START_TEST(survives_lack_of_memory)
{
    struct tensor_file file;
    const struct complaint to = {"x", NULL, message, sizeof message};
    small_file(1);
    for (size_t n = 1; n <= 3; n++) {
        io_fail(n);
        assay_status status = npy_parse(&file, content.bytes, content.size, false, &to);
        ck_assert_ptr_nonnull(io_fail(0));
        ck_assert_int_eq(status, ASSAY_NO_MEMORY);
        ck_assert_ptr_nonnull(strstr(message, "out of memory"));
    }
    io_fail(4);
    assay_status status = npy_parse(&file, content.bytes, content.size, false, &to);
    ck_assert_ptr_null(io_fail(0));
    ck_assert_int_eq(status, ASSAY_OK);
    tensors_free(&file);
}
END_TEST

static double values[] = {1.5, -2, 0.0, -0.0, 0x1p-24, INFINITY};

static struct tensor sample(enum tensor_type type)
{
    return (struct tensor){.name = NULL, .type = type, .ndim = 2, .shape = {2, 3}, .count = 6, .at = values};
}

/* The bytes are those of numpy.save(). */
START_TEST(writes_what_numpy_writes)
{
    static const char header[] = "\x93NUMPY\1\0\x76\0{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }";
    static const unsigned char entries[] = {0, 0x3e, 0, 0xc0, 0, 0, 0, 0x80, 1, 0, 0, 0x7c};
    const struct tensor x = sample(TENSOR_F16);
    ck_assert_int_eq(npy_write(io_path("f"), &x, message, sizeof message), ASSAY_OK);
    size_t size;
    unsigned char *bytes = io_load(io_path("f"), &size);
    ck_assert_uint_eq(size, 128 + sizeof entries);
    ck_assert_mem_eq(bytes, header, sizeof header - 1);
    for (size_t k = sizeof header - 1; k < 127; k++)
        ck_assert_uint_eq(bytes[k], ' ');
    ck_assert_uint_eq(bytes[127], '\n');
    ck_assert_mem_eq(bytes + 128, entries, sizeof entries);
    free(bytes);
}
END_TEST

static void check_round_trip(const struct tensor *x)
{
    struct tensor_file file;
    ck_assert_int_eq(npy_write(io_path("f"), x, message, sizeof message), ASSAY_OK);
    ck_assert_int_eq(tensors_read(&file, io_path("f"), message, sizeof message), ASSAY_OK);
    const struct tensor *y = file.tensors;
    ck_assert(y->type == x->type && y->ndim == x->ndim && y->count == x->count);
    for (size_t d = 0; d < x->ndim; d++)
        ck_assert_uint_eq(y->shape[d], x->shape[d]);
    for (size_t k = 0; k < x->count; k++)
        ck_assert_uint_eq(io_bits(y->at[k]), io_bits(x->at[k]));
    tensors_free(&file);
}

START_TEST(reads_what_it_writes)
{
    static const enum tensor_type types[] = {TENSOR_F64, TENSOR_F32, TENSOR_F16};
    for (size_t k = 0; k < 3; k++) {
        struct tensor x = sample(types[k]);
        check_round_trip(&x);
        x.ndim = 1; /* shape (6,) */
        x.shape[0] = 6;
        check_round_trip(&x);
        x.ndim = 0; /* shape () */
        x.count = 1;
        check_round_trip(&x);
        x.ndim = 8; /* without entries, and with the longest header */
        for (size_t d = 0; d < 8; d++)
            x.shape[d] = d < 2 ? 1000000000 : 1;
        x.shape[7] = x.count = 0;
        check_round_trip(&x);
    }
}
END_TEST

static void refuse_to_write(const struct tensor *x, const char *part)
{
    ck_assert_int_eq(npy_write(io_path("f"), x, message, sizeof message), ASSAY_INVALID);
    ck_assert_msg(strstr(message, part) != NULL, "no '%s': %s", part, message);
    ck_assert_uint_eq(io_file_count(), 0);
}

/* A tensor that cannot be written is refused before any file is made. */
START_TEST(refuses_to_write)
{
    struct tensor x = sample(TENSOR_BF16);
    refuse_to_write(&x, "/f: BF16 has no .npy dtype");
    x = sample(TENSOR_F16);
    x.count = 5;
    refuse_to_write(&x, "/f: the shape has 6 entries, but count is 5");
    double large[] = {1, 65536};
    x = (struct tensor){.type = TENSOR_F16, .ndim = 1, .shape = {2}, .count = 2, .at = large};
    refuse_to_write(&x, "/f: entry 1 is 65536 (0x1p+16), which is not representable in F16");
}
END_TEST

/* Whichever call fails, the old file stays and no other appears. */
START_TEST(keeps_old_file_on_failure)
{
    const struct tensor x = sample(TENSOR_F32);
    bool done = false;
    io_save(io_path("f"), "old", 3);
    for (size_t n = 1; !done && n < 100; n++) {
        io_fail(n);
        assay_status status = npy_write(io_path("f"), &x, message, sizeof message);
        const char *call = io_fail(0);
        done = !call;
        size_t size;
        unsigned char *bytes = io_load(io_path("f"), &size);
        if (call) {
            bool memory = strcmp(call, "malloc") == 0;
            ck_assert_int_eq(status, memory ? ASSAY_NO_MEMORY : ASSAY_UNREADABLE);
            ck_assert_ptr_nonnull(strstr(message, memory ? "out of memory" : strerror(EIO)));
            ck_assert_str_eq((char *)bytes, "old");
        } else {
            ck_assert_int_eq(status, ASSAY_OK);
            ck_assert_uint_eq(size, 152);
        }
        free(bytes);
        ck_assert_uint_eq(io_file_count(), 1);
    }
    ck_assert(done);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 1200);
    tcase_add_checked_fixture(tests, io_clear, io_clear);
    tcase_add_test(tests, accepts_spellings);
    tcase_add_test(tests, accepts_long_header);
    tcase_add_test(tests, reads_byte_orders);
    tcase_add_test(tests, reads_shapes_and_orders);
    tcase_add_test(tests, refuses_broken_headers);
    tcase_add_test(tests, names_other_dtypes);
    tcase_add_test(tests, refuses_broken_beginnings);
    tcase_add_test(tests, refuses_every_truncation);
    tcase_add_test(tests, survives_every_flip);
    tcase_add_test(tests, survives_lack_of_memory);
    tcase_add_test(tests, writes_what_numpy_writes);
    tcase_add_test(tests, reads_what_it_writes);
    tcase_add_test(tests, refuses_to_write);
    tcase_add_test(tests, keeps_old_file_on_failure);
    suite_add_tcase(suite, tests);
    return io_run(suite);
}
