/* For x86-64 with AVX2 and FMA: 6 x 2 vectors of the 16 are sums. */
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
typedef __m256 V;
#define KERNELS kernels_avx2
#define LANES 8
#define TALL 6
#define VECTORS 2
#define BROADCAST(x) _mm256_set1_ps(x)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define WIDEN(f) ((doubles)_mm256_cvtps_pd((__m128)(f)))
#define NARROW(d) ((floats)_mm256_cvtpd_ps((__m256d)(d)))
#include "kernels.inc"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
