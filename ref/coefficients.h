/* The coefficient tables, for the table of dialects. */
#ifndef ASSAY_REF_COEFFICIENTS_H
#define ASSAY_REF_COEFFICIENTS_H

#include "dialect.h"

extern const struct assay_coefficients assay_coefficients_aol, assay_coefficients_aol_dion, assay_coefficients_cans,
    assay_coefficients_cubic, assay_coefficients_cubic5, assay_coefficients_deepseek_v4, assay_coefficients_jordan,
    assay_coefficients_pe_10, assay_coefficients_pe_5, assay_coefficients_pe_8, assay_coefficients_pe_8_safer,
    assay_coefficients_pe_gram, assay_coefficients_pe_msign, assay_coefficients_pe_nvidia, assay_coefficients_pe_paper,
    assay_coefficients_quintic, assay_coefficients_you5;

#endif
