"""Deliberate mistakes in the fast kernels, one at a time: does assay gate see every one of them?

usage: mutants.py [--short] [--only WORDS] [--out PROGRAM] [--set DIR] [--jobs N]
                  --build DIR --compile COMMAND --libraries FLAGS OBJECT...

Each mutant is one replacement of text in one file of fast/. That file is compiled again, the command linked from it and
all other objects, and `assay gate --fuzz 0` run, which must exit with 1 because of at least two cases (large ones are
tried where those of the set do not do). Mistakes "of tiles" are tried with the instructions of AMX emulated; those of axes that
no case of the set has, by random ones. What the gate must admit is listed with the reason why, and must pass. Exit 0 if all is
so, 1 if not. Needs Python alone.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import shlex
import subprocess
import sys
import time

NS, GRAM, COSH, MOMENTUM, STEP, PLAN, POST, POLAR, LMO, GEMM, INC, TILES = (
    f"fast/{name}" for name in ("newton_schulz.c", "gram_form.c", "cosh_rms.c", "momentum.c", "step.c", "plan.c", "post.c", "polar.c",
                                "lmo.c", "gemm.c", "kernels.inc", "kernels_amx_bf16.c"))

# Those of the short form: quickly compiled, each in another file.
SHORT = {
    "a of each triple 1e-3 too large",
    "Nesterov's lerp with the raw gradient",
    "cosh-RMS: mean square without root",
    "decoupled decay does nothing",
    "symmetric half not mirrored",
}

# What is wrong, where, the text, and what takes its place.
MUTANTS = [
    # ---- Newton-Schulz: coefficients and steps
    ("a of each triple 1e-3 too large", NS, "x, p.a, x, 0", "x, p.a + 1e-3, x, 0"),
    ("b of each triple 1e-3 too large", NS, "&a, p.b, &a, SYMMETRIC", "&a, p.b + 1e-3, &a, SYMMETRIC"),
    ("c of each triple 1e-3 too large", NS, "&s, p.c, &a", "&s, p.c + 1e-3, &a"),
    ("a and b swapped", NS, "direct_step(it, assay_dialect_triple(d, k++), &x, &y);",
     "{ struct assay_triple t = assay_dialect_triple(d, k++);\n"
     "direct_step(it, (struct assay_triple){t.b, t.a, t.c}, &x, &y); }"),
    ("b and c swapped", NS, "direct_step(it, assay_dialect_triple(d, k++), &x, &y);",
     "{ struct assay_triple t = assay_dialect_triple(d, k++);\n"
     "direct_step(it, (struct assay_triple){t.a, t.c, t.b}, &x, &y); }"),
    ("one step too few", NS, "k < assay_dialect_steps(d);", "k + 1 < assay_dialect_steps(d);"),
    ("one step too many", NS, "k < assay_dialect_steps(d);", "k < assay_dialect_steps(d) + 1;"),
    ("the first triple in every step", NS, "assay_dialect_triple(d, k++)", "assay_dialect_triple(d, 0 * k++)"),
    ("triples in reverse order", NS, "assay_dialect_triple(d, k++)",
     "assay_dialect_triple(d, assay_dialect_steps(d) - 1 - k++)"),
    # ---- Newton-Schulz: normalisation
    ("eps ten times too large", NS, "by + d->eps :", "by + 10 * d->eps :"),
    ("eps left out", NS, "by + d->eps :", "by :"),
    ("eps added where it is a maximum", NS, "by = d->normalisation == ASSAY_NORMALISE_ADD ?", "by = true ?"),
    ("eps a maximum where it is added", NS, "by = d->normalisation == ASSAY_NORMALISE_ADD ?", "by = false ?"),
    ("squares of the norm in binary32", NS, "it->work->rows[i] = sum;", "it->work->rows[i] = (float)sum;"),
    ("eps under the root of the norm", NS, "double norm = sqrt(squares)", "double norm = sqrt(squares + d->eps)"),
    ("eps times the norm's factor", NS, "by = d->norm_factor * norm;", "by = d->norm_factor * (norm + d->eps) - d->eps;"),
    ("safety factor of the norm missing", NS, "by = d->norm_factor * norm;", "by = norm;"),
    ("not normalised", NS, "load_matrix(it, inverse(d, by), total);", "load_matrix(it, 1, total);"),
    ("norm before the cast, input cast to bf16 again after it", NS,
     "of_column[j - first] : of_row) * it->from[i * down + j * across]",
     "of_column[j - first] : of_row) * float_of(bf16_of(it->from[i * down + j * across]))"),
    ("input cast to bf16 before the norm is taken of it", NS,
     "sum = it->plan->kernels->sums(&(struct mix){.m = row, .of_m = 1}, 0, b->cols).squares;",
     "for (size_t j = 0; j < b->cols; j++)\n"
     "    sum += (double)float_of(bf16_of(row[j])) * float_of(bf16_of(row[j]));"),
    ("0 / 0 where the dialect has 0", NS, "divisor == 0 && d->nan_to_zero ? 0 :", ""),
    ("rows not equilibrated", NS, "it->plan->dialect.pre != ASSAY_PRE_EQUILIBRATE", "true"),
    ("columns equilibrated in place of rows", NS, "factor * row_factor(it, j, total);", "factor;"),
    # ---- Newton-Schulz: layout
    ("output of tall matrices not transposed back", NS, "it->to[i * down + j * across] = get(x, i, j);",
     "it->to[i * it->o.long_side + j] = get(x, i, j);"),
    ("columns beyond 32 not stored", NS, "(first = team_next(it->team) * SQUARE) < it->o.long_side)\n        for",
     "(first = team_next(it->team) * SQUARE) < SQUARE)\n        for"),
    ("the last row not stored", NS, "(i = team_next(it->team)) < it->o.short_side)\n        if",
     "(i = team_next(it->team)) + 1 < it->o.short_side)\n        if"),
    ("pieces of rows in bf16 all loaded from the first", NS, "first += PIECE, row.m += PIECE", "first += PIECE"),
    # ---- the Gram form
    ("Gram form: Q begins without a", GRAM, "shift(it, &w->q, 1, &w->s, p.a);", "shift(it, &w->q, 1, &w->s, 0);"),
    ("Gram form: Q goes on without a", GRAM, "&w->q, &w->s, p.a, &w->q,", "&w->q, &w->s, 0, &w->q,"),
    ("Gram form: Q not multiplied", GRAM, "        swap(&w->q, &w->spare);\n    }", "    }"),
    ("Gram form: b and c swapped", GRAM, "multiply(it, &w->s, p.c, &w->a, &w->a, p.b,",
     "multiply(it, &w->s, p.b, &w->a, &w->a, p.c,"),
    ("Gram form: P A for P A P", GRAM, "multiply(it, &w->a, 1, &w->spare, &w->s, p.a, &w->spare, SYMMETRIC | SAME_B);",
     "swap(&w->a, &w->spare);"),
    ("Gram form: A without a", GRAM, "&w->s, p.a, &w->a, SYMMETRIC |", "&w->s, 0, &w->a, SYMMETRIC |"),
    ("Gram form: a step too few in a block", GRAM, "k + 1 < to; k++)", "k + 2 < to; k++)"),
    ("Gram form: each block begins with the first triple", GRAM, "multiply_step(it, k, k == from,",
     "multiply_step(it, k - from, k == from,"),
    ("Gram form: always rounded to bf16", GRAM, "* w->size <= MOST_SIZE", "* w->size <= INFINITY"),
    ("Gram form: the last step with the panels of A for those of S", GRAM, "(last ? 0 : SAME_B)", "SAME_B"),
    ("Gram form: A P with panels of a product before it", GRAM, "SYMMETRIC | (p.c != 0 ? SAME_A : 0)",
     "SYMMETRIC | SAME_A | SAME_B"),
    ("Gram form: b left out where c is 0", GRAM, "shift(it, &w->s, p.b, &w->a, 0);", "shift(it, &w->s, 1, &w->a, 0);"),
    ("matrices of a batch mixed", NS, "it.from = u + k * plan->blocks.apart;", "it.from = u;"),
    ("the last matrix of a batch left out", NS, ": k) < plan->blocks.count)",
     ": k) < plan->blocks.count - (plan->blocks.count > 1))"),
    # ---- products
    ("symmetric half not mirrored", GEMM, "if (g->symmetric)\n        mirror", "if (false)\n        mirror"),
    ("diagonal of symmetric products left out", GEMM, "i < first_col ? 0 : i - first_col + 1;",
     "i < first_col ? 0 : i - first_col;"),
    ("rows beyond whole tiles dropped", GEMM, "l.talls = up_div(m, l.tall);", "l.talls = m / l.tall;"),
    ("columns beyond whole tiles dropped", GEMM, "l.wides = up_div(n, k->wide);", "l.wides = n / k->wide;"),
    ("last of an odd depth dropped, in bf16", GEMM, "i < p->count && p->depth % 2; i++", "false; i++"),
    ("half of the depth dropped, in fp32", GEMM, "(l->unit == 2 ? k->pair_tile : k->tile)(floats,",
     "(l->unit == 2 ? k->pair_tile : k->tile)(floats - (l->unit == 1 && floats > 1),"),
    ("tiles across the diagonal left out", GEMM, "first_row + rows <= first_col", "first_row < first_col"),
    ("later ranges of the depth overwrite the sum", GEMM, "rows, cols, r > 0);", "rows, cols, false);"),
    ("B not transposed", GEMM, "!g->b_transposed, 1}", "true, 1}"),
    ("B read where it is as if it were a panel", GEMM, "l->b_packed ? k->wide : g->b.stride", "k->wide"),
    ("A read where it is as if it were a panel", GEMM, "l->a_packed ? l->tall : g->a.stride", "l->tall"),
    ("A from the first of shared columns", GEMM, "a = l->b + first_row;", "a = l->b;"),
    ("tiles of few rows have too few", INC, "else if (rows > THIRD)", "else if (false)"),
    ("tiles of few columns have too few", INC, "bool all = cols > LANES;", "bool all = cols > 2 * LANES;"),
    ("8 x 8 blocks wrongly transposed", INC, "memcpy(to + k * width, &r[k], sizeof r[k]);",
     "memcpy(to + k * width, &r[k ^ 1], sizeof r[k]);"),
    ("alpha of a product left out", INC, "c[k] = alpha * sums[k] + beta * d[k];", "c[k] = sums[k] + beta * d[k];"),
    ("twice the first of bf16 pairs", INC, "from[i] | (uint32_t)next[i] << 16",
     "from[i] | (uint32_t)from[i] << 16"),
    ("4 x 4 blocks wrongly transposed", INC, "memcpy(to + k * width, &t[k], sizeof t[k]);",
     "memcpy(to + k * width, &t[k ^ 1], sizeof t[k]);"),
    ("rows beyond fours not transposed", INC, "for (; i < rows; i++)", "for (; false && i < rows; i++)"),
    ("columns beyond fours not transposed", INC, "for (; k < depth; k++)\n            for (size_t l",
     "for (; false && k < depth; k++)\n            for (size_t l"),
    ("factors multiplied with themselves, portable", "fast/kernels_portable.c", "((a) * (b) + (c))", "((a) * (a) + (c))"),
    ("products subtracted from the sums, portable", "fast/kernels_portable.c", "((a) * (b) + (c))", "((c) - (a) * (b))"),
    ("factors multiplied with themselves, AVX2", "fast/kernels_avx2.c", "_mm256_fmadd_ps(a, b, c)",
     "_mm256_fmadd_ps(a, a, c)"),
    ("factors multiplied with themselves, AVX-512", "fast/kernels_avx512.inc", "_mm512_fmadd_ps(a, b, c)",
     "_mm512_fmadd_ps(a, a, c)"),
    ("factors multiplied with themselves, AVX-512 with bf16", "fast/kernels_avx512_bf16.c", "(__m512bh)(a), (__m512bh)(b)",
     "(__m512bh)(a), (__m512bh)(a)"),
    ("factors multiplied with themselves, NEON", "fast/kernels_neon.c", "vfmaq_f32(c, a, b)", "vfmaq_f32(c, a, a)"),
    ("the first sixteen columns twice, of tiles", TILES, "LOAD(7, b + SIDE,", "LOAD(7, b,"),
    ("the first sixteen rows twice, of tiles", TILES, "MULTIPLY(2, 5, 6)", "MULTIPLY(2, 4, 6)"),
    ("pairs beyond sixteens dropped, of tiles", TILES, "if (depth > 0)", "if (false)"),
    ("nothing after the first sixteen pairs, of tiles", TILES, "a += a_step * PAIR_DEEP, b +=", "a += a_step, b +="),
    ("sums not kept from block to block, of tiles", TILES, "for (; depth >= PAIR_DEEP;",
     "for (; configure_tiles(), depth >= PAIR_DEEP;"),
    ("one factor's pairs the wrong way round, of tiles", INC, "from[i] | (uint32_t)next[i] << 16",
     "next[i] | (uint32_t)from[i] << 16"),
    ("runs of pairs one upon the other, of tiles", GEMM, "+ i * p->deep +", "+ i +"),
    # ---- passes over entries
    ("entries beyond eights dropped", INC, "eight + part * DOUBLES < to; part++",
     "eight + part * DOUBLES + DOUBLES <= to; part++"),
    ("one lane left out of sums", INC, "(s[3] + s[7])", "s[3]"),
    ("fourth powers left out", INC, "sum->fourths[part] += square * square;", "sum->fourths[part] += 0 * square;"),
    ("momentum buffer overwritten by the direction's input", INC, "put(next, k, count, rounded);",
     "put(next, k, count, NARROW(x));"),
    ("cautious mask inverted", INC, "(o * x >= 0)", "(o * x < 0)"),
    ("cautious mask strict", INC, "(o * x >= 0)", "(o * x > 0)"),
    ("decay of the new parameter", INC, "x -= rate * o + taken;", "taken = x - rate * o; x = taken - decay * taken;"),
    ("update with the wrong sign", INC, "x -= rate * o + taken;", "x -= taken - rate * o;"),
    ("decay with the wrong sign", INC, "x -= rate * o + taken;", "x -= rate * o - taken;"),
    ("L2 decay left out", INC, "t += y->of_p * p;", "t += 0 * p;"),
    # ---- momentum
    ("EMA in place of heavy ball", MOMENTUM, "1 - (heavy ? d->dampening : beta)", "1 - beta"),
    ("heavy ball in place of EMA", MOMENTUM, "1 - (heavy ? d->dampening : beta)", "1 - d->dampening"),
    ("buffer does not decay", MOMENTUM, "r.fresh_only ? 0 : beta;", "r.fresh_only ? 0 : 1;"),
    ("beta and 1 - beta swapped", MOMENTUM, "r.keep = r.fresh_only ? 0 : beta;\n    r.fresh =",
     "r.keep = r.fresh_only || heavy ? beta : 1 - beta;\n    r.fresh = !heavy ? beta :"),
    ("Nesterov's lerp with the raw gradient", MOMENTUM, "r.of_m = beta;\n        r.of_g = 1 - beta;",
     "r.of_m = 0;\n        r.of_g = 1;"),
    ("Nesterov's lerp left out", MOMENTUM, "r.of_m = beta;\n        r.of_g = 1 - beta;", "r.of_m = 1;\n        r.of_g = 0;"),
    ("g + m for Nesterov's lerp", MOMENTUM, "r.of_m = beta;\n        r.of_g = 1 - beta;",
     "r.of_m = 1;\n        r.of_g = 1;"),
    ("Nesterov's sum left out", MOMENTUM, "r.of_m = beta;\n        r.of_g = 1;", "r.of_m = 1;\n        r.of_g = 0;"),
    ("g + m for g + beta m", MOMENTUM, "r.of_m = beta;\n        r.of_g = 1;", "r.of_m = 1;\n        r.of_g = 1;"),
    ("g + beta m for g + m", MOMENTUM, "case ASSAY_NESTEROV_SUM:", "case ASSAY_NESTEROV_SUM:\n        r.of_m = beta;"),
    ("Nadam's correction of the buffer off by one", MOMENTUM, "pow(beta, (double)t + 1)", "pow(beta, (double)t)"),
    ("Nadam's correction of the gradient off by one", MOMENTUM, "(1 - beta) / (1 - pow(beta, (double)t))",
     "(1 - beta) / (1 - pow(beta, (double)t + 1))"),
    # ---- cosh-RMS
    ("cosh-RMS: mean square without root", COSH, "1 / (norm * (sqrt(mean) + d->cosh_eps))",
     "1 / (norm * (mean + d->cosh_eps))"),
    ("cosh-RMS: root where the dialect has none", COSH, "return 1 / (mean + d->cosh_eps);",
     "return 1 / (sqrt(mean) + d->cosh_eps);"),
    ("cosh-RMS: raw for normalised numerator", COSH, "1 / (norm * (sqrt(mean) + d->cosh_eps))",
     "1 / (sqrt(mean) + d->cosh_eps)"),
    ("cosh-RMS: normalised for raw numerator", COSH, "return 1 / (sqrt(mean) + d->cosh_eps);",
     "return 1 / (norm * (sqrt(mean) + d->cosh_eps));"),
    ("cosh-RMS: gamma left out", COSH, "d->gamma / norm", "1 / norm"),
    ("cosh-RMS: argument not normalised", COSH, "plain ? 1 : d->gamma / norm", "plain ? 1 : d->gamma"),
    ("cosh-RMS: argument normalised where it is not", COSH, "plain ? 1 : d->gamma / norm", "d->gamma / norm"),
    ("cosh-RMS: 1e-7 left out of the norm", COSH, " + 1e-7, by", ", by"),
    ("cosh-RMS: sum for mean", COSH, "double mean = total / (double)plan->count;", "double mean = total;"),
    ("cosh-RMS: series for every chunk", COSH, "!plain && fourths <= 0x1p-8 && 2.02 / 45 * fourths * sqrt(fourths) <= 0x1p-30 * n", "!plain"),
    ("cosh-RMS: the first chunk alone", COSH, "total += chunks[k].squares;", "total += k == 0 ? chunks[k].squares : 0;"),
    ("cosh: x^4 / 25 for x^4 / 24", INC, "1.0 / 24", "1.0 / 25"),
    ("cosh: sum without squares", INC, "sum[part] += c * c;", "sum[part] += c;"),
    # ---- whole steps
    ("decoupled decay does nothing", STEP, "return lr * wd;", "return 0;"),
    ("decoupled decay doubled", STEP, "return lr * wd;", "return 2 * lr * wd;"),
    ("decoupled decay without the learning rate", STEP, "return lr * wd;", "return wd;"),
    ("decoupled decay times the scale", STEP, "return lr * wd;", "return plan->scale * lr * wd;"),
    ("decay not times the scale", STEP, "return plan->scale * lr * wd;", "return lr * wd;"),
    ("decay not times the square of the learning rate", STEP, "return plan->scale * lr * lr * wd;",
     "return plan->scale * lr * wd;"),
    ("Frank-Wolfe's shrinking left out", STEP, "return lr;", "return 0;"),
    ("L2 for decoupled decay", STEP,
     ".decay = decays ? decay_rate(plan, hyper) : 0,\n        .l2 = decays && d->decay == ASSAY_DECAY_L2 ?",
     ".decay = decays && d->decay != ASSAY_DECAY_DECOUPLED ? decay_rate(plan, hyper) : 0,\n"
     "        .l2 = decays && (d->decay == ASSAY_DECAY_L2 || d->decay == ASSAY_DECAY_DECOUPLED) ?"),
    ("decoupled decay for L2", STEP,
     ".decay = decays ? decay_rate(plan, hyper) : 0,\n        .l2 = decays && d->decay == ASSAY_DECAY_L2 ?",
     ".decay = !decays ? 0 : d->decay == ASSAY_DECAY_L2 ? hyper->lr * hyper->weight_decay : decay_rate(plan, hyper),\n"
     "        .l2 = false ?"),
    ("absent gradient taken for zero where it is skipped", STEP, "if (!grad && d->absent == ASSAY_ABSENT_SKIP)",
     "if (false)"),
    ("absent gradient skipped where it is zero", STEP, "if (!grad && d->absent == ASSAY_ABSENT_SKIP)", "if (!grad)"),
    ("no decay where the gradient is absent", STEP, "grad || d->absent == ASSAY_ABSENT_ZERO;", "grad;"),
    ("decay where an absent gradient has none", STEP, "grad || d->absent == ASSAY_ABSENT_ZERO;", "true;"),
    ("scale left out", STEP, "s->lr * s->plan->scale * factor", "s->lr * factor"),
    ("scale twice", STEP, "s->lr * s->plan->scale * factor", "s->lr * s->plan->scale * s->plan->scale * factor"),
    ("steps not counted", STEP, "state->steps++;", ""),
    ("normalised SGD: 1 / 0 for zero gradients", STEP, "norm == 0 ? 0 : 1 / norm", "1 / norm"),
    ("direction of the buffer where the buffer is one of directions", STEP, "else if (d->direction_first)",
     "else if (false)"),
    ("Adam: bias correction of m off by one", STEP, "pow(hyper->momentum, t)", "pow(hyper->momentum, t + 1)"),
    ("Adam: bias correction of v off by one", STEP, "pow(d->beta2, t)", "pow(d->beta2, t + 1)"),
    ("Adam: eps under the root", STEP, "(sqrt(v * s->unbias2) + d->adam_eps)", "sqrt(v * s->unbias2 + d->adam_eps)"),
    ("Adam: second moment of u", STEP, "return u * s->unbias / (sqrt(v",
     "v = d->beta2 * (v - (1 - d->beta2) * g * g) / d->beta2 + (1 - d->beta2) * u * u;\n    return u * s->unbias / (sqrt(v"),
    # ---- scale, shapes
    ("max(1, in / out) for max(1, out / in)", PLAN, "sqrt(fmax(1, out / in))", "sqrt(fmax(1, in / out))"),
    ("scale without max(1, .)", PLAN, "sqrt(fmax(1, out / in))", "sqrt(out / in)"),
    ("ratio of the scale upside down", PLAN, "case ASSAY_SCALE_RATIO:\n        s = sqrt(out / in);",
     "case ASSAY_SCALE_RATIO:\n        s = sqrt(in / out);"),
    ("shorter for longer side in the scale", PLAN, "sqrt(fmax(out, in))", "sqrt(fmin(out, in))"),
    ("0.2 of the scale left out", PLAN, "return s * d->scale_factor;", "return s;"),
    ("scale of (in, out) layouts from the wrong axes", PLAN,
     "double out = d->layout == ASSAY_LAYOUT_IN_OUT ? cols : rows, in = d->layout == ASSAY_LAYOUT_IN_OUT ? rows : cols;",
     "double out = rows, in = cols;"),
    ("conv scale from the kernel's size", PLAN, "if (p->ndim >= 2 && d->layout == ASSAY_LAYOUT_TAIL)", "if (p->ndim >= 2)"),
    ("conv scale from the flattened matrix where it is from the kernel", PLAN,
     "if (p->ndim >= 2 && d->layout == ASSAY_LAYOUT_TAIL)", "if (false)"),
    ("conv scale not over k^2", PLAN, "s /= (double)p->shape[2];", "s /= 1;"),
    ("query, key and value not split", PLAN, "d->split_thirds && size[0] == 3 * size[1]", "false"),
    ("batch taken for one flat matrix", PLAN, "case ASSAY_ND_BATCH:\n        *b = last_two(p);",
     "case ASSAY_ND_BATCH:\n        *b = whole(size[0], p->count / size[0]);"),
    ("convolution taken for a batch", PLAN, "case ASSAY_ND_FLATTEN:\n        *b = whole(size[0], p->count / size[0]);",
     "case ASSAY_ND_FLATTEN:\n        *b = last_two(p);"),
    ("convolution iterated that is passed by", PLAN, "*b = p->ndim == 4 ? (struct block_list){0} : last_two(p);",
     "*b = last_two(p);"),
    # ---- second moments
    ("snap left out", POST, "if (d->snap)\n", "if (false)\n"),
    ("snap to the longer side", POST, "b->list->rows < b->list->cols ?", "b->list->rows > b->list->cols ?"),
    ("NorMuon: beta2 and 1 - beta2 swapped", POST, "beta2 * *v + (1 - beta2) * q", "(1 - beta2) * *v + beta2 * q"),
    ("NorMuon: second moment along the wrong axis", POST, "by_rows = add || rows >= cols;", "by_rows = add || rows < cols;"),
    ("NorMuon: rows where the dialect has columns", POST, "by_rows = add || rows >= cols;", "by_rows = true;"),
    ("NorMuon: norm not restored", POST, "double factor = sqrt(before) /", "double factor = 1 /"),
    ("NorMuon: no root of the second moment", POST, "1 / (add ? sqrt(root) + 1e-10 : sqrt(fmax(root, 1e-10)))",
     "1 / (add ? root + 1e-10 : fmax(root, 1e-10))"),
    ("second moments of a batch mixed", POST, "moment + k * plan->moments", "moment"),
    # ---- exact directions
    ("minimum for maximum of the linear form", LMO, "maximise(d.at, to, -radius,", "maximise(d.at, to, radius,"),
    ("RMS norm: factor upside down", LMO, "factor * sqrt(m / n)", "factor * sqrt(n / m)"),
    ("column norm: root of the rows left out", LMO, "factor * sqrt(m), g", "factor, g"),
    ("row norm: rows for columns", LMO, "factor / sqrt(n)", "factor / sqrt(m)"),
    ("entries' norm: ties not shared", LMO, "factor * sign(x) / ties", "factor * sign(x)"),
    ("the whole polar factor for the nuclear norm", LMO, "factor, true, NULL", "factor, false, NULL"),
    ("columns for rows of unit vectors", LMO, "unit_rows(o, to, factor / sqrt(n), g, from);",
     "unit_rows(o, turned(to), factor / sqrt(n), g, turned(from));"),
    ("unit vectors: a sum of absolute values for the norm", LMO,
     "squares += at(g, from, i, j) * at(g, from, i, j);", "squares += fabs(at(g, from, i, j));"),
    ("the average of top singular vectors not divided", POLAR, "top && r > 0 ? 1 / (double)r : 1", "1"),
    ("polar factor of wide matrices not transposed back", POLAR, "tall ? j * m + i : i * m + j", "j * m + i"),
    ("the last singular vector left out", POLAR, "while (r < n && w->s[r] > 0", "while (r < n - (n > 1) && w->s[r] > 0"),
    # ---- NaN and the status
    ("iterations: NaN not told", NS, "return isfinite(add_chunks(args.chunks, chunk_count(plan->count)).squares) ? ASSAY_OK : ASSAY_NOT_FINITE;",
     "return ASSAY_OK;"),
    ("iterations: told of NaN where there is none", NS,
     "return isfinite(add_chunks(args.chunks, chunk_count(plan->count)).squares) ? ASSAY_OK : ASSAY_NOT_FINITE;",
     "return ASSAY_NOT_FINITE;"),
    ("cosh-RMS: NaN not told", COSH, "isfinite(add_chunks(args.chunks, chunk_count(plan->count)).squares)", "true"),
    ("momentum: the buffer alone without what it has", MOMENTUM, "rule->keep, rule->fresh, args->y.of_p", "0, rule->fresh, args->y.of_p"),
    ("momentum: NaN not told", MOMENTUM, "isfinite(add_chunks(args.chunks, chunk_count(n)).squares)", "true"),
    ("steps: NaN not told", STEP, "atomic_load(&not_finite) ? ASSAY_NOT_FINITE : ASSAY_OK", "ASSAY_OK"),
    ("steps: told of NaN where there is none", STEP, "if (!isfinite(squares))", "if (!(squares > 0))"),
    ("LMO: NaN not told", LMO, "finite ? ASSAY_OK : ASSAY_NOT_FINITE", "ASSAY_OK"),
    ("polar factor: NaN not told", POLAR, "return converged ? ASSAY_NOT_FINITE : ASSAY_UNDECIDED;",
     "return converged ? ASSAY_OK : ASSAY_UNDECIDED;"),
    ("sign of NaN is 0", LMO, "return isnan(x) ? x :", "return"),
    ("NaN stored as 0 in bf16", "fast/iteration.h", "bf16_of(value)", "bf16_of(value == value ? value : 0)"),
]

# The same in what no named dialect has, so that no case of the set sees it: random cases must, and stop at the first.
RANDOM = 600
OF_AXES = [
    ("spectral normalisation: by the Frobenius norm", NS, "norm * sqrt(factor[0]) + d->eps", "norm + d->eps"),
    ("Schatten normalisation: a root left out", NS, "norm * norm * sqrt(sum)", "norm * norm * sum"),
    ("AOL: sums of entries, not of their absolute values", NS, "fabs(get(&a, i, j))", "get(&a, i, j)"),
    ("AdaMuon: size of a row, not of the matrix", POST, "(double)(b->list->rows * b->list->cols)", "(double)b->list->cols"),
    ("AdaMuon: no root of the second moment", POST, "(sqrt(average(v++, d->beta2, (double)*o * *o)) + 1e-7)",
     "(average(v++, d->beta2, (double)*o * *o) + 1e-7)"),
    ("dual norm left out", POST, "multiply(b, inner(b, b->u, b->o));", "multiply(b, 1);"),
    ("grafting without the norm of u", POST, "frobenius(b, b->u) / fmax", "1 / fmax"),
    ("unbiased momentum: off by one", MOMENTUM, "r.of_m = 1 / (1 - pow(beta, (double)t));",
     "r.of_m = 1 / (1 - pow(beta, (double)t + 1));"),
    ("no momentum: gradient averaged with zero", MOMENTUM, "{.of_g = 1}", "{.of_g = 1 - beta}"),
    ("independent decay with the learning rate", STEP, "return wd;", "return lr * wd;"),
    ("squared decay with the learning rate itself", STEP, "return lr * lr * wd;", "return lr * wd;"),
    ("kernel positions not averaged", PLAN, "s /= sqrt((double)p->blocks.count);", "s /= 1;"),
]

# The same, and why the gate must admit it: what it computes is the same, or another evaluation that the bounds hold.
ADMITTED = [
    ("products truncated to bf16, not rounded", INC, "(bits + 0x7fff + (bits >> 16 & 1)) >> 16", "bits >> 16",
     "bounds hold evaluations with random roundings, which some ports have; truncation is one. Unit tests see it"),
    ("symmetric factors read by columns", NS, ".a_symmetric = true", ".a_symmetric = false",
     "A and S are symmetric to the bit: gemm() computes half of the entries and copies the others"),
    ("square matrices transposed before the iteration", NS, "bool turned = b->rows > b->cols;",
     "bool turned = b->rows >= b->cols;",
     "X (X^T X)^k = (X X^T)^k X, so p(X^T)^T = p(X); only AOL, which no named dialect has, scales one side"),
    ("Gram form: never rounded to bf16", GRAM, "* w->size <= MOST_SIZE", "* w->size < 0", "less is rounded"),
    ("Gram form: nothing of a product before used again", GEMM, "&& l->ranges == 1, kept_b", "&& false, kept_b",
     "the same panels are made again"),
    ("products of two symmetric factors not mirrored across the diagonal", GEMM, "|| g->a.at == g->b.at ||", "|| true ||",
     "in tiles that the diagonal crosses, entries above it are then sums of their own, as good as those below. Unit tests see it"),
    ("eps of cosh-RMS left out", COSH, "1 / (sqrt(mean) + d->cosh_eps)", "1 / sqrt(mean)",
     "cosh >= 1, so R >= 1, and eps = 1e-8 changes O by at most 1e-8 relatively: a sixth of 2^-24"),
    ("sign of 0 is 1", LMO, "(x > 0) - (x < 0)", "x < 0 ? -1 : 1",
     "any D_ij in [-1, 1] is a maximiser where G_ij = 0; the judge admits every maximiser"),
    ("no singular value taken for 0", POLAR, "double blur = (double)m * 0x1p-52 * w->s[0],", "double blur = 0,",
     "U V^T over more columns is another maximiser where the rank is not full; the judge admits every maximiser"),
]


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true", help="five of them")
    parser.add_argument("--only", default="", metavar="WORDS", help="those whose description has these words")
    parser.add_argument("--out", metavar="PROGRAM", help="build the first of these, and that is all")
    parser.add_argument("--set", default="golden", metavar="DIR", help="the golden set")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--build", required=True, metavar="DIR", help="the folder of the objects")
    parser.add_argument("--compile", required=True, metavar="COMMAND", help="the compiler and its flags")
    parser.add_argument("--libraries", required=True, metavar="FLAGS", help="what the command is linked with")
    parser.add_argument("--tiles", required=True, metavar="FLAGS", help="what links an emulation of AMX with it")
    parser.add_argument("objects", nargs="+", metavar="OBJECT")
    return parser.parse_args()


def gate(program, folder, *args, random=0):
    """The exit code of `assay gate`, what it judged, and what failed; reproducers of random cases go to the program's folder."""
    p = subprocess.run([os.path.abspath(program), "gate", "--fuzz", str(random), "--set", os.path.abspath(folder), "--format",
                        "json", *args], capture_output=True, text=True, timeout=300, cwd=os.path.dirname(program),
                       env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    report = json.loads(p.stdout) if p.stdout else {"title": p.stderr.strip(), "findings": []}
    return p.returncode, report["title"], [f for f in report["findings"] if f["verdict"] == "fail"]


def original(path, old):
    """The text of the file, which must have the other once."""
    with open(path) as f:
        text = f.read()
    if text.count(old) != 1:
        sys.exit(f"mutants: {path} has {text.count(old)} times, not once: {old}")
    return text


def build(o, folder, what, path, old, new):
    """The command with that replacement."""
    text = original(path, old)
    os.makedirs(folder, exist_ok=True)
    mutated = {path: text.replace(old, new)}
    for source in glob.glob("fast/*.c"):
        with open(source) as f:
            text = f.read()
        if f'#include "{os.path.basename(path)}"' in text:
            mutated[source] = text
    objects = list(o.objects)
    for source, text in mutated.items():
        copy = os.path.join(folder, os.path.basename(source))
        with open(copy, "w") as f:
            f.write(text)
        if source.endswith(".c"):
            subprocess.run([*shlex.split(o.compile), "-w", "-c", copy, "-o", copy[:-1] + "o"], check=True)
            objects[objects.index(f"{o.build}/{source[:-1]}o")] = copy[:-1] + "o"
    program = os.path.join(folder, "assay")
    flags = o.libraries + (" " + o.tiles if what.endswith("of tiles") else "")
    subprocess.run([*shlex.split(o.compile), *objects, *shlex.split(flags), "-o", program], check=True)
    return program


def cases(failures):
    return list(dict.fromkeys(f["case"] for f in failures))


def try_mutant(o, number, mutant, paths):
    """(exit code, title, failures), None where this processor does not run what is changed."""
    what, path, old, new = mutant[:4]
    instructions = re.fullmatch(r"fast/kernels_(\w+)\.(c|inc)", "fast/kernels_avx512.inc" if what.endswith("of tiles") else path)
    if instructions and instructions[1].replace("_", "-") not in paths:
        return None
    program = build(o, os.path.join(o.build, "mutants", str(number)), what, path, old, new)
    outcome = gate(program, o.set, "--small", random=RANDOM if mutant in OF_AXES else 0)
    if mutant not in OF_AXES and len(cases(outcome[2])) < 2:
        outcome = gate(program, o.set)
    os.remove(program)
    return outcome


def row(mutant, outcome):
    """A line of the table, and whether it is as it must be."""
    what, path = mutant[:2]
    if outcome is None:
        return f"{what:<66} {path:<26} {'-':>5}  not run: this processor lacks the instructions", True
    code, title, failures = outcome
    count = len(cases(failures))
    if len(mutant) == 5:
        return f"{what:<66} {path:<26} {count:>5}  admitted: {mutant[4]}", code == 0
    first = " ".join(failures[0][key] for key in ("case", "dialect", "output", "format")) if failures else title
    return f"{what:<66} {path:<26} {count:>5}  {first}", code == 1 and count >= (1 if mutant in OF_AXES else 2)


def main():
    o = parse_arguments()
    start, wrong = time.time(), []
    for mutant in MUTANTS + OF_AXES + ADMITTED:
        original(*mutant[1:3])
    chosen = [m for m in MUTANTS + OF_AXES + ADMITTED if o.only in m[0] and (not o.short or m[0] in SHORT)]
    if o.out:
        os.replace(build(o, f"{o.out}.d", *chosen[0][:4]), o.out)
        return 0
    code, title, failures = gate(f"{o.build}/assay", o.set, *(["--small"] if o.short else []))
    if code != 0:
        sys.exit(f"mutants: the gate fails without any mutant (exit {code}): {title}: {cases(failures)[:5]}")
    paths = title.split("(")[1].split(")")[0].split(", ")
    print(f"{'mutant':<66} {'file':<26} {'cases':>5}  first of them")
    with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
        outcomes = pool.map(lambda k: try_mutant(o, k, chosen[k], paths), range(len(chosen)))
        for mutant, outcome in zip(chosen, outcomes):
            text, good = row(mutant, outcome)
            print(text, flush=True)
            wrong += [] if good else [mutant[0]]
    for what in wrong:
        print(f"mutants: not as it must be: {what}")
    print(f"mutants: {len(chosen)} in {time.time() - start:.0f} s, {len(wrong)} of them not as they must be")
    return 1 if wrong else 0


sys.exit(main())
