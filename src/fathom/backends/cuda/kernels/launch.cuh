// How every kernel is launched. From sm_90 on a kernel may begin while earlier ones still run, several of them, up to
// the place where it waits (wait_for_earlier_kernels) for the one before it, which has waited for those before: each
// kernel waits, on every path. What it reads ahead of that must not be a kernel's work within the step: weights, and
// runs and page tables, which are copied there ahead of every kernel that has them. There are two exceptions. A lone
// token's experts read x, and what the planner chooses, while that runs, as block 0 of it lets them begin behind its
// own wait. And the products of a lone token's row read that while the kernel that makes it runs (awaited_row.h), which
// has waited: they wait before they end.
#pragma once

#include <array>
#include <tuple>
#include <type_traits>

#include "fathom/backends/cuda/kernels/launching.h"

namespace fathom::cuda {

// Padding is cleared so that equal calls are equal bytes. GCC 12 clears the pointer beside a lone bool of a struct that
// holds arrays of structs (tests/backends/cuda/kernels/product_launch_test.cpp), and in what nvcc hands to it leaves
// padding behind them as it was, so that steps never matched (launch_bytes_test.cpp): such structs have none there.
template <typename... Parameters, typename... Arguments>
void launch(const Stream& stream, std::string_view name, const LaunchShape& shape, void (*kernel)(Parameters...),
            const Arguments&... arguments) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...));
  std::tuple<Parameters...> values(arguments...);
  std::apply([](auto&... value) { (__builtin_clear_padding(&value), ...); }, values);
  const auto spans = std::apply(
      [](const auto&... value) {
        return std::array<std::span<const std::byte>, sizeof...(Parameters)>{std::as_bytes(std::span(&value, 1))...};
      },
      values);
  const KernelCall call = {
      .name = name, .kernel = reinterpret_cast<const void*>(kernel), .shape = shape, .arguments = spans};
  stream.sink != nullptr ? stream.sink->launch(call) : launch_now(call, stream.handle);
}

#ifdef __CUDACC__

// Before a kernel reads what an earlier one wrote, and before it writes what an earlier one may still read.
__device__ inline void wait_for_earlier_kernels() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

__device__ inline void let_later_kernels_begin() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// Before the wait: what no kernel writes (a norm's weights, a router's bias) comes into the second-level cache, which
// the weights of a whole step have been through since it was last used. All threads of the block call it.
__device__ inline void send_for(const float* values, std::int64_t count) {
  constexpr std::int64_t kLine = 32;  // floats
  for (std::int64_t first = threadIdx.x * kLine; first < count; first += blockDim.x * kLine)
    asm volatile("prefetch.global.L2 [%0];" ::"l"(values + first));
}

// The first words of a kernel that has nothing to do before. Later ones may take their places at once: each waits for
// the one before it, and so for all.
__device__ inline void begin_in_turn() {
  let_later_kernels_begin();
  wait_for_earlier_kernels();
}

#endif

}  // namespace fathom::cuda
