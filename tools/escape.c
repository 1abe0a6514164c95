#include "escape.h"

#include <stdbool.h>
#include <string.h>

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* How many bytes the character at the start of the text has; 0 if it is to be escaped: a control character, no UTF-8 (RFC
 * 3629: nothing longer than need be, no surrogates, nothing beyond U+10FFFF), or U+FFFE or U+FFFF, which XML lacks. */
static size_t character_size(const char *text)
{
    unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];
    if (first < 0x80)
        return first >= ' ' && first != 0x7f;
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    for (size_t k = 1; k < size; k++)
        if (!continues(text[k]))
            return 0;
    bool longer = first < 0xc2 || (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool surrogate = first == 0xed && second >= 0xa0, beyond = first > 0xf4 || (first == 0xf4 && second >= 0x90);
    bool no_character = memcmp(text, "\xef\xbf\xbe", size) == 0 || memcmp(text, "\xef\xbf\xbf", size) == 0;
    return longer || surrogate || beyond || no_character ? 0 : size;
}

/* What stands for a character that means something in the format, or NULL. */
static const char *entity(enum escape how, char c)
{
    static const struct {
        enum escape how;
        char c;
        const char *text;
    } entities[] = {{ESCAPE_XML, '&', "&amp;"},
                    {ESCAPE_XML, '<', "&lt;"},
                    {ESCAPE_XML, '>', "&gt;"},
                    {ESCAPE_XML, '"', "&quot;"},
                    {ESCAPE_GITHUB, '%', "%25"}};
    for (size_t k = 0; k < sizeof entities / sizeof entities[0]; k++)
        if (entities[k].how == how && entities[k].c == c)
            return entities[k].text;
    return NULL;
}

void escape_to(FILE *to, enum escape how, const char *text)
{
    for (size_t size; *text; text += size > 0 ? size : 1) {
        const char *other = entity(how, *text);
        size = character_size(text);
        if (size == 0)
            fprintf(to, how == ESCAPE_MARKDOWN ? "\\\\x%02x" : "\\x%02x", (unsigned char)*text);
        else if (other)
            fputs(other, to);
        else
            fprintf(to, "%s%.*s", how == ESCAPE_MARKDOWN && strchr("\\`*_<[|&~", *text) ? "\\" : "", (int)size, text);
    }
}

/* Between more backticks than there are in a row in the text. */
void escape_markdown_code(FILE *to, const char *text)
{
    size_t most = 0;
    for (const char *at = text; *at; at += *at != '\0') {
        size_t run = strspn(at, "`");
        most = run > most ? run : most;
        at += run;
    }
    const char *space = most > 0 ? " " : "";
    for (size_t k = 0; k <= most; k++)
        fputc('`', to);
    fputs(space, to);
    escape_to(to, ESCAPE_LINE, text);
    fputs(space, to);
    for (size_t k = 0; k <= most; k++)
        fputc('`', to);
}
