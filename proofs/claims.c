#include "claims.h"
#include "claim.h"

#include <string.h>

#define DECLARE(name) extern const struct claim claim_##name;
CLAIMS(DECLARE)

#define ADDRESS(name) &claim_##name,
const struct claim *const claims[] = {CLAIMS(ADDRESS)};
const size_t claim_count = sizeof claims / sizeof claims[0];

/* Made by the Makefile from proofs/NAME.md: names and lines. */
struct claim_text {
    const char *name;
    const char *const *lines;
};
extern const struct claim_text claim_texts[];

const char *const *claim_text(const char *name)
{
    const struct claim_text *t = claim_texts;
    while (t->name && strcmp(t->name, name) != 0)
        t++;
    return t->lines;
}
