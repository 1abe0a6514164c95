/* What is written is well-formed, whatever the text; and the text itself, where that can stand as it is. */
#include "support.h"

#include "escape.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The text as it comes out, or as code in Markdown; to be freed. */
static char *escaped(enum escape how, const char *text, bool code)
{
    char *out = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&out, &size);
    ck_assert_ptr_nonnull(to);
    if (code)
        escape_markdown_code(to, text);
    else
        escape_to(to, how, text);
    ck_assert_int_eq(fclose(to), 0);
    ck_assert_uint_eq(strlen(out), size);
    return out;
}

static void becomes(enum escape how, const char *text, const char *expected)
{
    char *out = escaped(how, text, false);
    ck_assert_str_eq(out, expected);
    free(out);
}

START_TEST(each_format_has_its_own)
{
    becomes(ESCAPE_LINE, "a&<>\"%|`*\\ \xc3\xa4", "a&<>\"%|`*\\ \xc3\xa4");
    becomes(ESCAPE_XML, "a&<>\"%|`*", "a&amp;&lt;&gt;&quot;%|`*");
    becomes(ESCAPE_GITHUB, "100 %: &\n", "100 %25: &\\x0a");
    becomes(ESCAPE_MARKDOWN, "a|b*c_d`<e>[f]~&\\.", "a\\|b\\*c\\_d\\`\\<e>\\[f]\\~\\&\\\\.");
    becomes(ESCAPE_MARKDOWN, "\x1b", "\\\\x1b");
    for (int how = ESCAPE_LINE; how <= ESCAPE_GITHUB; how++)
        becomes((enum escape)how, "", "");
}
END_TEST

START_TEST(control_characters_and_what_is_no_utf8_are_shown)
{
    becomes(ESCAPE_LINE, "a\nb\tc\r\x1b[0m\x7f", "a\\x0ab\\x09c\\x0d\\x1b[0m\\x7f");
    becomes(ESCAPE_XML, "\xff<\x80", "\\xff&lt;\\x80");
    becomes(ESCAPE_LINE, "\xc3", "\\xc3");                              /* cut off */
    becomes(ESCAPE_LINE, "\xe2\x82", "\\xe2\\x82");                     /* cut off */
    becomes(ESCAPE_LINE, "\xc0\xaf \xc1\xbf", "\\xc0\\xaf \\xc1\\xbf"); /* longer than need be */
    becomes(ESCAPE_LINE, "\xed\xa0\x80", "\\xed\\xa0\\x80");            /* a surrogate */
    becomes(ESCAPE_LINE, "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");   /* beyond U+10FFFF */
    becomes(ESCAPE_XML, "\xef\xbf\xbf\xef\xbf\xbe", "\\xef\\xbf\\xbf\\xef\\xbf\\xbe");
    becomes(ESCAPE_XML, "\xef\xbf\xbd\xf0\x9f\x98\x80\xed\x9f\xbf", "\xef\xbf\xbd\xf0\x9f\x98\x80\xed\x9f\xbf");
}
END_TEST

/* Random bytes, half of them such as begin or continue characters: what comes out is UTF-8 to jansson, without control
 * characters; and it is the text if that is so itself. */
START_TEST(random_bytes_come_out_as_utf8)
{
    static const unsigned char often[] = {0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0,
                                          0xf4, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbd};
    uint64_t state = 20;
    size_t same = 0, changed = 0;
    for (size_t n = 0; n < rounds(100000); n++) {
        char text[8] = "";
        for (size_t k = 0; k < 1 + n % 7; k++)
            text[k] = random_below(&state, 2) ? (char)often[random_below(&state, sizeof often)]
                                              : (char)(1 + random_below(&state, 255));
        char *out = escaped(ESCAPE_LINE, text, false);
        json_t *before = json_string(text), *after = json_string(out);
        ck_assert_ptr_nonnull(after);
        bool plain = before && !strstr(text, "\xef\xbf\xbe") && !strstr(text, "\xef\xbf\xbf");
        for (const char *c = text; *c; c++)
            plain = plain && (unsigned char)*c >= ' ' && *c != 0x7f;
        ck_assert_int_eq(strcmp(out, text) == 0, plain);
        same += plain;
        changed += !plain;
        json_decref(before);
        json_decref(after);
        free(out);
    }
    ck_assert(same > 0 && changed > 0);
}
END_TEST

/* The fence is longer than any run of backticks inside. */
START_TEST(code_is_fenced)
{
    static const struct {
        const char *text, *code;
    } these[] = {
        {"a | b*", "`a | b*`"}, {"", "``"}, {"`", "`` ` ``"}, {"a``b`c", "``` a``b`c ```"}, {"a\nb", "`a\\x0ab`"}};
    for (size_t k = 0; k < sizeof these / sizeof these[0]; k++) {
        char *out = escaped(ESCAPE_LINE, these[k].text, true);
        ck_assert_str_eq(out, these[k].code);
        free(out);
    }
}
END_TEST

RUN_TESTS("escape", TEST(each_format_has_its_own), TEST(control_characters_and_what_is_no_utf8_are_shown),
          TEST(random_bytes_come_out_as_utf8), TEST(code_is_fenced))
