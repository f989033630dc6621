#include <algorithm>

#include "fathom/backends/cuda/kernels/mix_and_sum.cuh"

namespace fathom::cuda {
namespace {

bool aligned(const float* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; }

}  // namespace

std::int64_t mix_and_sum_blocks(const ExpandKernel& mixed, const float* weight, std::int64_t outputs,
                                std::int64_t multiprocessors, int capability, std::int64_t shared_bytes) {
  using namespace mix_and_sum;
  constexpr int kCopyEngine = 90;
  const auto bytes = static_cast<std::int64_t>(std::max(sizeof(Shared<false>), sizeof(Shared<true>)));
  const bool fits = capability >= kCopyEngine && shared_bytes >= bytes && mixed.streams == kFourStreams &&
                    mixed.channels == kLanes * kDeepPiece && outputs == kOutputs && mixed.before.slots <= kMostSlots &&
                    aligned(mixed.x) && aligned(mixed.y) && aligned(mixed.comb) && aligned(mixed.post) &&
                    aligned(mixed.before.rows) && aligned(weight);
  return fits ? multiprocessors / kLanes * kLanes : 0;
}

void launch_mix_and_sum(const MixAndSumKernel& args, Stream stream) {
  using namespace mix_and_sum;
  const bool slots = args.mixed.before.rows != nullptr;
  launch(stream, "mix_and_sum",
         {.blocks = {static_cast<unsigned>(args.blocks)},
          .threads = kThreads,
          .shared_bytes = static_cast<unsigned>(slots ? sizeof(Shared<true>) : sizeof(Shared<false>)),
          .chained = stream.chained},
         slots ? mix_and_sum::mix_and_sum<true> : mix_and_sum::mix_and_sum<false>, args);
}

}  // namespace fathom::cuda
