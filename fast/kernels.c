/* Which kernels this processor can run. */
#include "kernels.h"

static bool runs(enum assay_fast_path path)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    switch (path) {
    case ASSAY_FAST_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case ASSAY_FAST_AVX512:
        return avx512;
    case ASSAY_FAST_AVX512_BF16:
        return avx512 && __builtin_cpu_supports("avx512bf16");
    case ASSAY_FAST_AMX_BF16:
        return avx512 && tiles_run();
    default:
        return path == ASSAY_FAST_PORTABLE;
    }
#elif defined(__aarch64__)
    return path == ASSAY_FAST_PORTABLE || path == ASSAY_FAST_NEON;
#else
    return path == ASSAY_FAST_PORTABLE;
#endif
}

const struct kernels *kernels_of(enum assay_fast_path path, enum assay_fast_path *chosen)
{
    if (path == ASSAY_FAST_BEST)
        for (path = ASSAY_FAST_PATHS - 1; !runs(path);)
            path--;
    if (!runs(path))
        return NULL;
    if (chosen)
        *chosen = path;
    switch (path) {
#if defined(__x86_64__)
    case ASSAY_FAST_AVX2:
        return &kernels_avx2;
    case ASSAY_FAST_AVX512:
        return &kernels_avx512;
    case ASSAY_FAST_AVX512_BF16:
        return &kernels_avx512_bf16;
    case ASSAY_FAST_AMX_BF16:
        return &kernels_amx_bf16;
#elif defined(__aarch64__)
    case ASSAY_FAST_NEON:
        return &kernels_neon;
#endif
    default:
        return &kernels_portable;
    }
}

bool assay_fast_path_runs(enum assay_fast_path path)
{
    return kernels_of(path, NULL) != NULL;
}

const char *assay_fast_path_name(enum assay_fast_path path)
{
    static const char *const names[] = {"best", "portable", "neon", "avx2", "avx512", "avx512-bf16", "amx-bf16"};
    return (unsigned)path < ASSAY_FAST_PATHS ? names[path] : "unknown";
}
