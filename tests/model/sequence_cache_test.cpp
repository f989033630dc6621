#include "fathom/model/sequence_cache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/model/transformer.h"
#include "fathom/spec/kv_size.h"
#include "tests/model/small_model.h"

namespace fathom::testing {
namespace {

using Ids = std::vector<std::int32_t>;
using Logits = std::vector<float>;

TEST(SequenceCache, RingsLieInTheStateByPosition) {
  const CacheLayout layout = make_cache_layout(small_config(), CacheStorage::released, 2);
  SequenceCache cache(layout, host_allocator());
  const Ring window = cache.window(1);
  EXPECT_EQ(window.capacity, 7 + 2);
  EXPECT_EQ(window.row_bytes, layout.entry.row_bytes());
  EXPECT_EQ(window.row(0), window.rows);
  EXPECT_EQ(window.row(9), window.rows);
  EXPECT_EQ(window.row(13), window.rows + 4 * window.row_bytes);
  EXPECT_EQ(window.rows - cache.window(0).rows, layout.blocks[1].window_offset - layout.blocks[0].window_offset);

  const Ring kv = cache.kv_tail(1);
  EXPECT_EQ(kv.capacity, 2 * 4 + 2);
  EXPECT_EQ(kv.row_bytes, 2 * 90 * 4);
  EXPECT_EQ(cache.gate_tail(1).rows - kv.rows, layout.blocks[1].tail.gate_offset - layout.blocks[1].tail.kv_offset);
  EXPECT_EQ(cache.index_kv_tail(1).row_bytes, 2 * 32 * 4);
  EXPECT_EQ(cache.index_gate_tail(1).capacity, 10);
  EXPECT_EQ(cache.kv_tail(2).capacity, 6 + 2);
  EXPECT_EQ(cache.kv_tail(2).row_bytes, 90 * 4);
}

TEST(SequenceCache, PagesGrowWithTheTextAndStayWhereTheyAre) {
  const CacheLayout layout = make_cache_layout(small_config(), CacheStorage::released);
  ASSERT_EQ(layout.page_tokens, 384);  // 128, 4 and 6 divide it
  SequenceCache cache(layout, host_allocator());
  const std::int64_t empty = cache.bytes();
  EXPECT_EQ(empty, layout.state_bytes);
  cache.reserve(0);
  EXPECT_EQ(cache.bytes(), empty);
  cache.reserve(1);
  EXPECT_EQ(cache.bytes(), empty + layout.page_bytes);
  const PagedRows first = cache.entries(1);
  std::byte* const row = first.row(95);
  cache.reserve(384);
  EXPECT_EQ(cache.bytes(), empty + layout.page_bytes);
  cache.reserve(385);
  EXPECT_EQ(cache.bytes(), empty + 2 * layout.page_bytes);
  const PagedRows entries = cache.entries(1);
  EXPECT_EQ(entries.rows_per_page, 96);
  EXPECT_EQ(entries.row(95), row);
  EXPECT_EQ(entries.row(96), entries.pages[1] + entries.offset);
  EXPECT_EQ(cache.index_keys(1).row(1) - cache.index_keys(1).row(0), layout.index_key.row_bytes());
  cache.reserve(5);  // less is no request to shrink
  EXPECT_EQ(cache.bytes(), empty + 2 * layout.page_bytes);
}

TEST(SequenceCache, LengthsAreWhatTheyWereSetTo) {
  const CacheLayout layout = make_cache_layout(small_config(), CacheStorage::float32);
  SequenceCache cache(layout, host_allocator());
  EXPECT_EQ(cache.tokens(), 0);
  cache.set_tokens(17);
  cache.set_mtp_tokens(16);
  EXPECT_EQ(cache.tokens(), 17);
  EXPECT_EQ(cache.mtp_tokens(), 16);
}

// As allocated, without running the model: what a token takes is what the plan says, and the slot of the state beside.
TEST(SequenceCache, DeepCachesOfTheReleasedModelsTakeWhatWasComputed) {
  constexpr std::int64_t kDepth = 32'768;
  constexpr std::int64_t kDeepest = 1'048'576;
  for (const char* preset : {"deepseek-v4-flash", "deepseek-v4-pro"}) {
    const ModelConfig config = preset_model_config(preset);
    const CacheLayout layout = make_cache_layout(config, CacheStorage::released, 1);
    SequenceCache cache(layout, host_allocator());
    cache.reserve(kDepth);
    const double computed = kv_bytes_per_token(config);
    const double of_pages = static_cast<double>(cache.bytes() - layout.state_bytes) / static_cast<double>(kDepth);
    EXPECT_NEAR(of_pages, computed, 0.02 * computed) << preset;
    const double deepest = of_pages + static_cast<double>(layout.state_bytes) / static_cast<double>(kDeepest);
    EXPECT_NEAR(deepest, computed, 0.02 * computed) << preset << ": the state is shared out at the deepest";
  }
}

TEST(SequenceCache, WithoutCompressionNothingGrows) {
  ModelConfig config = small_config();
  config.compress_ratios = {0, 0, 0, 0, 0};
  const CacheLayout layout = make_cache_layout(config, CacheStorage::released);
  SequenceCache cache(layout, host_allocator());
  cache.reserve(1000000);
  EXPECT_EQ(cache.bytes(), layout.state_bytes);
}

// Both go on as if each had been alone from the beginning.
TEST(SequenceCache, ACopyGoesItsOwnWay) {
  CpuBackend backend({.threads = 1});
  Transformer transformer(std::make_shared<const Checkpoint>(Checkpoint::open(FATHOM_TEST_DATA "/tiny-flash")), backend,
                          {});
  const auto feed = [&](SequenceCache& cache, const Ids& ids) {
    const BatchRun run{.cache = &cache, .ids = ids};
    const auto logits = transformer.forward({&run, 1});
    return Logits{logits.span().begin(), logits.span().end()};
  };
  Ids beginning;
  for (std::int32_t token = 0; token < 150; ++token) beginning.push_back(token * 7 % 100);
  for (const std::size_t length : {1U, 5U, 150U}) {
    const Ids shared(beginning.begin(), beginning.begin() + static_cast<std::ptrdiff_t>(length));
    SequenceCache one = transformer.make_cache();
    feed(one, shared);
    SequenceCache other = one.copied(backend);
    EXPECT_EQ(other.tokens(), static_cast<std::int64_t>(length));
    EXPECT_EQ(other.bytes(), one.bytes());
    for (const auto& [cache, end] : {std::pair{&one, Ids{1, 2, 3, 4, 5}}, {&other, Ids{9, 8, 7, 6, 5}}}) {
      SequenceCache alone = transformer.make_cache();
      feed(alone, shared);
      EXPECT_EQ(feed(*cache, end), feed(alone, end));
    }
  }
}

// Rejected drafts leave no trace: see the property below.
class Rollback : public ::testing::TestWithParam<std::tuple<CacheStorage, std::int64_t>> {
 protected:
  static constexpr std::int64_t kTokens = 300;

  Ids random_ids(std::int64_t count) {
    Ids ids;
    for (std::int64_t token = 0; token < count; ++token)
      ids.push_back(static_cast<std::int32_t>(random_() % static_cast<std::uint64_t>(transformer_.config().vocab)));
    return ids;
  }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }

  Logits feed(SequenceCache& cache, std::span<const std::int32_t> ids) {
    const BatchRun run{.cache = &cache, .ids = ids};
    const auto logits = transformer_.forward({&run, 1});
    return {logits.span().begin(), logits.span().end()};
  }

  // Takes tokens that will be rejected, in one run or one by one, and takes them back.
  void reject(SequenceCache& cache, std::int64_t count) {
    const std::int64_t length = cache.tokens();
    const Ids wrong = random_ids(count);
    if (between(0, 1) == 0) {
      feed(cache, wrong);
    } else {
      for (const std::int32_t id : wrong) feed(cache, {&id, 1});
    }
    ASSERT_EQ(cache.tokens(), length + count);
    cache.set_tokens(length);
  }

  std::mt19937_64 random_{7};
  CpuBackend backend_{{.threads = 1}};
  Transformer transformer_{
      std::make_shared<const Checkpoint>(Checkpoint::open(FATHOM_TEST_DATA "/tiny-flash")), backend_,
      TransformerOptions{.storage = std::get<0>(GetParam()), .rollback_tokens = std::get<1>(GetParam())}};
};

// Positions around every border of a compression block (4, and 128 and 256 of HCA) and of a page are rolled back over.
TEST_P(Rollback, LogitsAreThoseOfASequenceThatNeverSawTheRejectedTokens) {
  const std::int64_t most = std::get<1>(GetParam());
  const Ids ids = random_ids(kTokens);
  SequenceCache straight = transformer_.make_cache();
  const Logits expected = feed(straight, ids);

  SequenceCache cache = transformer_.make_cache();
  Logits found;
  while (cache.tokens() < kTokens) {
    const std::int64_t start = cache.tokens();
    const std::int64_t to_border = 128 - start % 128;
    // Long stretches between the borders, short ones around them.
    const std::int64_t longest = to_border > most + 6 && to_border < 110 ? to_border - most - 2 : 4;
    const std::int64_t count = std::min(between(1, longest), kTokens - start);
    const Logits part =
        feed(cache, std::span(ids).subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(count)));
    found.insert(found.end(), part.begin(), part.end());
    for (int round = 0; round < 2; ++round) reject(cache, between(1, most));
  }
  ASSERT_EQ(found.size(), expected.size());
  const auto vocab = static_cast<std::size_t>(transformer_.config().vocab);
  for (std::size_t value = 0; value < found.size(); ++value)
    ASSERT_EQ(std::memcmp(&found[value], &expected[value], 4), 0)
        << "position " << value / vocab << ": " << found[value] << " instead of " << expected[value];
}

TEST_P(Rollback, GoingBackToNothingForgetsEverything) {
  const Ids ids = random_ids(140);
  SequenceCache fresh = transformer_.make_cache();
  const Logits expected = feed(fresh, ids);
  SequenceCache used = transformer_.make_cache();
  feed(used, random_ids(270));
  used.set_tokens(0);
  EXPECT_EQ(feed(used, ids), expected);
}

TEST_P(Rollback, DraftsRollBackOnTheirOwn) {
  const ModelConfig& config = transformer_.config();
  const Ids ids = random_ids(50);
  SequenceCache cache = transformer_.make_cache();
  feed(cache, ids);
  const std::vector<float> kept(transformer_.final_streams().span().begin(), transformer_.final_streams().span().end());
  const auto draft = [&](SequenceCache& drafts, std::span<const std::int32_t> next, std::int64_t start) {
    const BatchRun run{.cache = &drafts, .ids = next};
    const View<const float, 3> streams(kept.data() + start * config.streams * config.channels,
                                       {std::ssize(next), config.streams, config.channels});
    const auto logits = transformer_.draft({&run, 1}, streams);
    return Logits(logits.span().begin(), logits.span().end());
  };
  SequenceCache straight = transformer_.make_cache();
  const Logits expected = draft(straight, std::span(ids).subspan(1), 0);
  SequenceCache drafts = transformer_.make_cache();
  Logits found;
  while (drafts.mtp_tokens() < 49) {
    const std::int64_t start = drafts.mtp_tokens();
    const auto part = draft(drafts, std::span(ids).subspan(static_cast<std::size_t>(start + 1), 1), start);
    found.insert(found.end(), part.begin(), part.end());
    const std::int64_t wrong = std::min(std::get<1>(GetParam()), 49 - start);
    draft(drafts, random_ids(wrong), start);
    drafts.set_mtp_tokens(start + 1);
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(drafts.tokens(), 0);
}

INSTANTIATE_TEST_SUITE_P(Storages, Rollback,
                         ::testing::Combine(::testing::Values(CacheStorage::released, CacheStorage::float32),
                                            ::testing::Values(1, 5)),
                         [](const auto& instance) {
                           return fmt::format(
                               "{}_{}", std::get<0>(instance.param) == CacheStorage::released ? "released" : "float32",
                               std::get<1>(instance.param));
                         });

}  // namespace
}  // namespace fathom::testing
