/* For x86-64 with AVX-512: 12 x 2 vectors of the 32 are sums. */
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))),                   \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,prefer-vector-width=512")
#endif
typedef __m512 V;
#define KERNELS kernels_avx512
#define LANES 16
#define TALL 12
#define VECTORS 2
#define BROADCAST(x) _mm512_set1_ps(x)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define WIDEN(f) ((doubles)_mm512_cvtps_pd((__m256)(f)))
#define NARROW(d) ((floats)_mm512_cvtpd_ps((__m512d)(d)))
#include "kernels.inc"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
