// Attention of the mode that rounds as the released kernels do, by warpgroups of a GPU of capability 9.0: queries and
// the softmax's weights are bfloat16. With queries that are so already the formula holds but for the weights, each of
// which is off by 2^-8 of itself at most.
#include "fathom/tensor/numbers.h"
#include "tests/ops/attention_support.h"

namespace fathom::op_test {
namespace {

constexpr double kRoundedWeights = 0x1p-8 + 2 * kAttention;  // the formula's own, and sums of float32

class RoundedAttentionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string obstacle = cuda_obstacle({}); !obstacle.empty()) GTEST_SKIP() << obstacle;
    if (cuda_capability({}) != 90) GTEST_SKIP() << "code for " << cuda_capability({}) << ", expected 90";
    backend_ = make_backend("cuda_fp8");
  }

  static AttentionCase released(EntryChoice choice, std::int64_t heads) {
    AttentionCase shape;
    shape.format = {CacheStorage::released, 512, 64};
    shape.choice = choice;
    shape.heads = heads;
    shape.window = 70;
    shape.capacity = 128;
    shape.scale = 0.044F;
    shape.top_k = 140;
    return shape;
  }

  static void round_queries(Attention& attention) {
    for (float& value : attention.q_.span()) value = fathom::bf16_to_float(fathom::float_to_bf16(value));
  }

  void check(const AttentionCase& shape, const std::vector<fathom::Run>& runs, const std::string& what) {
    Attention attention(shape, runs, random_);
    check(attention, what);
  }

  // The formula, and the same bits one by one.
  void check(Attention& attention, const std::string& what) {
    const std::vector<float> unrounded = attention.run(*backend_);
    round_queries(attention);
    const Attention::Expected expected = attention.expected_terms();
    const std::vector<float> all = attention.run(*backend_);
    expect_same_bits(all, unrounded, what + ", queries rounded before");
    expect_close(all, expected.values, expected.terms, kRoundedWeights, what);
    expect_same_bits(attention.one_by_one().run(*backend_), all, what + ", one by one");
  }

  void check_alone(const Attention& attention) {
    const std::vector<float> all = Attention(attention).run(*backend_);
    const std::int64_t size = attention.shape_.heads * 512;
    for (const std::int64_t token : {0, 1, 279, 280, 299})
      expect_same_bits(std::span<const float>(attention.only(token).run(*backend_)),
                       std::span<const float>(all).subspan(static_cast<std::size_t>(token * size), size),
                       "alone, token " + std::to_string(token));
  }

  std::unique_ptr<Backend> backend_;
  Random random_{20260419};
};

constexpr EntryChoice kChoices[] = {EntryChoice::none, EntryChoice::all, EntryChoice::selected};

TEST_F(RoundedAttentionTest, OddNumbersOfKeysAndHeads) {
  for (const std::int64_t heads : {1, 5, 64, 65, 128})
    for (const EntryChoice choice : kChoices)
      check(released(choice, heads), runs_of({{3, 0}, {1, 62}, {1, 63}, {1, 64}, {2, 300}}),
            std::to_string(heads) + " heads");
}

// More than two tiles of keys in flight, more than are looked up at a time.
TEST_F(RoundedAttentionTest, ManyTiles) {
  AttentionCase shape = released(EntryChoice::all, 3);
  shape.ratio = 2;
  check(shape, runs_of({{1, 3'000}, {2, 130}}), "1,570 keys");
}

// More blocks than the device takes at once: whole queries, where one alone is split.
// Keys are widened before where queries lie on a boundary of sixteen bytes.
TEST_F(RoundedAttentionTest, WholeQueries) {
  for (const std::int64_t offset : {1, 4}) {
    AttentionCase shape = released(EntryChoice::selected, 2);
    shape.offset = offset;
    Attention attention(shape, runs_of({{280, 500}, {20, 10}}), random_);
    check(attention, "whole");
    check_alone(attention);
  }
}

TEST_F(RoundedAttentionTest, WholeAndSplitOverTiles) {
  for (const std::int64_t heads : {64, 70}) {
    AttentionCase shape = released(EntryChoice::selected, heads);
    shape.offset = 4;
    Attention attention(shape, runs_of({{280, 500}, {20, 10}}), random_);
    check_alone(attention);
  }
}

// Many tokens' keys are widened before, a lone one's are decoded where they are multiplied: scales from end to end of
// what bfloat16 holds of them, and codes of NaN.
TEST_F(RoundedAttentionTest, WidenedKeysAreThoseDecodedInPlace) {
  static constexpr std::uint8_t kScales[] = {1, 8, 100, 119, 127, 134, 135, 140};
  const auto distort = [this](std::vector<std::vector<std::byte>>& rows) {
    for (auto& row : rows) {
      for (std::size_t group = 0; group < 7; ++group) row[576 + group] = std::byte{kScales[random_.below(8)]};
      row[static_cast<std::size_t>(random_.below(448))] = std::byte{0x7f};
      row[static_cast<std::size_t>(random_.below(448))] = std::byte{0xff};
    }
  };
  for (const EntryChoice choice : kChoices)
    for (const std::int64_t heads : {1, 65}) {
      AttentionCase shape = released(choice, heads);
      shape.scale = 0x1p-20F;
      shape.offset = 4;
      Attention attention(shape, runs_of({{280, 500}, {20, 10}}), random_);
      for (Sequence& sequence : attention.sequences_) {
        distort(sequence.window_rows);
        distort(sequence.entries);
      }
      attention.store();
      check_alone(attention);
    }
}

TEST_F(RoundedAttentionTest, MaskedSlotsDoNotLeak) {
  AttentionCase shape = released(EntryChoice::selected, 5);
  Attention attention(shape, runs_of({{5, 600}}), random_);
  for (std::int64_t index = 0; index < attention.selected_.size(); ++index)
    attention.selected_[index] = index % shape.top_k == 0 ? 2 : -1;
  check(attention, "one entry");
  for (std::int32_t& entry : attention.selected_.span()) entry = -1;
  const std::vector<float> masked = attention.run(*backend_);
  attention.shape_.choice = EntryChoice::none;
  expect_same_bits(attention.run(*backend_), masked, "only masked slots");
}

TEST_F(RoundedAttentionTest, NanOfAQueryStaysWithThatQuery) {
  AttentionCase shape = released(EntryChoice::selected, 64);
  Attention attention(shape, runs_of({{3, 200}}), random_);
  attention.q_[shape.heads * 512 + 7] = std::nanf("");  // head 0 of the second token
  const std::vector<float> out = attention.run(*backend_);
  for (std::int64_t index = 0; index < std::ssize(out); ++index)
    ASSERT_EQ(std::isnan(out[index]), index >= shape.heads * 512 && index < (shape.heads + 1) * 512) << index;
}

TEST_F(RoundedAttentionTest, AnEntryOfTheFutureIsOurFault) {
  Attention attention(released(EntryChoice::selected, 2), runs_of({{2, 6}}), random_);
  attention.selected_[0] = 1;  // position 6 sees entry 0 alone
  expect_names(fault_of([&] { attention.run(*backend_); }), {"visible"});
}

// Scales at both ends of what keys may have.
TEST_F(RoundedAttentionTest, LargeAndSmallScales) {
  AttentionCase shape = released(EntryChoice::none, 4);
  shape.scale = 0x1p-20F;
  Attention attention(shape, runs_of({{1, 80}}), random_);
  for (auto& row : attention.sequences_[0].window_rows)
    for (std::size_t group = 0; group < 7; ++group) row[576 + group] = group % 2 == 0 ? std::byte{137} : std::byte{110};
  attention.store();
  check(attention, "scales of 2^10 and 2^-17");
}

}  // namespace
}  // namespace fathom::op_test
