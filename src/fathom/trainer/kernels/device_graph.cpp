#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "fathom/base/error.h"
#include "fathom/trainer/kernels/device.h"

namespace fathom::train::device {

struct Graph::Recording {
  at::cuda::CUDAGraph graph;
};

Graph::Graph() = default;
Graph::~Graph() = default;

bool Graph::can_record(torch::Device device) {
  return device.is_cuda() &&
         c10::cuda::getCurrentCUDAStream(device.index()) != c10::cuda::getDefaultCUDAStream(device.index());
}

void Graph::record(const std::function<void()>& work) {
  recording_ = std::make_unique<Recording>();
  // Relaxed: the thread that reads rows goes on copying, on a stream of its own.
  recording_->graph.capture_begin({0, 0}, cudaStreamCaptureModeRelaxed);
  work();
  recording_->graph.capture_end();
}

void Graph::replay() {
  check(recording_ != nullptr, "a graph is recorded before it is replayed");
  recording_->graph.replay();
}

void use_own_stream(torch::Device device) {
  if (!device.is_cuda()) return;
  c10::cuda::set_device(device.index());  // a stream is recorded on the current device
  c10::cuda::setCurrentCUDAStream(c10::cuda::getStreamFromPool(false, device.index()));
}

void keep_until_used(const torch::Tensor& x) {
  if (x.is_cuda()) x.record_stream(c10::cuda::getCurrentCUDAStream(x.device().index()));
}

}  // namespace fathom::train::device
