// A query with few heads meets keys as they are stored (kernels/coded_keys_inl.h): the reference's bits on every
// instruction set, also where a key has codes that must be decoded one by one.
#include <cmath>

#include "tests/ops/attention_support.h"

namespace fathom::op_test {
namespace {

class CodedKeysTest : public ::testing::TestWithParam<const char*> {
 private:
  TargetScope target_{GetParam()};

 protected:
  // A few sequences that decode a token each.
  Attention decoding(const AttentionCase& shape) {
    std::vector<fathom::Run> runs;
    for (const std::int64_t start : {0, 1, 15, 16, 40, 131})
      runs.push_back({static_cast<std::int64_t>(runs.size()), 1, start});
    return {shape, runs, random};
  }

  CpuBackend backend{CpuOptions{.threads = 2}};
  ReferenceBackend reference;
  Random random{11};
};

AttentionCase shape_of(std::int64_t head_dim, std::int64_t rope_dim, std::int64_t heads) {
  AttentionCase shape;
  shape.format = {CacheStorage::released, head_dim, rope_dim};
  shape.heads = heads;
  shape.window = 70;
  shape.capacity = 80;
  shape.top_k = 17;
  return shape;
}

TEST_P(CodedKeysTest, BitsOfTheReference) {
  struct Dims {
    std::int64_t head, rope;
  };
  for (const auto& [head_dim, rope_dim] : {Dims{128, 64}, {512, 64}, {64, 64}, {192, 128}, {96, 64}, {128, 32}})
    for (const std::int64_t heads : {1, 2, 4, 5, 6, 7})
      for (const EntryChoice choice : {EntryChoice::none, EntryChoice::all, EntryChoice::selected}) {
        AttentionCase shape = shape_of(head_dim, rope_dim, heads);
        shape.choice = choice;
        Attention attention = decoding(shape);
        expect_same_bits(attention.run(backend), attention.run(reference),
                         std::to_string(head_dim) + " columns, heads: " + std::to_string(heads));
      }
}

// Scales of any size: their values may be subnormal, or too large for one product.
TEST_P(CodedKeysTest, ScalesOfAnySize) {
  for (const int code : {0, 1, 3, 20, 100, 133, 134, 135, 160, 240}) {
    AttentionCase shape = shape_of(192, 64, 4);
    shape.scale = code > 130 ? 0x1p-60F : 0.3F;
    Attention attention = decoding(shape);
    for (std::size_t sequence = 1; sequence < attention.sequences_.size(); ++sequence) {
      auto& rows = attention.sequences_[sequence].window_rows;
      for (std::size_t row = rows.size() / 2; row < rows.size(); ++row) rows[row].at(128 + 2 * 64) = std::byte(code);
    }
    attention.store();
    expect_same_bits(attention.run(backend), attention.run(reference), "scale " + std::to_string(code));
  }
}

TEST_P(CodedKeysTest, ACodeThatIsNoNumber) {
  for (const bool negative : {false, true}) {
    Attention attention = decoding(shape_of(128, 64, 4));
    attention.sequences_[4].window_rows[33][7] = negative ? std::byte{0xff} : std::byte{0x7f};
    attention.store();
    const std::vector<float> found = attention.run(backend);
    const std::vector<float> expected = attention.run(reference);
    for (std::size_t index = 0; index < found.size(); ++index)
      EXPECT_TRUE(found[index] == expected[index] || (std::isnan(found[index]) && std::isnan(expected[index])))
          << index;
    EXPECT_TRUE(std::isnan(found[4 * 4 * 128]));
    EXPECT_FALSE(std::isnan(found[5 * 4 * 128]));
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, CodedKeysTest, ::testing::ValuesIn(and_narrower_targets({"cpu_1"})), backend_name);

}  // namespace
}  // namespace fathom::op_test
