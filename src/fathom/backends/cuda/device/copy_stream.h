// Copies beside the device's own stream, in an order of their own; events tie the two together.
#pragma once

#include "fathom/backends/cuda/device/device.h"

namespace fathom::cuda {

class CopyStream {
 public:
  explicit CopyStream(const Device& device);
  ~CopyStream();  // waits
  CopyStream(const CopyStream&) = delete;
  CopyStream& operator=(const CopyStream&) = delete;

  void copy(const std::byte* from, std::byte* to, std::int64_t bytes) const;  // either side's memory, pinned
  // What comes next here waits for what is before `event`.
  void wait_for(const Event& event) const;
  void record(const Event& event) const;
  void synchronize() const;

 private:
  CUstream_st* raw() const;

  const Device& device_;
  CUstream_st* stream_ = nullptr;
};

}  // namespace fathom::cuda
