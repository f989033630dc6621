// The promise of docs/prefix_cache.md: what is found in the cache, in memory or on disk, changes the clock and nothing
// else.
#include <gtest/gtest.h>

#include <cstring>

#include "fathom/backends/cpu/cpu_backend.h"
#include "tests/engine/engine_support.h"
#include "tests/engine/random_requests_support.h"
#include "tests/store/store_support.h"

namespace fathom::testing {
namespace {

struct PrefixCase {
  std::string name;
  std::string model;
  CacheStorage storage;
  std::int64_t rollback;
  std::int64_t states;          // of memory for caches, and 8 pages; 0: no limit
  std::int64_t disk_kilobytes;  // of a store that engines come back to; 0: none
  int requests;
  int least_hits;
};

class EnginePrefixProperty : public ::testing::TestWithParam<PrefixCase> {
 protected:
  std::shared_ptr<store::BlobStore> open_store() {
    store::StoreOptions options = small_store(directory_ / "store");
    options.limits.bytes = GetParam().disk_kilobytes << 10;
    options.limits.segment_bytes = 2 << 20;  // a snapshot fits
    options.limits.queue_bytes = 64 << 20;
    return std::make_shared<store::BlobStore>(std::move(options));
  }
  EngineConfig config(std::int64_t bytes) {
    return {.max_batch_tokens = 150,
            .max_sequences = 5,
            .cache_bytes = bytes,
            .prefix = {.on = true,
                       .minimum = 20,
                       .interval = 200,
                       .disk = {.store = GetParam().disk_kilobytes > 0 ? open_store() : nullptr,
                                .identity = GetParam().model,
                                .warn = {}}},
            .drafts = {.most = GetParam().rollback > 1 ? GetParam().rollback : 0, .always = true}};
  }
  // Something of what lies there is no longer what was written.
  void damage(RandomRequests& requests) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "store"))
      if (entry.path().extension() == ".segment") files.push_back(entry.path());
    if (files.empty()) return;
    const auto& file = files[static_cast<std::size_t>(requests.between(0, std::ssize(files) - 1))];
    std::string bytes = read_text(file);
    const auto place = static_cast<std::size_t>(requests.between(0, std::ssize(bytes) - 1));
    if (requests.between(0, 3) == 0)
      bytes.resize(place);
    else
      bytes[place] = static_cast<char>(bytes[place] ^ (1 << requests.between(0, 7)));
    write_text(file, bytes);
  }

  const TemporaryDirectory directory_;
  CpuBackend backend_{{.threads = 1}};
  Transformer transformer_{std::make_shared<const Checkpoint>(Checkpoint::open(GetParam().model)), backend_,
                           TransformerOptions{.storage = GetParam().storage, .rollback_tokens = GetParam().rollback}};
};

TEST_P(EnginePrefixProperty, AnswersAreThoseOfAnEngineThatKeepsNothing) {
  const CacheLayout& layout = transformer_.cache_layout();
  const std::int64_t bytes =
      GetParam().states == 0 ? 0 : GetParam().states * layout.state_bytes + 8 * layout.page_bytes;
  const bool has_disk = GetParam().disk_kilobytes > 0;
  RandomRequests requests(transformer_, 77);
  Comparison comparison(requests);
  auto engine = std::make_unique<Engine>(transformer_, config(bytes));
  EngineFigures before;  // of engines that are gone
  std::int64_t evictions = 0;
  while (comparison.answered < GetParam().requests || !engine->idle()) {
    while (comparison.answered < GetParam().requests && comparison.running() < 7 && requests.between(0, 2) == 0)
      comparison.submit(*engine, requests.next());
    if (requests.between(0, 50) == 0) comparison.cancel_oldest(*engine);
    ASSERT_NO_FATAL_FAILURE(comparison.step(*engine));
    const EngineFigures figures = engine->figures();
    if (bytes > 0) {
      ASSERT_LE(figures.cache_bytes, bytes);
    }
    if (has_disk && requests.between(0, 250) == 0) {
      before.hits += figures.hits;
      before.cached_tokens += figures.cached_tokens;
      before.disk_hits += figures.disk_hits;
      evictions += figures.kept.evictions;
      comparison.forget();
      engine.reset();  // and the store with it
      if (requests.between(0, 3) == 0) damage(requests);
      engine = std::make_unique<Engine>(transformer_, config(bytes));
    }
  }
  const EngineFigures figures = engine->figures();
  EXPECT_GE(comparison.hits, GetParam().least_hits) << "or the test shows little";
  EXPECT_GE(comparison.least_cached, 20);
  EXPECT_GE(before.hits + figures.hits, comparison.hits) << "those that were cancelled before they answered count too";
  EXPECT_GE(before.cached_tokens + figures.cached_tokens, comparison.cached);
  EXPECT_EQ(figures.cache_bytes, figures.kept.bytes) << "nothing runs";
  if (bytes > 0) {
    EXPECT_GT(evictions + figures.kept.evictions, 0);
  }
  if (has_disk) {
    EXPECT_GT(before.disk_hits + figures.disk_hits, GetParam().requests / 50);
  }
  RecordProperty("disk_hits", static_cast<int>(before.disk_hits + figures.disk_hits));
  RecordProperty("hits", comparison.hits);
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

// What was sampled behind the answer as its client knows it is not part of what is kept, as far as a cache goes back.
TEST_F(EnginePrefixTest, WhatIsKeptEndsWithTheAnswer) {
  Transformer rolling(model_.checkpoint(), backend_, {.rollback_tokens = 7});
  const Ids prompt = counting(100, 5);
  for (const std::int64_t answered : {std::int64_t{40}, std::int64_t{37}, std::int64_t{33}, std::int64_t{20}}) {
    Engine engine(rolling, {.prefix = {.on = true, .minimum = 16}});
    GenerationRequest asked = request(prompt, 60);
    const SequenceId id = engine.submit(asked);
    Ids text = prompt;
    while (std::ssize(text) < 140)
      for (const TokenEvent& event : engine.step()) text.push_back(event.token.token);
    engine.cancel(id, answered);
    // Of 40 that were sampled 39 were read.
    const bool goes_back = 39 - answered <= 7;
    text.resize(100 + static_cast<std::size_t>(answered));
    const Ids other = counting(30, 11);
    text.insert(text.end(), other.begin(), other.end());
    Engine alone(rolling, {});
    const SequenceId cold = alone.submit(request(text, 20));
    const SequenceId next = engine.submit(request(text, 20));
    const auto events = run(engine)[next];
    EXPECT_EQ(events.front().cached_tokens, goes_back ? 100 + std::min<std::int64_t>(answered, 39) : 99) << answered;
    EXPECT_EQ(tokens_of(events), tokens_of(run(alone)[cold])) << answered;
  }
}

// The same where drafts were wrong: their rows lie in the rings behind what was read, and a cache goes back by fewer.
TEST_F(EnginePrefixTest, WhatIsKeptBehindWrongDraftsIsExact) {
  Transformer rolling(model_.checkpoint(), backend_, {.rollback_tokens = 7});
  std::int64_t back = 0;
  for (std::int32_t run_of = 0; run_of < 40; ++run_of) {
    Ids text = counting(90 + run_of % 7, 3 + run_of);
    const std::int64_t prompt = std::ssize(text);
    Engine engine(rolling, {.prefix = {.on = true, .minimum = 16}, .drafts = {.most = 7, .always = true}});
    const SequenceId id = engine.submit(request(text, 100));
    while (std::ssize(text) < prompt + 40)
      for (const TokenEvent& event : engine.step()) text.push_back(event.token.token);
    const std::int64_t answered = std::ssize(text) - prompt - 1 - run_of % 8;
    engine.cancel(id, answered);
    text.resize(static_cast<std::size_t>(prompt + answered));
    const Ids other = counting(30, 11);
    text.insert(text.end(), other.begin(), other.end());
    Engine alone(rolling, {});
    const SequenceId cold = alone.submit(request(text, 20));
    const SequenceId next = engine.submit(request(text, 20));
    const auto found = run(engine)[next];
    const auto expected = run(alone)[cold];
    ASSERT_EQ(found.size(), expected.size());
    back += found.front().cached_tokens == prompt + answered ? 1 : 0;
    for (std::size_t index = 0; index < found.size(); ++index) {
      ASSERT_EQ(found[index].token.token, expected[index].token.token) << run_of << ", token " << index;
      ASSERT_EQ(std::memcmp(&found[index].token.logprob, &expected[index].token.logprob, sizeof(float)), 0)
          << run_of << ", token " << index << ", found behind " << found.front().cached_tokens << " of "
          << prompt + answered;
    }
  }
  EXPECT_GT(back, 5) << "a cache goes back at times";
}

// The second of two that begin alike and part early finds nothing without a wish, as the regular snapshots lie further.
TEST_F(EnginePrefixTest, AStateIsKeptWhereItIsWished) {
  const Ids instructions = counting(70, 5);
  const auto task = [&](std::int32_t step) {
    Ids prompt = instructions;
    const Ids words = counting(30, step);
    prompt.insert(prompt.end(), words.begin(), words.end());
    return prompt;
  };
  for (const bool wished : {false, true}) {
    Engine engine(transformer_, {.max_batch_tokens = 32, .prefix = {.on = true, .minimum = 16}});
    const auto found = [&](std::int32_t step) {
      GenerationRequest asked = request(task(step), 20);
      if (wished) asked.snapshot_at = {std::ssize(instructions)};
      Engine alone(transformer_, {});
      const SequenceId cold = alone.submit(request(task(step), 20));
      const SequenceId id = engine.submit(std::move(asked));
      const auto events = run(engine)[id];
      EXPECT_EQ(tokens_of(events), tokens_of(run(alone)[cold])) << step;
      return events.front().cached_tokens;
    };
    EXPECT_EQ(found(7), 0);
    EXPECT_EQ(found(11), wished ? std::ssize(instructions) : 0);
    EXPECT_EQ(found(7), 99) << "a wish takes the place of no other snapshot";
  }
}

TEST_F(EnginePrefixTest, WishesLieInThePrompt) {
  Engine engine(transformer_, {.prefix = {.on = true, .minimum = 16}});
  GenerationRequest asked = request(counting(40, 5));
  for (const std::int64_t place : {std::int64_t{0}, std::int64_t{-3}, std::int64_t{41}}) {
    asked.snapshot_at = {20, place};
    EXPECT_EQ(error_of(engine, asked),
              "[engine] a snapshot is wanted at " + std::to_string(place) + " tokens of a prompt of 40");
  }
  asked.snapshot_at = {40};  // the whole prompt: before its answer
  EXPECT_EQ(error_of(engine, asked), "");
  run(engine);
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

constexpr const char* kTiny = FATHOM_TEST_DATA "/tiny-flash";
constexpr const char* kMinnow = FATHOM_SOURCE "/models/minnow";

// 10,000 requests answered, 9,000 of them by tiny-flash.
INSTANTIATE_TEST_SUITE_P(
    Memory, EnginePrefixProperty,
    ::testing::Values(PrefixCase{"Ample", kTiny, CacheStorage::released, 0, 0, 0, 2000, 1200},
                      PrefixCase{"RolledBack", kTiny, CacheStorage::released, 1, 0, 0, 1500, 900},
                      PrefixCase{"Smooth", kTiny, CacheStorage::float32, 0, 0, 0, 500, 300},
                      PrefixCase{"Tight", kTiny, CacheStorage::released, 0, 14, 0, 1500, 450},
                      PrefixCase{"Tightest", kTiny, CacheStorage::released, 1, 4, 0, 500, 40},
                      PrefixCase{"Restarted", kTiny, CacheStorage::released, 1, 0, 64 << 10, 1500, 1000},
                      PrefixCase{"RestartedDrafting", kTiny, CacheStorage::released, 7, 0, 64 << 10, 500, 300},
                      PrefixCase{"RestartedTight", kTiny, CacheStorage::released, 0, 10, 12 << 10, 1500, 800},
                      PrefixCase{"MinnowRestarted", kMinnow, CacheStorage::released, 1, 0, 64 << 10, 1000, 650}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace fathom::testing
