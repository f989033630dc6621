// One GPU: its stream, its memory, and calls into CUDA's runtime that throw where they fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "fathom/backends/cuda/choose/attention_shape.h"
#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/tensor/memory.h"

struct CUevent_st;

namespace fathom::cuda {

// Why there is no such device to compute on; empty when there is one.
std::string device_obstacle(int device);

class Event;

class Device {
 public:
  explicit Device(int device);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // The calling thread's launches go to this device from here on, through `sink` where there is one.
  Stream stream() const;
  void set_sink(KernelSink* sink) { sink_ = sink; }
  const DeviceSize& size() const { return size_; }

  // For calls of the runtime; kernels take stream().
  CUstream_st* raw_stream() const;

  // On the stream, in order with what was launched; `from` is pinned, or nobody's until synchronize().
  void copy_to_device(const std::byte* from, std::byte* to, std::int64_t bytes) const;
  void copy_to_host(const std::byte* from, std::byte* to, std::int64_t bytes) const;
  void copy_within(const std::byte* from, std::byte* to, std::int64_t bytes) const;
  void copy_any(const std::byte* from, std::byte* to, std::int64_t bytes) const;  // either side's memory, pinned
  std::int64_t free_bytes() const;                                                // of the device's memory
  void set_zero(std::byte* data, std::int64_t bytes) const;
  // What is launched next waits for what is before the event; at once when nothing was recorded.
  void wait_for(const Event& event) const;
  void synchronize() const;
  // Throws when the last launch could not be made.
  void check_launch(std::string_view what) const;

 private:
  int device_;
  CUstream_st* stream_ = nullptr;
  KernelSink* sink_ = nullptr;
  DeviceSize size_;
  bool chains_ = false;  // launches: sm_90 and later
};

// The GPU's memory, zeroed in the stream's order.
class DeviceAllocator final : public Allocator {
 public:
  explicit DeviceAllocator(const Device& device) : device_(device) {}
  // Called before memory goes: what was put off may still want it.
  void before_release(std::function<void()> call) { before_release_ = std::move(call); }
  // Called when there is no memory left: gives some back and says so, or says that it has none.
  void at_shortage(std::function<bool()> call) { at_shortage_ = std::move(call); }
  std::byte* allocate(std::int64_t bytes) override;
  void release(std::byte* data, std::int64_t bytes) noexcept override;

 private:
  const Device& device_;
  std::function<void()> before_release_;
  std::function<bool()> at_shortage_;
};

// Memory of this machine that the GPU reads and writes as well.
class PinnedAllocator final : public Allocator {
 public:
  std::byte* allocate(std::int64_t bytes) override;
  void release(std::byte* data, std::int64_t bytes) noexcept override;
};

// A point in a stream's work.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(const Device& device);
  void wait();  // until what came before record() is done; at once when nothing was recorded
  CUevent_st* raw() const { return event_; }

 private:
  CUevent_st* event_ = nullptr;
};

}  // namespace fathom::cuda
