// What the engine refuses, parks and masks.
#include <algorithm>

#include "tests/engine/engine_support.h"

namespace fathom::testing {
namespace {

// A model with room for several pages of 384 tokens.
class EngineMemoryTest : public EngineTest {
 protected:
  static ModelConfig long_config() {
    ModelConfig config = small_config();
    config.max_positions = 2000;
    return config;
  }
  CacheCost cost() const { return layout_.cost(); }

  const SmallModel long_model_{long_config()};
  Transformer long_{long_model_.checkpoint(), backend_, {}};
  const CacheLayout& layout_ = long_.cache_layout();
};

TEST_F(EngineMemoryTest, WhatItsCacheCouldNotHoldIsRefusedWithTheFigures) {
  const std::int64_t one = cost().bytes(1);
  Engine engine(long_, {.cache_bytes = one});
  EXPECT_EQ(engine.context_limit(), layout_.page_tokens);
  const std::string error = error_of(engine, request(Ids(static_cast<std::size_t>(engine.context_limit()), 1), 10));
  EXPECT_NE(error.find(std::to_string(one)), std::string::npos) << error;
  EXPECT_NE(error.find(std::to_string(engine.context_limit())), std::string::npos) << error;
  EXPECT_EQ(error_of(engine, request(Ids(static_cast<std::size_t>(engine.context_limit() - 10), 1), 10)), "");
  run(engine);
  EXPECT_EQ(engine.figures().cache_bytes, 0);
}

// Memory for little more than one: sequences are parked and read all of their tokens again, and nobody can tell.
TEST_F(EngineMemoryTest, ParkedSequencesGetTheSameAnswers) {
  const std::int64_t page = layout_.page_tokens;
  std::vector<GenerationRequest> requests;
  for (int index = 0; index < 4; ++index)
    requests.push_back(request(Ids(static_cast<std::size_t>(page - 6 - index), 3 + index), 20));
  std::vector<Ids> alone;
  for (const GenerationRequest& asked : requests) {
    Engine engine(long_, {});
    const SequenceId id = engine.submit(asked);
    alone.push_back(tokens_of(run(engine)[id]));
  }
  Engine engine(long_, {.cache_bytes = 3 * cost().bytes(page) + 2 * cost().page_bytes});
  for (const GenerationRequest& asked : requests) engine.submit(asked);
  auto events = run(engine);
  EXPECT_GT(engine.figures().parked, 0) << "or the test shows nothing";
  for (std::size_t index = 0; index < requests.size(); ++index)
    EXPECT_EQ(tokens_of(events[static_cast<SequenceId>(index)]), alone[index]) << index;
}

// Allows multiples of three, and only as long as it is asked to narrow.
class Threes final : public TokenConstraint {
 public:
  explicit Threes(int narrow_from) : narrow_from_(narrow_from) {}
  bool narrows() const override { return count_ >= narrow_from_; }
  void allowed(std::span<std::uint32_t> mask) override {
    for (std::size_t word = 0; word < mask.size(); ++word) {
      mask[word] = 0;
      for (std::size_t bit = 0; bit < 32; ++bit)
        if ((word * 32 + bit) % 3 == 0) mask[word] |= 1U << bit;
    }
  }
  void accept(std::int32_t token) override {
    if (narrows()) {
      EXPECT_EQ(token % 3, 0);
    }
    ++count_;
  }
  int count() const { return count_; }

 private:
  int narrow_from_;
  int count_ = 0;
};

TEST_F(EngineTest, AConstraintNarrowsEveryTokenOfItsSequenceAndOfNoOther) {
  Engine engine(transformer_, {});
  GenerationRequest asked = request({1, 2, 3}, 40);
  const SequenceId free = engine.submit(asked);
  const auto threes = std::make_shared<Threes>(5);
  asked.constraint = threes;
  const SequenceId narrowed = engine.submit(asked);
  auto events = run(engine);
  const Ids of_free = tokens_of(events[free]);
  const Ids of_narrowed = tokens_of(events[narrowed]);
  EXPECT_EQ(threes->count(), 40);
  EXPECT_TRUE(std::equal(of_free.begin(), of_free.begin() + 5, of_narrowed.begin())) << "not narrowed yet";
  EXPECT_TRUE(std::all_of(of_narrowed.begin() + 5, of_narrowed.end(), [](std::int32_t id) { return id % 3 == 0; }));
  EXPECT_FALSE(std::all_of(of_free.begin() + 5, of_free.end(), [](std::int32_t id) { return id % 3 == 0; }));
}

}  // namespace
}  // namespace fathom::testing
