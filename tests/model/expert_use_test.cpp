#include "fathom/model/expert_use.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "fathom/backends/cpu/cpu_backend.h"
#include "tests/model/model_support.h"

namespace fathom::testing {
namespace {

using Times = std::vector<std::int64_t>;

TEST(ExpertUse, CountsChoicesOfEachBlock) {
  ExpertUse use(2, 3);
  const std::vector<std::int32_t> selected = {0, 2, 2, 1, 0, 2};
  use.count(1, View<const std::int32_t, 2>(selected.data(), {3, 2}));
  use.count(1, View<const std::int32_t, 2>(selected.data(), {1, 2}));
  EXPECT_EQ(use.of(0), (Times{0, 0, 0}));
  EXPECT_EQ(use.of(1), (Times{3, 1, 4}));
  EXPECT_THROW(use.of(2), InternalError);
}

TEST(ExpertUse, WhatIsNoExpertIsNotCounted) {
  ExpertUse use(1, 2);
  const std::vector<std::int32_t> selected = {-1, 2, 1, 1 << 30};
  use.count(0, View<const std::int32_t, 2>(selected.data(), {2, 2}));
  EXPECT_EQ(use.of(0), (Times{0, 1}));
}

TEST(ExpertUse, AnyThreadMayLookMeanwhile) {
  ExpertUse use(1, 2);
  std::jthread looking([&](const std::stop_token& stop) {
    std::int64_t before = 0;
    while (!stop.stop_requested()) {
      const std::int64_t now = use.of(0)[1];
      EXPECT_GE(now, before);
      before = now;
    }
  });
  const std::vector<std::int32_t> selected = {1};
  for (int step = 0; step < 20000; ++step) use.count(0, View<const std::int32_t, 2>(selected.data(), {1, 1}));
  looking.request_stop();
  looking.join();
  EXPECT_EQ(use.of(0), (Times{0, 20000}));
}

// What the router's recorded choices sum to: one call a layer in each step.
class CountedModelTest : public RecordedModelTest {
 protected:
  Times recorded(std::int64_t layer) const {
    Times times(static_cast<std::size_t>(config_.experts));
    const std::vector<Call> routes = recorder_.all("route");
    for (std::size_t call = static_cast<std::size_t>(layer); call < routes.size(); call += config_.layers)
      for (const float expert : routes[call].view("selected").values) ++times[static_cast<std::size_t>(expert)];
    return times;
  }
};

TEST_F(CountedModelTest, AStepCountsWhatItsRoutersChose) {
  SequenceCache cache = transformer_.make_cache();
  feed(cache, 9);
  feed(cache, 1);
  const ExpertUse& use = transformer_.expert_use();
  ASSERT_EQ(use.blocks(), config_.layers + config_.mtp_layers);
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) EXPECT_EQ(use.of(layer), recorded(layer)) << layer;
  EXPECT_EQ(use.of(config_.layers), Times(5)) << "nothing was drafted";

  const auto streams = transformer_.final_streams();
  const std::vector<std::int32_t> ids = {id_at(10)};
  const BatchRun run{.cache = &cache, .ids = ids};
  transformer_.draft({&run, 1}, streams);
  const Times drafted = use.of(config_.layers);
  EXPECT_EQ(std::accumulate(drafted.begin(), drafted.end(), std::int64_t{0}), config_.selected_experts);
  const Call route = recorder_.all("route").back();
  for (const float expert : route.view("selected").values)
    EXPECT_EQ(drafted[static_cast<std::size_t>(expert)], 1) << expert;
}

TEST_F(CountedModelTest, AnotherBackendsTransformerBeginsAtNothing) {
  SequenceCache cache = transformer_.make_cache();
  feed(cache, 3);
  EXPECT_EQ(transformer_.with_backend(recorder_).expert_use().of(0), Times(5));
}

// As a GPU is: nobody may look at its memory.
class FarBackend final : public CpuBackend {
 public:
  FarBackend() : CpuBackend({.threads = 1}) {}
  bool memory_is_hosts() const override { return false; }
};

TEST(ExpertUse, WhereChoicesLieInADevicesMemoryNothingIsCounted) {
  const SmallModel model(small_config());
  FarBackend backend;
  Transformer transformer(model.checkpoint(), backend, {});
  SequenceCache cache = transformer.make_cache();
  const std::vector<std::int32_t> ids = {3, 1, 4};
  const BatchRun run{.cache = &cache, .ids = ids};
  transformer.forward({&run, 1});
  EXPECT_EQ(transformer.expert_use().blocks(), 0);
}

}  // namespace
}  // namespace fathom::testing
