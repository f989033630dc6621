// Host spans on their way to kernels: copied into pinned memory at once, from there to the device in the stream's
// order. The caller's span may be gone when the call returns, and nothing waits for the device unless the ring has come
// round.
#pragma once

#include <cstring>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "fathom/backends/cuda/device/device.h"
#include "fathom/backends/cuda/device/step_recorder.h"
#include "fathom/backends/cuda/staging/segments.h"

namespace fathom::cuda {

class StagedSpans {
 public:
  StagedSpans(const Device& device, Allocator& device_memory, StepRecorder& recorder);

  // The span's elements in the device's memory, for launches until some megabytes later.
  template <typename T>
  const T* stage(std::span<const T> values) {
    return reinterpret_cast<const T*>(stage_bytes(std::as_bytes(values)));
  }
  // Copies a host span to a place of its own.
  void copy_to(std::span<const std::byte> bytes, std::byte* device);

 private:
  struct Staged {
    std::byte* host;
    std::byte* device;
  };
  Staged take(std::int64_t bytes);
  const std::byte* stage_bytes(std::span<const std::byte> bytes);
  void grow(std::int64_t segment_bytes);

  const Device& device_;
  Allocator& device_memory_;
  StepRecorder& recorder_;
  PinnedAllocator pinned_memory_;
  Segments segments_;
  Memory pinned_;
  Memory mirror_;
  std::deque<Event> done_;  // one a segment
};

// Page tables of sequences, kept on the device: a sequence's pages are the same in every layer and step, and grow.
class PageTables {
 public:
  PageTables(StagedSpans& staged, Allocator& device_memory) : staged_(staged), device_memory_(device_memory) {}

  // Before a launch: forgets all when too many sequences have come and gone.
  void trim();
  // The first `count` pages of the table at `pages`, as they are now.
  std::byte* const* on_device(std::byte* const* pages, std::int64_t count);

 private:
  struct Table {
    std::vector<std::byte*> copy;
    Memory device;
  };

  StagedSpans& staged_;
  Allocator& device_memory_;
  std::map<std::byte* const*, Table> tables_;
};

}  // namespace fathom::cuda
