#include "fathom/bench/random_cache.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/bench/bench_support.h"

namespace fathom::bench {
namespace {

using testing::TimedModel;

class RandomCacheTest : public ::testing::Test {
 protected:
  TimedModel model_;
  RandomCache random_{model_.plain.config(), model_.plain.cache_layout(), model_.backend, 4};
};

TEST_F(RandomCacheTest, EveryEntryIsAValidOne) {
  constexpr std::int64_t kTokens = 1000;
  SequenceCache cache = model_.plain.make_cache();
  random_.fill(cache, kTokens, 0);
  EXPECT_EQ(cache.tokens(), kTokens);
  const CacheLayout& layout = model_.plain.cache_layout();
  std::vector<float> values(static_cast<std::size_t>(model_.plain.config().head_dim));
  for (const std::int64_t layer : {2, 3, 4, 5}) {
    const PagedRows entries = cache.entries(layer);
    const std::int64_t count = kTokens / layout.blocks[static_cast<std::size_t>(layer)].ratio;
    for (std::int64_t entry = 0; entry < count; ++entry) {
      decode_entry(layout.entry, {entries.row(entry), static_cast<std::size_t>(entries.row_bytes)}, values);
      double squares = 0.0;
      for (const float value : values) squares += value * value;
      ASSERT_NEAR(std::sqrt(squares / static_cast<double>(values.size())), 1.0, 0.3) << layer << " " << entry;
    }
  }
}

TEST_F(RandomCacheTest, StepsFromItAreFiniteAndRepeatAfterARewind) {
  for (const std::int64_t depth : {0, 1, 127, 1000, 4097}) {
    SequenceCache cache = model_.plain.make_cache();
    random_.fill(cache, depth, 3);
    std::vector<std::vector<float>> steps;
    for (const std::int32_t id : {1, 2, 3, 4, 5, 6}) steps.push_back(model_.forward(model_.plain, cache, {id}));
    for (const std::vector<float>& logits : steps)
      for (const float logit : logits) ASSERT_TRUE(std::isfinite(logit)) << depth;
    random_.rewind(cache, depth, 3);
    for (std::int32_t id = 1; id <= 6; ++id)
      EXPECT_EQ(model_.forward(model_.plain, cache, {id}), steps[static_cast<std::size_t>(id - 1)]) << depth;
  }
}

TEST_F(RandomCacheTest, SequencesDiffer) {
  SequenceCache one = model_.plain.make_cache();
  SequenceCache other = model_.plain.make_cache();
  random_.fill(one, 500, 0);
  random_.fill(other, 500, 1);
  EXPECT_NE(model_.forward(model_.plain, one, {7}), model_.forward(model_.plain, other, {7}));
}

}  // namespace
}  // namespace fathom::bench
