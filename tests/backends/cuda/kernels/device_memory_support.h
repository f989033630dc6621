// Device memory for tests: arrays that end where they say, copies, and the word when there is no device.
#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "fathom/backends/cuda/kernels/cuda_check.h"

namespace fathom::cuda {

inline bool has_device() {
  int devices = 0;
  return cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
}

// `count` elements, `offset` elements off an allocation.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(std::int64_t count, std::int64_t offset = 0) : count_(count), offset_(offset) {
    void* memory = nullptr;
    cuda_check(cudaMalloc(&memory, static_cast<std::size_t>(count + offset + 1) * sizeof(T)), "cudaMalloc");
    memory_ = static_cast<T*>(memory);
    cuda_check(cudaMemset(memory, 0xff, static_cast<std::size_t>(count + offset + 1) * sizeof(T)), "cudaMemset");
  }
  explicit DeviceArray(std::span<const T> values, std::int64_t offset = 0)
      : DeviceArray(static_cast<std::int64_t>(values.size()), offset) {
    cuda_check(cudaMemcpy(data(), values.data(), values.size_bytes(), cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  ~DeviceArray() { cudaFree(memory_); }
  DeviceArray(DeviceArray&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), count_(other.count_), offset_(other.offset_) {}
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  DeviceArray& operator=(DeviceArray&&) = delete;

  T* data() const { return memory_ + offset_; }
  std::int64_t size() const { return count_; }
  std::vector<T> host() const {
    std::vector<T> values(static_cast<std::size_t>(count_));
    cuda_check(cudaMemcpy(values.data(), data(), values.size() * sizeof(T), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return values;
  }

 private:
  T* memory_ = nullptr;
  std::int64_t count_;
  std::int64_t offset_;
};

}  // namespace fathom::cuda
