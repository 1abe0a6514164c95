/* For any processor: vectors of the compiler's. */
typedef float V __attribute__((vector_size(16)));
#define KERNELS kernels_portable
#define LANES 4
#define TALL 4
#define VECTORS 2
#define BROADCAST(x)                                                                                                   \
    (V)                                                                                                                \
    {                                                                                                                  \
        x, x, x, x                                                                                                     \
    }
#define FMA(a, b, c) ((a) * (b) + (c))
#include "kernels.inc"
