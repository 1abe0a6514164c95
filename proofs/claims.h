/* The ledger, in its order. A claim is one line here and one pair of files, proofs/NAME.md and proofs/NAME.c. */
#ifndef ASSAY_PROOFS_CLAIMS_H
#define ASSAY_PROOFS_CLAIMS_H

#define CLAIMS(CLAIM)                                                                                                  \
    CLAIM(lmo_dual)                                                                                                    \
    CLAIM(lmo_u1v1)                                                                                                    \
    CLAIM(lmo_2x2)                                                                                                     \
    CLAIM(lmo_nuclear)                                                                                                 \
    CLAIM(kv_problems)                                                                                                 \
    CLAIM(kv_d1)                                                                                                       \
    CLAIM(kv_d2)                                                                                                       \
    CLAIM(kv_d2s)

#endif
