// The instruction sets that kernels are compiled for; every kernel file includes this before Highway. AVX-512, AVX2,
// SSE4, NEON and plain scalar code remain. SSSE3 serves no machine that matters, and SVE vectors have no size known to
// the compiler, so that they cannot lie in arrays of accumulators: NEON runs on the same machines.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
