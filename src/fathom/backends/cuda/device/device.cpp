#include "fathom/backends/cuda/device/device.h"

#include "fathom/backends/cuda/kernels/attention.h"
#include "fathom/backends/cuda/kernels/cuda_check.h"
#include "fathom/backends/cuda/kernels/probe.h"
#include "fathom/base/error.h"

namespace fathom::cuda {
namespace {

std::size_t size_of(std::int64_t bytes) { return static_cast<std::size_t>(bytes); }

}  // namespace

std::string device_obstacle(int device) {
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (code != cudaSuccess) {
    cudaGetLastError();
    int driver = 0;
    if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0)
      return "no GPU can be used: no NVIDIA driver is here";
    return fmt::format("no GPU can be used: {}", cudaGetErrorString(code));
  }
  if (device < 0 || device >= count) return fmt::format("GPU {} is not there, this machine has {}", device, count);
  cudaDeviceProp properties;
  if (cudaSetDevice(device) != cudaSuccess || cudaGetDeviceProperties(&properties, device) != cudaSuccess)
    return fmt::format("GPU {} cannot be used: {}", device, cudaGetErrorString(cudaGetLastError()));
  if (!has_code_for_device())
    return fmt::format(
        "GPU {} ({}) has compute capability {}.{}, for which this program holds no code: build it with "
        "-DFATHOM_CUDA_ARCHITECTURES={}{}",
        device, properties.name, properties.major, properties.minor, properties.major, properties.minor);
  return "";
}

Device::Device(int device) : device_(device) {
  cuda_check(cudaSetDevice(device), "setting the device");
  cuda_check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
  int multiprocessors = 0;
  int shared_bytes = 0;
  cuda_check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device),
             "counting multiprocessors");
  const int capability = compiled_capability();
  if (capability == 0) throw InternalError("[cuda] GPU {}: this program holds no code for it", device);
  chains_ = capability >= 90;
  cuda_check(cudaDeviceGetAttribute(&shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
             "measuring memory");
  size_ = {.multiprocessors = multiprocessors, .shared_bytes = shared_bytes, .capability = capability};
  if (!has_warpgroups(size_)) return;
  int tiles = 0;
  for (int& clusters : size_.attention_clusters)
    clusters = attention_clusters_with_room(tiles += static_cast<int>(kClusterStep));
}

Device::~Device() {
  cudaStreamSynchronize(stream_);
  cudaStreamDestroy(stream_);
}

Stream Device::stream() const { return {raw_stream(), sink_, chains_}; }

CUstream_st* Device::raw_stream() const {
  int current = -1;  // asking is cheap, setting is not
  if (cudaGetDevice(&current) != cudaSuccess || current != device_)
    cuda_check(cudaSetDevice(device_), "setting the device");
  return stream_;
}

void Device::copy_to_device(const std::byte* from, std::byte* to, std::int64_t bytes) const {
  if (bytes > 0)
    cuda_check(cudaMemcpyAsync(to, from, size_of(bytes), cudaMemcpyHostToDevice, raw_stream()), "copying in");
}

void Device::copy_to_host(const std::byte* from, std::byte* to, std::int64_t bytes) const {
  if (bytes > 0)
    cuda_check(cudaMemcpyAsync(to, from, size_of(bytes), cudaMemcpyDeviceToHost, raw_stream()), "copying out");
}

void Device::copy_within(const std::byte* from, std::byte* to, std::int64_t bytes) const {
  if (bytes > 0)
    cuda_check(cudaMemcpyAsync(to, from, size_of(bytes), cudaMemcpyDeviceToDevice, raw_stream()), "copying");
}

void Device::copy_any(const std::byte* from, std::byte* to, std::int64_t bytes) const {
  if (bytes > 0) cuda_check(cudaMemcpyAsync(to, from, size_of(bytes), cudaMemcpyDefault, raw_stream()), "copying");
}

std::int64_t Device::free_bytes() const {
  raw_stream();
  std::size_t unused = 0;
  std::size_t all = 0;
  cuda_check(cudaMemGetInfo(&unused, &all), "asking for free memory");
  return static_cast<std::int64_t>(unused);
}

void Device::set_zero(std::byte* data, std::int64_t bytes) const {
  if (bytes > 0) cuda_check(cudaMemsetAsync(data, 0, size_of(bytes), raw_stream()), "zeroing memory");
}

void Device::wait_for(const Event& event) const {
  cuda_check(cudaStreamWaitEvent(raw_stream(), event.raw(), 0), "waiting for an event");
}

void Device::synchronize() const { cuda_check(cudaStreamSynchronize(raw_stream()), "waiting for the GPU"); }

void Device::check_launch(std::string_view what) const { cuda_check(cudaGetLastError(), what); }

std::byte* DeviceAllocator::allocate(std::int64_t bytes) {
  void* data = nullptr;
  device_.raw_stream();  // of this device
  cudaError_t code = cudaSuccess;
  do {
    code = cudaMalloc(&data, size_of(bytes > 0 ? bytes : 1));
    if (code != cudaSuccess) cudaGetLastError();  // or the next check would see it again
  } while (code == cudaErrorMemoryAllocation && at_shortage_ && at_shortage_());
  if (code != cudaSuccess) {
    std::size_t unused = 0;
    std::size_t all = 0;
    cudaMemGetInfo(&unused, &all);
    throw InputError("[cuda] {} bytes were wanted of the GPU's memory, {} of {} are free: {}", bytes, unused, all,
                     cudaGetErrorString(code));
  }
  device_.set_zero(static_cast<std::byte*>(data), bytes);
  return static_cast<std::byte*>(data);
}

// cudaFree waits for the device: nothing that runs loses its memory.
void DeviceAllocator::release(std::byte* data, std::int64_t /*bytes*/) noexcept {
  if (before_release_) before_release_();
  cudaFree(data);
}

std::byte* PinnedAllocator::allocate(std::int64_t bytes) {
  void* data = nullptr;
  cuda_check(cudaHostAlloc(&data, size_of(bytes > 0 ? bytes : 1), cudaHostAllocPortable | cudaHostAllocMapped),
             "allocating pinned memory");
  std::fill_n(static_cast<std::byte*>(data), bytes, std::byte{0});
  return static_cast<std::byte*>(data);
}

void PinnedAllocator::release(std::byte* data, std::int64_t /*bytes*/) noexcept { cudaFreeHost(data); }

Event::Event() { cuda_check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "making an event"); }

Event::~Event() { cudaEventDestroy(event_); }

void Event::record(const Device& device) {
  cuda_check(cudaEventRecord(event_, device.raw_stream()), "recording an event");
}

void Event::wait() { cuda_check(cudaEventSynchronize(event_), "waiting for an event"); }

}  // namespace fathom::cuda
