// What every launcher takes, without CUDA's headers: its kernel's arguments by value and the stream to run on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

struct CUstream_st;

namespace fathom::cuda {

struct Blocks {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;

  friend bool operator==(const Blocks&, const Blocks&) = default;
};

inline constexpr unsigned kPortableCluster = 8;  // blocks: larger ones are granted by some devices, to those that ask

struct LaunchShape {
  Blocks blocks = {};
  unsigned threads = 0;
  unsigned shared_bytes = 0;
  unsigned cluster = 1;   // blocks of one
  bool chained = false;   // may begin while the kernel before it ends, and waits for it itself
  bool together = false;  // all blocks have a place at once, or none: they may wait for one another

  friend bool operator==(const LaunchShape&, const LaunchShape&) = default;
};

struct KernelCall {
  std::string_view name;
  const void* kernel = nullptr;
  LaunchShape shape = {};
  std::span<const std::span<const std::byte>> arguments = {};  // padding is zero: equal calls are equal bytes
};

// Takes calls instead of the stream, to run them when it will.
class KernelSink {
 public:
  virtual ~KernelSink() = default;
  virtual void launch(const KernelCall& call) = 0;
};

struct Stream {
  Stream(CUstream_st* stream, KernelSink* calls = nullptr, bool chains = false)  // NOLINT: a plain stream will do
      : handle(stream), sink(calls), chained(chains) {}

  CUstream_st* handle;  // cudaStream_t
  KernelSink* sink;     // null: kernels go to the stream at once
  bool chained;         // the device has chained launches
};

// InternalError when it cannot be launched.
void launch_now(const KernelCall& call, CUstream_st* stream);

// Clusters of a kernel that the current device has room for at once; below 0: it does not say. Of the shape its
// threads, shared memory and cluster count.
int clusters_with_room(const void* kernel, const LaunchShape& shape);

// Written by kernels where a host check would have thrown; in memory that both sides see. The last one stays.
enum class FaultCode : std::int32_t { none, invisible_entry, unknown_expert, hashed_expert };

struct Fault {
  FaultCode code = FaultCode::none;
  std::int64_t found = 0;
  std::int64_t limit = 0;
};

}  // namespace fathom::cuda
