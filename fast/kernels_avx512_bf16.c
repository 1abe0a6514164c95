/* For x86-64 with AVX-512 and its products of bf16 pairs: VDPBF16PS adds two exact products and a sum with rounding to
 * nearest, and takes subnormal numbers for 0. */
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,avx2,fma"))),        \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,avx2,fma,prefer-vector-width=512")
#endif
typedef __m512 V;
#define KERNELS kernels_avx512_bf16
#define LANES 16
#define TALL 12
#define VECTORS 2
#define BROADCAST(x) _mm512_set1_ps(x)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define PAIRS(a, b, c) _mm512_dpbf16_ps(c, (__m512bh)(a), (__m512bh)(b))
#define WIDEN(f) ((doubles)_mm512_cvtps_pd((__m256)(f)))
#define NARROW(d) ((floats)_mm512_cvtpd_ps((__m512d)(d)))
#include "kernels.inc"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
