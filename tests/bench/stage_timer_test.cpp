#include "fathom/bench/stage_timer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/bench/bench_support.h"

namespace fathom::bench {
namespace {

using testing::TimedModel;

std::vector<std::int32_t> some_ids(std::int32_t count) {
  std::vector<std::int32_t> ids;
  for (std::int32_t place = 0; place < count; ++place) ids.push_back(place * 37 % 512);
  return ids;
}

TEST(StageTimer, ChangesNoBit) {
  TimedModel model;
  SequenceCache first = model.plain.make_cache();
  SequenceCache second = model.timed.make_cache();
  const std::vector<float> plain = model.forward(model.plain, first, some_ids(150));
  for (const float logit : plain) ASSERT_TRUE(std::isfinite(logit));
  EXPECT_EQ(plain, model.forward(model.timed, second, some_ids(150)));
  EXPECT_EQ(model.forward(model.plain, second, {5}), model.forward(model.timed, first, {5}));
}

TEST(StageTimer, TakingStartsAnew) {
  TimedModel model;
  SequenceCache cache = model.timed.make_cache();
  model.forward(model.timed, cache, some_ids(9));
  double sum = 0.0;
  for (const double seconds : model.timer.take()) sum += seconds;
  EXPECT_GT(sum, 0.0);
  for (const double seconds : model.timer.take()) EXPECT_EQ(seconds, 0.0);
}

TEST(StageTimer, AnotherKnowsTheSameWeights) {
  TimedModel model;
  CpuBackend other({.threads = 2});
  StageTimer timer(other, model.timer);
  Transformer transformer = model.timed.with_backend(timer);
  SequenceCache first = model.plain.make_cache();
  SequenceCache second = transformer.make_cache();
  EXPECT_EQ(model.forward(model.plain, first, some_ids(20)), model.forward(transformer, second, some_ids(20)));
  StageTimer stranger(other);
  Transformer unknown = model.timed.with_backend(stranger);
  SequenceCache third = unknown.make_cache();
  EXPECT_THROW(model.forward(unknown, third, some_ids(2)), InternalError);
}

}  // namespace
}  // namespace fathom::bench
