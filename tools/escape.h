/* Text that may hold any bytes, such as the name of a file, in formats that do not take all of them. */
#ifndef ASSAY_TOOLS_ESCAPE_H
#define ASSAY_TOOLS_ESCAPE_H

#include <stdio.h>

enum escape {
    ESCAPE_LINE,     /* one line of UTF-8 */
    ESCAPE_XML,      /* text or the value of an attribute */
    ESCAPE_MARKDOWN, /* text, in a table too */
    ESCAPE_GITHUB,   /* the message of a workflow command */
};

/* Writes the text: control characters, line ends among them, bytes that are no UTF-8 and what XML lacks as \xNN, and what
 * means something in the format as the format writes it. */
void escape_to(FILE *to, enum escape how, const char *text);

/* Writes it as code in Markdown. */
void escape_markdown_code(FILE *to, const char *text);

#endif
