/* For x86-64 with AVX-512. */
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))),                   \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,prefer-vector-width=512")
#endif
#include "kernels_avx512.inc"
#define KERNELS kernels_avx512
#include "kernels.inc"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
