// Places in shared memory as instructions name them.
#pragma once

#include <cstdint>

namespace fathom::cuda {

__device__ inline std::uint32_t shared_address(const void* place) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(place));
}

}  // namespace fathom::cuda
