#include "fathom/backends/cuda/device/step_recorder.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "fathom/backends/cuda/kernels/cuda_check.h"
#include "fathom/base/error.h"

namespace fathom::cuda {
namespace {

// Calls of a graph: the first are few, for the device waits while the host compares them; then more each time, so that
// the next graph is there before the one ahead has ended: comparing a call and launching its share of a graph takes 1.2
// microseconds, running it 8. Between two graphs the device has nothing to do for 4 microseconds, as no kernel begins
// before the ones of the graph before have ended; but a graph of all 190 calls of twelve layers takes longer than
// these.
constexpr std::array<std::size_t, 5> kSegmentCalls = {6, 8, 16, 32, 64};
constexpr std::size_t kMostRecordings = 64;
constexpr int kMostDivergences = 8;  // one after another: such a pattern is none
constexpr std::int64_t kStagedBytes = std::int64_t{1} << 20;
constexpr std::int64_t kAlignment = 64;
constexpr std::size_t kMostArguments = 8;

}  // namespace

// A kernel, or a copy where it has none.
struct StepRecorder::Call {
  std::string_view name = {};
  const void* kernel = nullptr;
  LaunchShape shape = {};
  std::vector<std::byte> bytes = {};  // of all arguments, each from a multiple of 16 on
  std::vector<std::uint32_t> sizes = {};
  const std::byte* from = nullptr;
  std::byte* to = nullptr;
  std::int64_t count = 0;
};

struct StepRecorder::Segment {
  std::vector<Call> calls = {};
  cudaGraphExec_t graph = nullptr;

  Segment() = default;
  Segment(Segment&& other) noexcept : calls(std::move(other.calls)), graph(std::exchange(other.graph, nullptr)) {}
  Segment& operator=(Segment&& other) noexcept {
    std::swap(calls, other.calls);
    std::swap(graph, other.graph);
    return *this;
  }
  ~Segment() { drop_graph(); }
  void drop_graph() {
    if (graph != nullptr) cudaGraphExecDestroy(std::exchange(graph, nullptr));
  }
};

struct StepRecorder::Recording {
  std::vector<Segment> segments = {};
  std::uint64_t last_step = 0;
  int divergences = 0;  // since it last matched to the end
};

namespace {

std::size_t padded(std::size_t bytes) { return (bytes + 15) / 16 * 16; }

}  // namespace

StepRecorder::StepRecorder(const Device& device, Allocator& device_memory)
    : device_(device), pinned_(pinned_memory_, kStagedBytes), staged_(device_memory, kStagedBytes), copies_(device) {}

StepRecorder::~StepRecorder() = default;

void StepRecorder::begin(std::uint64_t pattern) {
  end();
  if (pattern == 0) return;
  sent_.wait();
  staged_bytes_ = 0;
  sent_bytes_ = 0;
  segment_ = 0;
  call_ = 0;
  std::unique_ptr<Recording>& recording = recordings_[pattern];
  if (recording == nullptr) recording = std::make_unique<Recording>();
  recording->last_step = ++steps_;
  if (recording->divergences > kMostDivergences) return;
  recording_ = recording.get();
  mode_ = recording->segments.empty() ? Mode::recording : Mode::comparing;
  if (recordings_.size() > kMostRecordings) forget_oldest();
}

void StepRecorder::forget_oldest() {
  const auto oldest = std::min_element(recordings_.begin(), recordings_.end(), [](const auto& left, const auto& right) {
    return left.second->last_step < right.second->last_step;
  });
  recordings_.erase(oldest);
}

void StepRecorder::end() {
  if (mode_ == Mode::closed) return;
  if (mode_ == Mode::comparing) {
    if (segment_ < recording_->segments.size()) {
      diverge();  // fewer calls than before
    } else {
      recording_->divergences = 0;
      send_staged(staged_bytes_);  // for a launch that comes behind what was recorded
    }
  }
  mode_ = Mode::closed;
  recording_ = nullptr;
  sent_.record(device_);
}

const std::byte* StepRecorder::stage(std::span<const std::byte> bytes) {
  if (mode_ == Mode::closed) return nullptr;
  const auto size = std::ssize(bytes);
  if (staged_bytes_ + size > kStagedBytes) {
    end();
    return nullptr;
  }
  std::byte* place = staged_.data() + staged_bytes_;
  std::copy(bytes.begin(), bytes.end(), pinned_.data() + staged_bytes_);
  staged_bytes_ += (size + kAlignment - 1) / kAlignment * kAlignment;
  if (mode_ == Mode::recording) send_staged(staged_bytes_);
  return place;
}

// Up to `last`. Between two graphs a copy would take time of its own, so it is made while the first one runs. Only the
// step's first copy waits for all that was launched, as kernels may still read there.
void StepRecorder::send_staged(std::int64_t last) {
  const std::byte* from = pinned_.data() + sent_bytes_;
  std::byte* to = staged_.data() + sent_bytes_;
  const std::int64_t bytes = last - sent_bytes_;
  if (bytes == 0) return;
  if (mode_ == Mode::comparing && sent_bytes_ > 0) {
    copies_.copy(from, to, bytes);
    copies_.record(copied_);
    device_.wait_for(copied_);
  } else {
    device_.copy_to_device(from, to, bytes);
    if (mode_ == Mode::comparing) {
      copied_.record(device_);
      copies_.wait_for(copied_);
    }
  }
  sent_bytes_ = last;
}

bool StepRecorder::matches(const Call& call, const KernelCall& found) const {
  if (call.kernel != found.kernel || !(call.shape == found.shape)) return false;
  if (call.sizes.size() != found.arguments.size()) return false;
  const std::byte* bytes = call.bytes.data();
  for (std::size_t index = 0; index < call.sizes.size(); ++index) {
    const auto& argument = found.arguments[index];
    if (argument.size() != call.sizes[index] || std::memcmp(bytes, argument.data(), argument.size()) != 0) return false;
    bytes += padded(argument.size());
  }
  return true;
}

void StepRecorder::launch(const KernelCall& call) {
  ++calls_;
  if (mode_ == Mode::closed) return launch_now(call, device_.raw_stream());
  if (mode_ == Mode::comparing) {
    if (segment_ < recording_->segments.size() && matches(recording_->segments[segment_].calls[call_], call))
      return matched();
    diverge();
  }
  launch_now(call, device_.raw_stream());
  Call kept = {.name = call.name, .kernel = call.kernel, .shape = call.shape};
  for (const auto& argument : call.arguments) {
    kept.sizes.push_back(static_cast<std::uint32_t>(argument.size()));
    const std::size_t place = kept.bytes.size();
    kept.bytes.resize(place + padded(argument.size()));
    std::copy(argument.begin(), argument.end(), kept.bytes.begin() + static_cast<std::ptrdiff_t>(place));
  }
  remember(std::move(kept));
}

void StepRecorder::copy(const std::byte* from, std::byte* to, std::int64_t bytes) {
  if (bytes == 0) return;
  ++calls_;
  if (mode_ == Mode::comparing) {
    if (segment_ < recording_->segments.size()) {
      const Call& next = recording_->segments[segment_].calls[call_];
      if (next.kernel == nullptr && next.from == from && next.to == to && next.count == bytes) return matched();
    }
    diverge();
  }
  device_.copy_within(from, to, bytes);
  if (mode_ == Mode::recording) remember({.from = from, .to = to, .count = bytes});
}

void StepRecorder::matched() {
  if (++call_ < recording_->segments[segment_].calls.size()) return;
  run(recording_->segments[segment_]);
  ++segment_;
  call_ = 0;
}

void StepRecorder::remember(Call call) {
  std::vector<Segment>& segments = recording_->segments;
  const std::size_t segment = segments.empty() ? 0 : segments.size() - 1;
  const std::size_t most = kSegmentCalls[std::min(segment, kSegmentCalls.size() - 1)];
  if (segments.empty() || segments.back().calls.size() >= most) segments.emplace_back();
  segments.back().drop_graph();
  segments.back().calls.push_back(std::move(call));
}

// Launches what was held back, and records from here on.
void StepRecorder::diverge() {
  std::vector<Segment>& segments = recording_->segments;
  mode_ = Mode::recording;
  send_staged(staged_bytes_);
  ++recording_->divergences;
  if (segment_ >= segments.size()) return;
  segments.resize(segment_ + 1);
  Segment& last = segments.back();
  if (call_ == 0) {
    segments.pop_back();
    return;
  }
  last.drop_graph();
  last.calls.resize(call_);
  run_calls(last.calls);
}

void StepRecorder::run_calls(std::span<const Call> calls) {
  for (const Call& call : calls) {
    if (call.kernel == nullptr) {
      device_.copy_within(call.from, call.to, call.count);
      continue;
    }
    std::array<std::span<const std::byte>, kMostArguments> arguments;
    std::size_t place = 0;
    for (std::size_t index = 0; index < call.sizes.size(); ++index) {
      arguments[index] = std::span(call.bytes).subspan(place, call.sizes[index]);
      place += padded(call.sizes[index]);
    }
    launch_now({.name = call.name,
                .kernel = call.kernel,
                .shape = call.shape,
                .arguments = std::span(arguments).first(call.sizes.size())},
               device_.raw_stream());
  }
}

void StepRecorder::run(Segment& segment) {
  send_staged(staged_bytes_);
  if (segment.graph == nullptr) {
    CUstream_st* stream = device_.raw_stream();
    cuda_check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    cudaGraph_t graph = nullptr;
    try {
      run_calls(segment.calls);
    } catch (...) {
      cudaStreamEndCapture(stream, &graph);
      if (graph != nullptr) cudaGraphDestroy(graph);
      throw;
    }
    cuda_check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
    const cudaError_t made = cudaGraphInstantiate(&segment.graph, graph, 0);
    cudaGraphDestroy(graph);
    cuda_check(made, "cudaGraphInstantiate");
  }
  cuda_check(cudaGraphLaunch(segment.graph, device_.raw_stream()), "cudaGraphLaunch");
}

}  // namespace fathom::cuda
