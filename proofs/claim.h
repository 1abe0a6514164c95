/* The proof ledger: claims, and the evidence that a run of one gathers.
 *
 * A claim is a pair of files, proofs/NAME.md (statement, assumptions, proof or citation) and proofs/NAME.c (a
 * program that certifies it on instances, in the exact or outward-rounded arithmetic of real.h). No binary64
 * comparison decides anything but what is labelled as measured. */
#ifndef ASSAY_PROOFS_CLAIM_H
#define ASSAY_PROOFS_CLAIM_H

#include "matrix.h"

enum claim_status {
    CLAIM_PROVED,   /* proof in the text, inequality certified on instances */
    CLAIM_CHECKED,  /* certified on instances only */
    CLAIM_MEASURED, /* a rate, with a confidence interval: no proof */
    CLAIM_REFUTED,  /* a certified counterexample */
    CLAIM_VACUOUS,  /* true, but says nothing: with the number that shows it */
};
extern const char *const claim_status_names[];

enum {
    ITEM_TEXT = 112,
    ITEM_MOST = 48,
    VALUE_TEXT = 96,
    SLACK_TEXT = ITEM_TEXT + VALUE_TEXT,
    SERIES_MOST = 4,
    SERIES_POINTS = 12
};

enum item_kind {
    ITEM_INEQUALITY, /* 0 <= slack, certified in every instance */
    ITEM_EQUALITY,   /* both sides are one fraction, or no further apart than their enclosures */
    ITEM_FACT,       /* a statement that was decided */
    ITEM_NUMBER,     /* a certified enclosure */
    ITEM_COUNTER,    /* a counter-check: what must fail, and did, certified */
    ITEM_MEASURED,   /* a number without proof */
};
enum verdict { VERDICT_HOLDS, VERDICT_FAILS, VERDICT_UNDECIDED };

/* All instances of one statement. */
struct item {
    enum item_kind kind;
    char what[ITEM_TEXT];
    size_t count; /* of instances */
    enum verdict verdict;
    bool exact;             /* every instance was decided between fractions */
    double least, most;     /* bounds, rounded outward, of the number; or of the least slack */
    char value[VALUE_TEXT]; /* the same in words */
};

/* What a measured rate plots, log against log, with the half widths of its confidence intervals. */
struct series {
    char name[ITEM_TEXT];
    size_t count;
    double x[SERIES_POINTS], y[SERIES_POINTS], half_width[SERIES_POINTS];
};

/* What one run found; plain memory, so that it can be handed from process to process. */
struct findings {
    size_t count;
    struct item items[ITEM_MOST];
    size_t series_count;
    struct series series[SERIES_MOST];
    long bits; /* of the arithmetic that decided it */
    double seconds;
    enum verdict verdict;
    char message[ASSAY_MESSAGE_SIZE]; /* why a run broke off; or empty */
};

struct evidence {
    struct field field; /* first: &e->field makes numbers */
    bool quick;
    struct findings *found;
};

struct claim {
    const char *id, *family;
    const char *statement; /* in one line */
    const char *source;
    enum claim_status status;
    const char *name; /* proofs/NAME.md, proofs/NAME.c */
    void (*run)(struct evidence *e);
};

extern const struct claim *const claims[];
extern const size_t claim_count;
/* The claim of that id, in any case of letters; or NULL. */
const struct claim *claim_find(const char *id);
/* The lines of proofs/NAME.md, ended by NULL. */
const char *const *claim_text(const char *name);

/* Runs the claim with 128 bits, and twice as many as long as anything is undecided, up to 2048. Errors: as work_run(),
 * in findings->message too. */
assay_status claim_run(const struct claim *claim, struct findings *found, bool quick, const assay_options *options);
/* The items decide: FAILS if any fails, or there is none; and without a counter-check (the counterexample, if refuted),
 * or, if vacuous, the number that shows it. */
enum verdict claim_verdict(const struct claim *claim, const struct findings *found);
/* What the run comes down to: the least slack of the inequalities, or that all are equalities; of refuted, vacuous and
 * measured claims the first counter-check, first number or last measurement, by name. */
void claim_slack(char *text, size_t size, const struct claim *claim, const struct findings *found);

/* ---- for the programs ---------------------------------------------------------------------------------------- */

/* How many instances: `usual`, or `quick` of them. */
size_t instances(const struct evidence *e, size_t usual, size_t quick);

/* 0 <= slack. */
void certify(struct evidence *e, const char *what, real slack);
/* x = y: fractions are compared; enclosures must meet and be narrower than 2^-(prec / 3) of 1 + |x|. */
void certify_equal(struct evidence *e, const char *what, real x, real y);
/* Equal matrices, entry by entry. */
void certify_same(struct evidence *e, const char *what, struct matrix x, struct matrix y);
/* A decision made otherwise, by exact arithmetic. */
void certify_fact(struct evidence *e, const char *what, bool holds);
/* Must be negative: the slack of an inequality that is false. */
void must_fail(struct evidence *e, const char *what, real slack);
/* Must differ, certified. */
void must_differ(struct evidence *e, const char *what, real x, real y);
/* Reports an enclosure; and one that must round to the printed decimal: |x - printed| <= half a unit of its last
 * digit. */
void number(struct evidence *e, const char *what, real x);
void number_printed(struct evidence *e, const char *what, real x, const char *printed);
/* Reports what was measured: value +- half_width; it must lie in least .. most. */
void measured(struct evidence *e, const char *what, double value, double half_width, double least, double most);

/* A point of the plot. */
void plot_point(struct evidence *e, const char *name, double x, double y, double half_width);

/* instance(e, k) for k = 0 .. count - 1, each in memory that is given back. */
void each(struct evidence *e, size_t count, void (*instance)(struct evidence *e, size_t k));

#endif
