// Where a sublayer ends and the next begins: streams are mixed and the next one's deep product is summed in one kernel,
// of many tokens here and of few where sublayers begin (fused.cpp).
#include <algorithm>

#include "fathom/backends/cuda/kernels/hyper_connection.h"
#include "fathom/backends/cuda/kernels/mix_and_sum.h"
#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {
namespace {

constexpr std::int64_t kMostTokens = 8192;  // of one launch

// Tokens [first, first + count) of an expansion.
ExpandKernel part_of(ExpandKernel expand, std::int64_t first, std::int64_t count) {
  expand.y += first * expand.channels;
  expand.post += first * expand.streams;
  expand.comb += first * expand.streams * expand.streams;
  expand.x += first * expand.streams * expand.channels;
  if (expand.before.rows != nullptr) expand.before.row_of_slot += first * expand.before.slots;
  expand.tokens = count;
  return expand;
}

}  // namespace

void CudaLauncher::do_between_sublayers(const BetweenSublayersArgs& args) {
  check(args.into.streams.extent(1) <= kMostStreams, "[cuda] a thread holds all streams");
  expand_and_begin(expand_kernel(args.into), args.next);
  device_.check_launch("between_sublayers");
}

void CudaLauncher::expand_and_begin(const ExpandKernel& expand, const HyperConnectionArgs* next) {
  const std::int64_t tokens = expand.tokens;
  const bool deep = next != nullptr && tiled(next->fn) == nullptr && plain(next->fn).method() == ProductMethod::deep;
  const DeviceWeight* weight = deep ? &plain(next->fn).weight() : nullptr;
  const auto* fn = deep ? reinterpret_cast<const float*>(weight->data) : nullptr;
  const std::int64_t blocks = deep ? mix_and_sum_blocks(expand, fn, weight->out, device_.size().multiprocessors,
                                                        device_.size().capability, device_.size().shared_bytes)
                                   : 0;
  const std::int64_t last = tokens % kMostTokens;  // of the last launch; 0: as many as of all others
  const bool many =
      hyper_connection_of_many(last == 0 ? kMostTokens : last, expand.streams, expand.channels) && tokens > 0;
  if (blocks == 0 || !many) {
    if (next != nullptr) return begin_sublayer(*next, &expand);
    return launch_expand(expand, device_.stream());
  }
  const Arena::Scope scope(scratch_);
  constexpr std::int64_t kLanes = 32;
  const std::int64_t most = std::min(tokens, kMostTokens);
  float* lanes = scratch_.take<float, 1>({kLanes * most * weight->out}).data();
  float* inverse_rms = scratch_.take<float, 1>({most}).data();
  for (std::int64_t token = 0; token < tokens; token += kMostTokens) {
    const std::int64_t count = std::min(kMostTokens, tokens - token);
    launch_mix_and_sum({.mixed = part_of(expand, token, count), .weight = fn, .lanes = lanes, .blocks = blocks},
                       device_.stream());
    HyperConnectionKernel rest = hyper_connection_kernel(*next, token, count);
    rest.lanes = lanes;
    rest.inverse_rms = inverse_rms;
    launch_hyper_connection(rest, device_.stream());
  }
}

}  // namespace fathom::cuda
