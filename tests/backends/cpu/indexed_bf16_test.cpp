// Note [Bf16 in twelve bits] of kernels/indexed_bf16.h: the bits of the same weight held as it is.
#include "fathom/backends/cpu/kernels/indexed_bf16.h"

#include <cmath>
#include <cstring>

#include "fathom/backends/cpu/kernels/linear.h"
#include "fathom/backends/cpu/packed_weight.h"
#include "fathom/tensor/weight_values.h"
#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

// Values about one, and here and there one that may be anything below 2^32: zeros, subnormals, large ones.
std::vector<std::byte> weight_like_values(std::int64_t count, double others, Random& random) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(count) * 2);
  for (std::int64_t index = 0; index < count; ++index) {
    const auto sum = static_cast<float>(random.uniform(-1.0, 1.0) + random.uniform(-1.0, 1.0));
    std::uint32_t word = 0;
    std::memcpy(&word, &sum, 4);
    auto bits = static_cast<std::uint16_t>(word >> 16U);
    if (random.uniform(0.0, 1.0) < others) {
      bits = static_cast<std::uint16_t>(random.uniform(0.0, 0x5000));
      if (index % 2 == 0) bits |= 0x8000U;
    }
    std::memcpy(bytes.data() + index * 2, &bits, 2);
  }
  return bytes;
}

WeightView view_of(const std::vector<std::byte>& bytes, std::int64_t out, std::int64_t in) {
  return {.format = WeightFormat::bf16, .out = out, .in = in, .data = bytes, .scale = {}};
}

class IndexedBf16Test : public ::testing::TestWithParam<const char*> {
 private:
  TargetScope target_{GetParam()};

 protected:
  CpuBackend indexed{CpuOptions{.threads = 1, .least_indexed_bytes = 0}};
  CpuBackend plain{CpuOptions{.threads = 1, .least_indexed_bytes = std::int64_t{1} << 60}};
  Random random{11};
};

Array<float> multiply(CpuBackend& backend, const PreparedWeight& weight, const Array<float>& x, std::int64_t rows) {
  Array<float> out(rows * weight.out);
  backend.linear({.weight = weight,
                  .x = View<const float, 2>(x.data(), {rows, weight.in}),
                  .out = out.view<2>({rows, weight.out})});
  return out;
}

TEST_P(IndexedBf16Test, BitsOfTheWeightAsItIs) {
  for (const double others : {0.0, 0.002})
    for (const std::int64_t out : {1, 15, 16, 31, 64, 90, 200})
      for (const std::int64_t in : {2, 6, 64, 266, 600}) {
        const std::vector<std::byte> bytes = weight_like_values(out * in, others, random);
        const WeightView weight = view_of(bytes, out, in);
        const auto short_weight = indexed.prepare(weight);
        const auto long_weight = plain.prepare(weight);
        for (const std::int64_t rows : {1, 2, 3, 4, 5, 7, 30, 200}) {
          const Array<float> x(rows * in);
          for (float& value : x.span()) value = static_cast<float>(random.uniform(-2.0, 2.0));
          expect_same_bits(multiply(indexed, *short_weight, x, rows), multiply(plain, *long_weight, x, rows),
                           std::to_string(out) + " x " + std::to_string(in) + ", " + std::to_string(rows) + " rows");
        }
      }
}

// Every code by its index, and every code in a block that is held as it is.
TEST_P(IndexedBf16Test, EveryCode) {
  constexpr std::int64_t kTiles = 65536 / kTileOutputs;
  for (std::uint32_t sixteen = 0; sixteen < 16; ++sixteen) {         // upper bytes that have an index
    const auto beside = static_cast<std::uint16_t>(sixteen << 12U);  // finite, and one of them
    std::vector<std::uint16_t> values;
    for (std::uint32_t code = sixteen << 12U; code < (sixteen + 1) << 12U; ++code)
      values.push_back(static_cast<std::uint16_t>(code));
    const UpperBytes upper = choose_upper_bytes(values);
    ASSERT_EQ(upper.others, 0.0);
    std::vector<std::byte> codes(kTiles * block_bytes(CodeFormat::indexed_bf16));
    std::vector<PlainBlock> plain_blocks;
    std::vector<std::int64_t> first_plain = {0};
    for (std::int64_t tile = 0; tile < kTiles; ++tile) {
      std::byte block[kBlockBytes];
      for (std::int64_t output = 0; output < kTileOutputs; ++output) {
        const auto code = static_cast<std::uint16_t>(tile * kTileOutputs + output);
        std::memcpy(block + output * 4, &code, 2);
        std::memcpy(block + output * 4 + 2, &beside, 2);
      }
      index_tile(block, upper, codes.data() + tile * block_bytes(CodeFormat::indexed_bf16), plain_blocks);
      first_plain.push_back(std::ssize(plain_blocks));
    }
    ASSERT_EQ(std::ssize(plain_blocks), kTiles / 16 * 15);
    PackedTiles tiles;
    tiles.code_format = CodeFormat::indexed_bf16;
    tiles.out = 65536;
    tiles.in = 2;
    tiles.group_columns = 2;
    tiles.groups = 1;
    tiles.codes = codes.data();
    tiles.upper_bytes = upper.bytes.data();
    tiles.plain_blocks = plain_blocks.data();
    tiles.first_plain = first_plain.data();
    for (const std::int64_t rows : {1, 5}) {
      const float x[] = {1.0F, 0.0F};
      const float* in[] = {x, x, x, x, x};
      std::vector<float> sums(65536 * 5);
      float* out[] = {sums.data(), sums.data() + 65536, sums.data() + 65536 * 2, sums.data() + 65536 * 3,
                      sums.data() + 65536 * 4};
      std::vector<float> strips(2 * 5);
      lay_strips(in, rows, 2, 0, strips.data());
      linear_piece({.weight = &tiles, .last_out = 65536, .rows = rows, .x = in, .strips = strips.data(), .out = out});
      for (std::uint32_t code = 0; code < 65536; ++code) {
        const auto expected = static_cast<float>(slow_bf16(static_cast<std::uint16_t>(code)));
        const float found = out[rows - 1][code];
        ASSERT_TRUE(std::isnan(expected) ? std::isnan(found) : found == expected) << code << " among " << sixteen;
      }
    }
  }
}

TEST_P(IndexedBf16Test, IsChosenWhereItPays) {
  ThreadPool pool{2};
  const auto pack = [&](double others, std::int64_t in, std::int64_t least_bytes) {
    const std::vector<std::byte> bytes = weight_like_values(64 * in, others, random);
    const PackedWeight packed(view_of(bytes, 64, in), pool, host_allocator(), least_bytes);
    return std::pair(packed.tiles().code_format, packed.bytes());
  };
  EXPECT_EQ(pack(0.0, 128, 64 * 128 * 2).first, CodeFormat::indexed_bf16);
  EXPECT_LT(pack(0.0, 128, 0).second, 64 * 128 * 2 * 4 / 5);
  EXPECT_GT(pack(0.002, 128, 0).second, 64 * 128 * 3 / 2);
  EXPECT_EQ(pack(0.0, 128, 64 * 128 * 2 + 1).first, CodeFormat::bf16);  // small
  EXPECT_EQ(pack(0.0, 127, 0).first, CodeFormat::bf16);                 // half a block
  EXPECT_EQ(pack(0.1, 128, 0).first, CodeFormat::bf16);                 // too many of other exponents

  // One row in four that the choice does not look at is nothing like the rest.
  std::vector<std::byte> bytes = weight_like_values(1024 * 128, 0.0, random);
  for (std::int64_t row = 1; row < 1024; row += 4)
    for (std::int64_t column = 0; column < 128; ++column)
      bytes[static_cast<std::size_t>(row * 128 + column) * 2 + 1] = std::byte{0x10};
  const PackedWeight packed(view_of(bytes, 1024, 128), pool, host_allocator(), 0);
  EXPECT_EQ(packed.tiles().code_format, CodeFormat::bf16);
  EXPECT_EQ(packed.bytes(), 1024 * 128 * 2);
}

INSTANTIATE_TEST_SUITE_P(Targets, IndexedBf16Test, ::testing::ValuesIn(and_narrower_targets({"cpu_1"})), backend_name);

}  // namespace
}  // namespace fathom::op_test
