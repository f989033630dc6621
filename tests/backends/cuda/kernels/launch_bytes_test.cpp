// A recorded step is compared byte by byte: what lies between the members of a kernel's arguments must not differ from
// call to call, whatever was in the memory before.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "fathom/backends/cuda/kernels/attention.h"

namespace fathom::cuda {
namespace {

struct Kept final : KernelSink {
  void launch(const KernelCall& call) override {
    for (const auto argument : call.arguments) calls.emplace_back(argument.begin(), argument.end());
  }
  std::vector<std::vector<std::byte>> calls;
};

// Members are written, what lies between them stays `garbage`.
template <class Launch>
std::vector<std::vector<std::byte>> launched(AttentionMethod method, std::int64_t cluster, int garbage,
                                             const Launch& launch) {
  AttentionKernel args;
  std::memset(static_cast<void*>(&args), garbage, sizeof(args));
  args.format.storage = CacheStorage::released;
  args.format.head_dim = kTiledHeadDim;
  args.format.rope_dim = kTiledRopeDim;
  args.q = nullptr;
  args.fresh = nullptr;
  args.sink = nullptr;
  args.out = nullptr;
  args.heads = 64;
  args.window = 128;
  args.choice = KeyChoice::window;
  args.ratio = 0;
  args.selected = nullptr;
  args.top_k = 0;
  args.scale = 0.5F;
  args.runs = PlacedRuns();
  args.runs.count = 1;
  args.first = 0;
  args.count = 1;
  args.scores = nullptr;
  args.score_step = 128;
  args.shape.method = method;
  args.shape.split = 1;
  args.shape.large_tiles = 0;
  args.shape.block_heads = 16;
  args.shape.widened_rows = 0;
  args.shape.cluster = cluster;
  args.shape.tokens = 1;
  args.shape.floats = 0;
  args.fault = nullptr;
  args.end = {};
  Kept kept;
  launch(args, Stream(nullptr, &kept, true));
  return kept.calls;
}

TEST(LaunchBytes, AttentionsAreEqualWhateverWasThereBefore) {
  const auto expect_equal = [](AttentionMethod method, const auto& launch, std::int64_t cluster = 0) {
    const auto one = launched(method, cluster, 0xA5, launch);
    EXPECT_FALSE(one.empty());
    EXPECT_TRUE(one == launched(method, cluster, 0x5A, launch)) << static_cast<int>(method);
  };
  expect_equal(AttentionMethod::chains, launch_attention_chains);
  expect_equal(AttentionMethod::tiles, launch_attention_tiles);
  expect_equal(AttentionMethod::warpgroups, launch_attention_warpgroups);
  expect_equal(AttentionMethod::warpgroups, launch_attention_warpgroups, 2);
}

}  // namespace
}  // namespace fathom::cuda
