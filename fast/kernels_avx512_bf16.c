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
#include "kernels_avx512.inc"
#define KERNELS kernels_avx512_bf16
#define PAIRS(a, b, c) _mm512_dpbf16_ps(c, (__m512bh)(a), (__m512bh)(b))
#include "kernels.inc"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
