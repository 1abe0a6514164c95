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
    CLAIM(kv_d2s)                                                                                                      \
    CLAIM(kv_d2i)                                                                                                      \
    CLAIM(kv_l3)                                                                                                       \
    CLAIM(kv_t2)                                                                                                       \
    CLAIM(kv_t2_clip)                                                                                                  \
    CLAIM(kv_fw)                                                                                                       \
    CLAIM(kv_t3)                                                                                                       \
    CLAIM(ke_variance)                                                                                                 \
    CLAIM(ke_lemma3)                                                                                                   \
    CLAIM(ke_thm2)                                                                                                     \
    CLAIM(ke_budget)                                                                                                   \
    CLAIM(ke_vacuous)                                                                                                  \
    CLAIM(ke_dimension)                                                                                                \
    CLAIM(ke_t2)                                                                                                       \
    CLAIM(ke_t3)                                                                                                       \
    CLAIM(os_o1)                                                                                                       \
    CLAIM(os_o1_matrix)                                                                                                \
    CLAIM(os_o2)                                                                                                       \
    CLAIM(wd_w1)                                                                                                       \
    CLAIM(wd_w2)                                                                                                       \
    CLAIM(rt_momentum)                                                                                                 \
    CLAIM(rt_extrapolation)                                                                                            \
    CLAIM(rt_control)                                                                                                  \
    CLAIM(rt_star)                                                                                                     \
    CLAIM(rt_drift)                                                                                                    \
    CLAIM(au_range)                                                                                                    \
    CLAIM(au_sgd)                                                                                                      \
    CLAIM(au_spectral)                                                                                                 \
    CLAIM(au_scale)                                                                                                    \
    CLAIM(au_condition)                                                                                                \
    CLAIM(au_orthogonal)                                                                                               \
    CLAIM(au_brake)                                                                                                    \
    CLAIM(au_energy)                                                                                                   \
    CLAIM(au_linear)                                                                                                   \
    CLAIM(au_hybrid)                                                                                                   \
    CLAIM(au_head)                                                                                                     \
    CLAIM(au_bf16)                                                                                                     \
    CLAIM(ns_fixed)                                                                                                    \
    CLAIM(ns_interval)                                                                                                 \
    CLAIM(ns_cycle)                                                                                                    \
    CLAIM(ns_five)                                                                                                     \
    CLAIM(ns_classical)                                                                                                \
    CLAIM(pe_optimal)                                                                                                  \
    CLAIM(pe_published)                                                                                                \
    CLAIM(ct_polar)                                                                                                    \
    CLAIM(ct_lipschitz)                                                                                                \
    CLAIM(ct_condition)                                                                                                \
    CLAIM(ct_singular)

#endif
