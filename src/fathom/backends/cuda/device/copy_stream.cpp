#include "fathom/backends/cuda/device/copy_stream.h"

#include "fathom/backends/cuda/kernels/cuda_check.h"

namespace fathom::cuda {

CopyStream::CopyStream(const Device& device) : device_(device) {
  device_.raw_stream();  // of this device
  cuda_check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
}

CopyStream::~CopyStream() {
  cudaStreamSynchronize(stream_);
  cudaStreamDestroy(stream_);
}

CUstream_st* CopyStream::raw() const {
  device_.raw_stream();
  return stream_;
}

void CopyStream::copy(const std::byte* from, std::byte* to, std::int64_t bytes) const {
  if (bytes > 0)
    cuda_check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDefault, raw()), "copying beside");
}

void CopyStream::wait_for(const Event& event) const {
  cuda_check(cudaStreamWaitEvent(raw(), event.raw(), 0), "waiting for an event");
}

void CopyStream::record(const Event& event) const {
  cuda_check(cudaEventRecord(event.raw(), raw()), "recording an event");
}

void CopyStream::synchronize() const { cuda_check(cudaStreamSynchronize(raw()), "waiting for copies"); }

}  // namespace fathom::cuda
