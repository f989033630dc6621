// What every launcher takes, without CUDA's headers: its kernel's arguments by value and the stream to run on.
#pragma once

#include <cstdint>

struct CUstream_st;

namespace fathom::cuda {

using Stream = CUstream_st*;  // cudaStream_t

// Written by kernels where a host check would have thrown; in memory that both sides see. The last one stays.
enum class FaultCode : std::int32_t { none, invisible_entry, unknown_expert, hashed_expert };

struct Fault {
  FaultCode code = FaultCode::none;
  std::int64_t found = 0;
  std::int64_t limit = 0;
};

}  // namespace fathom::cuda
