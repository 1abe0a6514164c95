#include "ziv.h"

/* A pair takes 107 bits of its entry; entries of large matrices are small beside the radius, and the closest of many
 * numbers to a midpoint is close. */
enum { USUAL_BITS = 160 };

/* Returns whether everything is decided; if not, which answer and which entry of it are not. */
static bool round_all(struct work *w, size_t count, struct ball **answers, struct pairs **pairs, size_t *answer,
                      size_t *entry)
{
    for (*answer = 0; *answer < count; ++*answer)
        if (!round_pairs(w, pairs[*answer], answers[*answer], entry))
            return false;
    return true;
}

long ziv_round(struct work *w, const struct ziv *z, long bits, struct pairs **pairs)
{
    struct ball **answers = work_alloc(w, z->count, sizeof *answers);
    size_t answer, entry;
    for (bits = bits > USUAL_BITS ? bits : USUAL_BITS;; bits += bits / 2) {
        z->evaluate(w, z->problem, bits, answers);
        if (round_all(w, z->count, answers, pairs, &answer, &entry))
            return bits;
        if (z->settle) {
            z->settle(w, z->problem, answers);
            if (round_all(w, z->count, answers, pairs, &answer, &entry))
                return bits;
        }
        if (bits > w->max_bits)
            break;
    }
    const struct ball *a = answers[answer];
    if (entry == ball_count(a))
        work_fail(w, ASSAY_UNDECIDED, "the radius of the answer is not decided by %ld bits, nor by proof", bits);
    work_fail(w, ASSAY_UNDECIDED, "entry (%zu, %zu) of the answer is not decided by %ld bits, nor by proof",
              entry / a->cols, entry % a->cols, bits);
}
