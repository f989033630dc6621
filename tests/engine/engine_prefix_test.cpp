// The promise of docs/prefix_cache.md: what is found in the cache changes the clock and nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "fathom/backends/cpu/cpu_backend.h"
#include "tests/engine/engine_support.h"

namespace fathom::testing {
namespace {

struct PrefixCase {
  std::string name;
  CacheStorage storage;
  std::int64_t rollback;
  std::int64_t states;  // of memory for caches, and 8 pages; 0: no limit
  int requests;
  int least_hits;
};

class EnginePrefixProperty : public ::testing::TestWithParam<PrefixCase> {
 protected:
  struct Asked {
    GenerationRequest request;
    std::vector<TokenEvent> cold;  // answered alone, by an engine that keeps nothing
  };

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  Ids random_ids(std::int64_t count) {
    Ids ids;
    while (std::ssize(ids) < count)
      ids.push_back(static_cast<std::int32_t>(between(0, transformer_.config().vocab - 1)));
    return ids;
  }

  // A new text, an earlier request again, its beginning with another end, or its answer with a further turn.
  Asked random_request() {
    Asked asked;
    GenerationRequest& request = asked.request;
    request.cache_scope = std::string(static_cast<std::size_t>(between(0, 5) / 5), 'u');
    const auto kind = asked_.empty() ? 0 : between(0, 7);
    if (kind > 0) {
      const Asked& earlier = asked_[static_cast<std::size_t>(
          between(between(0, 1) == 0 ? 0 : std::max<std::int64_t>(std::ssize(asked_) - 8, 0), std::ssize(asked_) - 1))];
      request.prompt = earlier.request.prompt;
      if (between(0, 3) > 0) request.cache_scope = earlier.request.cache_scope;
      if (kind > 5) {
        request.prompt.resize(static_cast<std::size_t>(between(1, std::ssize(request.prompt))));
      } else if (kind > 1) {
        for (const TokenEvent& event : earlier.cold) request.prompt.push_back(event.token.token);
      }
      if (kind > 1)
        for (const std::int32_t id : random_ids(between(1, 12))) request.prompt.push_back(id);
    }
    if (kind == 0 || request.prompt.size() > 420)
      request.prompt = random_ids(between(0, 2) == 0 ? 260 : between(1, 90));
    SamplingParams& sampling = request.sampling;
    sampling.temperature = between(0, 1) == 0 ? 0.0 : 0.9;
    sampling.seed = static_cast<std::uint64_t>(between(0, 1000));
    sampling.max_tokens = between(0, 9) == 0 ? 40 : between(1, 6);
    sampling.top_logprobs = 2;
    Engine alone(transformer_, {});
    alone.submit(request);
    while (!alone.idle())
      for (TokenEvent& event : alone.step()) asked.cold.push_back(std::move(event));
    return asked;
  }

  std::mt19937_64 random_{77};
  std::vector<Asked> asked_;
  CpuBackend backend_{{.threads = 1}};
  Transformer transformer_{std::make_shared<const Checkpoint>(Checkpoint::open(FATHOM_TEST_DATA "/tiny-flash")),
                           backend_,
                           TransformerOptions{.storage = GetParam().storage, .rollback_tokens = GetParam().rollback}};
};

void expect_equal(const TokenEvent& found, const TokenEvent& expected, const std::string& where) {
  ASSERT_EQ(found.token.token, expected.token.token) << where;
  ASSERT_EQ(std::memcmp(&found.token.logprob, &expected.token.logprob, sizeof(float)), 0) << where;
  ASSERT_EQ(found.finish, expected.finish) << where;
  ASSERT_EQ(found.token.top_logprobs.size(), expected.token.top_logprobs.size()) << where;
  for (std::size_t rank = 0; rank < expected.token.top_logprobs.size(); ++rank) {
    ASSERT_EQ(found.token.top_logprobs[rank].token, expected.token.top_logprobs[rank].token) << where;
    ASSERT_EQ(std::memcmp(&found.token.top_logprobs[rank].logprob, &expected.token.top_logprobs[rank].logprob, 4), 0)
        << where;
  }
}

TEST_P(EnginePrefixProperty, AnswersAreThoseOfAnEngineThatKeepsNothing) {
  const CacheLayout& layout = transformer_.cache_layout();
  const std::int64_t bytes =
      GetParam().states == 0 ? 0 : GetParam().states * layout.state_bytes + 8 * layout.page_bytes;
  Engine engine(transformer_, {.max_batch_tokens = 150,
                               .max_sequences = 5,
                               .cache_bytes = bytes,
                               .prefix = {.on = true, .minimum = 20, .interval = 200}});
  std::map<SequenceId, std::pair<std::size_t, std::size_t>> running;  // which was asked, and events so far
  std::int64_t cached = 0;
  int hits = 0;
  while (std::ssize(asked_) < GetParam().requests || !engine.idle()) {
    while (std::ssize(asked_) < GetParam().requests && running.size() < 7 && between(0, 2) == 0) {
      asked_.push_back(random_request());
      running[engine.submit(asked_.back().request)] = {asked_.size() - 1, 0};
    }
    if (!running.empty() && between(0, 25) == 0) {
      engine.cancel(running.begin()->first);
      running.erase(running.begin());
    }
    for (const TokenEvent& event : engine.step()) {
      auto& [index, count] = running.at(event.sequence);
      const Asked& asked = asked_[index];
      ASSERT_LT(count, asked.cold.size());
      expect_equal(event, asked.cold[count], fmt::format("request {}, token {}", index, count));
      ASSERT_LT(event.cached_tokens, std::ssize(asked.request.prompt));
      ASSERT_TRUE(event.cached_tokens == 0 || event.cached_tokens >= 20) << event.cached_tokens;
      if (++count == 1 && event.cached_tokens > 0) {
        ++hits;
        cached += event.cached_tokens;
      }
      if (event.finish != FinishReason::none) running.erase(event.sequence);
    }
    if (bytes > 0) {
      ASSERT_LE(engine.figures().cache_bytes, bytes);
    }
  }
  const EngineFigures figures = engine.figures();
  EXPECT_GE(hits, GetParam().least_hits) << "or the test shows little";
  EXPECT_GE(figures.hits, hits) << "those that were cancelled before they answered count too";
  EXPECT_GE(figures.cached_tokens, cached);
  EXPECT_EQ(figures.cache_bytes, figures.kept.bytes) << "nothing runs";
  if (bytes > 0) {
    EXPECT_GT(figures.kept.evictions, 0);
  }
}

// What a client is told: the same prompt again, the next turn, a conversation that parts from two others.
class EnginePrefixTest : public EngineTest {
 protected:
  std::int64_t cached(Engine& engine, const Ids& prompt, const std::string& scope = "", Ids* answer = nullptr) {
    GenerationRequest asked = request(prompt, 20);
    asked.cache_scope = scope;
    const SequenceId id = engine.submit(asked);
    const auto events = run(engine)[id];
    if (answer != nullptr) *answer = tokens_of(events);
    return events.front().cached_tokens;
  }
  static Ids counting(std::int32_t count, std::int32_t step) {
    Ids ids;
    for (std::int32_t index = 0; index < count; ++index) ids.push_back(index * step % 57);
    return ids;
  }
};

TEST_F(EnginePrefixTest, TheSamePromptAgainAndTheNextTurnAreRead) {
  Engine engine(transformer_, {.prefix = {.on = true, .minimum = 16}});
  Ids prompt = counting(100, 5);
  Ids answer;
  EXPECT_EQ(cached(engine, prompt, "one", &answer), 0);
  EXPECT_EQ(cached(engine, prompt, "one"), 99) << "all but the token whose logits are wanted";
  EXPECT_EQ(cached(engine, prompt, "two"), 0) << "another account's";
  prompt.insert(prompt.end(), answer.begin(), answer.end());
  prompt.push_back(3);
  EXPECT_EQ(cached(engine, prompt, "one"), 119) << "the last answered token was never read";
  EXPECT_EQ(engine.figures().hits, 2);
  EXPECT_EQ(engine.figures().cached_tokens, 99 + 119);
}

TEST_F(EnginePrefixTest, BelowTheMinimumNothingIsFound) {
  Engine engine(transformer_, {.prefix = {.on = true, .minimum = 130}});
  EXPECT_EQ(cached(engine, counting(100, 5)), 0);
  EXPECT_EQ(cached(engine, counting(100, 5)), 0);
  EXPECT_EQ(engine.figures().kept.bytes, 0) << "nor kept";
}

TEST_F(EnginePrefixTest, SwitchedOffNothingIsKept) {
  Engine engine(transformer_, {});
  cached(engine, counting(100, 5));
  EXPECT_EQ(cached(engine, counting(100, 5)), 0);
  EXPECT_EQ(engine.figures().cache_bytes, 0);
}

TEST_F(EnginePrefixTest, WhatIsKeptHasALimitOfItsOwn) {
  const CacheLayout& layout = transformer_.cache_layout();
  const std::int64_t limit = 3 * (layout.state_bytes + layout.page_bytes);
  Engine engine(transformer_, {.prefix = {.on = true, .minimum = 16, .bytes = limit}});
  for (std::int32_t step = 1; step < 12; ++step) {
    cached(engine, counting(60, step));
    EXPECT_LE(engine.figures().kept.bytes, limit);
  }
  EXPECT_GT(engine.figures().kept.evictions, 0);
  EXPECT_EQ(cached(engine, counting(60, 11)), 59) << "the newest is there";
}

INSTANTIATE_TEST_SUITE_P(Memory, EnginePrefixProperty,
                         ::testing::Values(PrefixCase{"Ample", CacheStorage::released, 0, 0, 400, 120},
                                           PrefixCase{"RolledBack", CacheStorage::released, 1, 0, 250, 75},
                                           PrefixCase{"Smooth", CacheStorage::float32, 0, 0, 150, 40},
                                           PrefixCase{"Tight", CacheStorage::released, 0, 14, 300, 40},
                                           PrefixCase{"Tightest", CacheStorage::released, 1, 4, 300, 5}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace fathom::testing
