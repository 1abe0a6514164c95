/* For aarch64: 8 x 3 vectors of the 32 are sums. */
#include "kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>
typedef float32x4_t V;
#define KERNELS kernels_neon
#define LANES 4
#define TALL 8
#define VECTORS 3
#define BROADCAST(x) vdupq_n_f32(x)
#define FMA(a, b, c) vfmaq_f32(c, a, b)
#include "kernels.inc"
#endif
