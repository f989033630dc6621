// Steps that launch alike, as CUDA graphs. A step's calls are compared with those of the last step of its pattern, byte
// by byte; where they are equal nothing is launched but a graph at a time. Where they differ,
// what was held back is launched as it came, and the step becomes the pattern's new record: a step's results never
// depend on what was recorded.
//
//   begin(pattern) ── launch, copy, stage ... ──▶ equal: held back, a segment at a time ──▶ graph
//                                            └──▶ differs: launched at once, and remembered
//
// What changes from step to step (positions, rings, pages) is staged at addresses that are the same in every step of a
// pattern.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "fathom/backends/cuda/device/copy_stream.h"
#include "fathom/backends/cuda/device/device.h"
#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/tensor/memory.h"

struct CUgraphExec_st;

namespace fathom::cuda {

class StepRecorder final : public KernelSink {
 public:
  StepRecorder(const Device& device, Allocator& device_memory);
  ~StepRecorder() override;

  // Steps of one pattern are likely to launch alike; 0: not to be recorded.
  void begin(std::uint64_t pattern);
  bool open() const { return mode_ != Mode::closed; }
  // Launches what is still held back. Calls outside a step go to the stream at once.
  void end();

  void launch(const KernelCall& call) override;
  // Within the device's memory.
  void copy(const std::byte* from, std::byte* to, std::int64_t bytes);
  // Where in the device's memory a kernel of this step finds these bytes; null: no step is recorded, or it has no room.
  const std::byte* stage(std::span<const std::byte> bytes);
  // Kernels and copies so far, of steps or not.
  std::uint64_t calls() const { return calls_; }

 private:
  struct Call;
  struct Segment;
  struct Recording;
  enum class Mode : std::uint8_t { closed, recording, comparing };

  bool matches(const Call& call, const KernelCall& found) const;
  void matched();
  void remember(Call call);
  void diverge();
  void run(Segment& segment);
  void run_calls(std::span<const Call> calls);
  void send_staged(std::int64_t last);
  void forget_oldest();

  const Device& device_;
  PinnedAllocator pinned_memory_;
  Memory pinned_;
  Memory staged_;
  CopyStream copies_;  // while a graph runs
  Event copied_;       // on either stream, for the other
  Event sent_;         // all that was staged in the step before
  std::map<std::uint64_t, std::unique_ptr<Recording>> recordings_;
  Recording* recording_ = nullptr;
  Mode mode_ = Mode::closed;
  std::size_t segment_ = 0;        // of recording_, that is compared
  std::size_t call_ = 0;           // of that segment, that comes next
  std::int64_t staged_bytes_ = 0;  // of this step
  std::int64_t sent_bytes_ = 0;    // of these, on their way
  std::uint64_t steps_ = 0;
  std::uint64_t calls_ = 0;
};

}  // namespace fathom::cuda
