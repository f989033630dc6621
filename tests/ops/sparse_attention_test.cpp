#include "tests/ops/attention_support.h"

namespace fathom::op_test {
namespace {

class SparseAttentionTest : public OperationTest {
 protected:
  void check_formula(const AttentionCase& shape, const std::vector<fathom::Run>& runs, const std::string& what) {
    Attention attention(shape, runs, random);
    expect_close(attention.run(*backend), attention.expected(), kAttention, what);
  }
};

constexpr EntryChoice kChoices[] = {EntryChoice::none, EntryChoice::all, EntryChoice::selected};

TEST_P(SparseAttentionTest, EveryStorageChoiceAndOddShape) {
  const EntryFormat formats[] = {{CacheStorage::float32, 20, 6},  {CacheStorage::released, 20, 6},
                                 {CacheStorage::released, 80, 8}, {CacheStorage::released, 133, 16},
                                 {CacheStorage::float32, 7, 4},   {CacheStorage::released, 64, 64}};
  for (const EntryFormat& format : formats)
    for (const EntryChoice choice : kChoices)
      for (const std::int64_t heads : {1, 5, 16, 19}) {
        AttentionCase shape;
        shape.format = format;
        shape.choice = choice;
        shape.heads = heads;
        check_formula(shape, runs_of({{1, 0}, {6, 0}, {1, 13}, {12, 3}, {3, 31}}),
                      "head_dim " + std::to_string(format.head_dim) + ", heads " + std::to_string(heads));
      }
}

TEST_P(SparseAttentionTest, ReleasedShapeAndMoreKeysThanOneBlock) {
  AttentionCase shape;
  shape.format = {CacheStorage::released, 512, 64};
  EXPECT_EQ(shape.format.row_bytes(), 584);
  shape.heads = 4;
  shape.window = 70;
  shape.capacity = 128;
  shape.scale = 0.044F;
  shape.top_k = 40;
  for (const EntryChoice choice : kChoices) {
    shape.choice = choice;
    check_formula(shape, runs_of({{2, 300}, {1, 63}, {1, 64}}), "released");
  }
}

TEST_P(SparseAttentionTest, NeighboursWithFewHeadsAndManyBlocks) {
  AttentionCase shape;
  shape.format = {CacheStorage::released, 80, 8};
  shape.heads = 2;
  shape.window = 70;
  shape.capacity = 160;
  shape.top_k = 70;
  for (const EntryChoice choice : kChoices) {
    shape.choice = choice;
    check_formula(shape, runs_of({{75, 290}, {40, 50}}), "neighbours");
  }
}

// Whoever shares its decoding.
TEST_P(SparseAttentionTest, NanOfAKeyStaysWithThoseThatSeeIt) {
  AttentionCase shape;
  shape.format = {CacheStorage::float32, 12, 4};
  shape.window = 4;
  Attention attention(shape, runs_of({{12, 3}}), random);
  for (std::byte& byte : attention.sequences_[0].window_rows[4]) byte = std::byte{0xff};
  attention.store();
  const std::vector<float> out = attention.run(*backend);
  for (std::int64_t token = 0; token < 12; ++token) {
    const bool sees = token >= 1 && token <= 4;
    EXPECT_EQ(std::isnan(out[static_cast<std::size_t>(token * shape.heads * 12)]), sees) << token;
  }
}

// A ring's row is found by its position modulo the capacity, for every turn of the ring.
TEST_P(SparseAttentionTest, TheWindowRingTurns) {
  AttentionCase shape;
  shape.format = {CacheStorage::float32, 12, 4};
  shape.window = 4;
  for (const std::int64_t capacity : {4, 5, 7, 16}) {
    shape.capacity = capacity;
    for (std::int64_t start = 0; start < 20; ++start) check_formula(shape, runs_of({{3, start}, {1, start}}), "ring");
  }
}

// The query that completes a block sees it; the one before does not.
TEST_P(SparseAttentionTest, CompressedEntriesAreCausal) {
  AttentionCase shape;
  shape.format = {CacheStorage::float32, 8, 2};
  shape.choice = EntryChoice::all;
  Attention attention(shape, runs_of({{8, 0}}), random);
  const std::vector<float> before = attention.run(*backend);
  for (std::byte& byte : attention.sequences_[0].entries[0]) byte = std::byte{0};
  attention.store();
  const std::vector<float> after = attention.run(*backend);
  const auto row = [&](const std::vector<float>& out, std::int64_t token) {
    const std::int64_t size = shape.heads * shape.format.head_dim;
    return std::vector<float>(out.begin() + token * size, out.begin() + (token + 1) * size);
  };
  for (std::int64_t token = 0; token < 8; ++token) {
    if (token + 1 < shape.ratio)
      EXPECT_EQ(row(after, token), row(before, token)) << token;
    else
      EXPECT_NE(row(after, token), row(before, token)) << token;
  }
}

// No key but oneself, no entry yet: the window is never empty, so no maximum is that of nothing.
TEST_P(SparseAttentionTest, TheFirstTokenSeesItselfAndNoNan) {
  AttentionCase shape;
  shape.format = {CacheStorage::float32, 10, 2};
  for (const EntryChoice choice : kChoices) {
    shape.choice = choice;
    Attention attention(shape, runs_of({{1, 0}}), random);
    for (float& sink : attention.sink_.span()) sink = -HUGE_VALF;
    const std::vector<float> out = attention.run(*backend);
    for (std::int64_t head = 0; head < shape.heads; ++head)
      for (std::int64_t column = 0; column < 10; ++column)
        EXPECT_EQ(static_cast<double>(out[head * 10 + column]),
                  slow_entry(shape.format, attention.sequences_[0].window_rows[0])[column]);
  }
}

// One key of score s: out = key / (1 + e^(sink - s)); a sink with a value would add to the numerator.
TEST_P(SparseAttentionTest, TheSinkJoinsTheDenominatorOnly) {
  AttentionCase shape;
  shape.format = {CacheStorage::float32, 6, 2};
  shape.window = 1;
  for (const float sink : {-30.0F, 0.0F, 2.0F, 30.0F}) {
    Attention attention(shape, runs_of({{1, 4}}), random);
    for (float& value : attention.sink_.span()) value = sink;
    for (float& value : attention.q_.span()) value = 0.0F;
    const std::vector<double> key = slow_entry(shape.format, attention.sequences_[0].window_rows[4]);
    const std::vector<float> out = attention.run(*backend);
    for (std::int64_t column = 0; column < 6; ++column)
      EXPECT_NEAR(out[column], key[column] / (1.0 + std::exp(static_cast<double>(sink))), 1e-6);
  }
}

// Slots of -1 are nobody's key, not a key of zeros and not entry 0.
TEST_P(SparseAttentionTest, MaskedSlotsDoNotLeak) {
  AttentionCase shape;
  shape.format = {CacheStorage::released, 72, 8};
  shape.choice = EntryChoice::selected;
  shape.top_k = 6;
  Attention attention(shape, runs_of({{5, 30}}), random);
  for (std::int64_t index = 0; index < attention.selected_.size(); ++index)
    attention.selected_[index] = index % 6 == 0 ? 2 : -1;
  expect_close(attention.run(*backend), attention.expected(), kAttention, "one entry and five masked slots");
  for (std::int32_t& entry : attention.selected_.span()) entry = -1;
  const std::vector<float> masked = attention.run(*backend);
  for (auto& entry : attention.sequences_[0].entries) entry = random_entry(shape.format, random);
  attention.store();
  expect_same_bits(attention.run(*backend), masked, "other entries that nobody selects");
  attention.shape_.choice = EntryChoice::none;
  const std::vector<float> none = attention.run(*backend);
  expect_close(masked, std::vector<double>(none.begin(), none.end()), kAttention, "only masked slots");
}

TEST_P(SparseAttentionTest, LargeScoresDoNotOverflow) {
  AttentionCase shape;
  shape.format = {CacheStorage::float32, 16, 2};
  shape.scale = 400.0F;
  Attention attention(shape, runs_of({{7, 2}}), random);
  for (const float value : attention.run(*backend)) EXPECT_TRUE(std::isfinite(value));
}

TEST_P(SparseAttentionTest, NanOfAQueryStaysWithThatQuery) {
  AttentionCase shape;
  shape.format = {CacheStorage::released, 72, 8};
  Attention attention(shape, runs_of({{3, 2}}), random);
  attention.q_[shape.heads * 72] = std::nanf("");  // head 0 of the second token
  const std::vector<float> out = attention.run(*backend);
  for (std::int64_t index = 0; index < std::ssize(out); ++index)
    EXPECT_EQ(std::isnan(out[index]), index >= shape.heads * 72 && index < (shape.heads + 1) * 72) << index;
}

TEST_P(SparseAttentionTest, AnEntryOfTheFutureIsOurFault) {
  AttentionCase shape;
  shape.format = {CacheStorage::float32, 8, 2};
  shape.choice = EntryChoice::selected;
  Attention attention(shape, runs_of({{2, 6}}), random);
  attention.selected_[0] = 1;  // position 6 sees entry 0 alone
  expect_names(fault_of([&] { attention.run(*backend); }), {"visible"});
}

TEST_P(SparseAttentionTest, AQueryDoesNotKnowItsCompany) {
  AttentionCase shape;
  shape.format = {CacheStorage::released, 144, 16};
  shape.heads = 35;
  shape.window = 24;
  shape.capacity = 31;
  shape.top_k = 9;
  for (const EntryChoice choice : kChoices) {
    shape.choice = choice;
    Attention attention(shape, runs_of({{40, 0}, {1, 57}, {20, 90}, {1, 0}}), random);
    const std::vector<float> all = attention.run(*backend);
    expect_same_bits(attention.run(*other), all, "other threads");
    Attention split = attention.one_by_one();
    expect_same_bits(split.run(*alone), all, "one run for each token");
    expect_same_bits(split.run(*backend), all, "one run for each token, same threads");
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, SparseAttentionTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
