// Weight tiles, written on the host thread by thread, against the stored weight: the layout that product_layout.h
// tells, read here by its words and not by the code under test.
#include "fathom/backends/cuda/kernels/weight_tile.h"

#include <set>
#include <tuple>

#include "tests/ops/weight_support.h"

namespace fathom::cuda {
namespace {

using op_test::Random;
using op_test::TestWeight;
using op_test::WeightShape;

class Tiles {
 public:
  explicit Tiles(const TestWeight& weight) : form_(tile_form(weight.view())) {
    const WeightView view = weight.view();
    const StoredWeight stored = stored_weight(view);
    blocks_ = pieces_of(view.in, kBlockInputs);
    for (std::int64_t row = 0; row < view.out; row += kTileRows) {
      const std::vector<std::uint8_t> even = even_exponents(stored, row);
      for (std::int64_t block = 0; block < blocks_; ++block)
        for (int part = 0; part < form_.parts; ++part) {
          // Nothing is left unwritten: what stands there before does not matter.
          std::vector<std::uint8_t> tile(tile_bytes(form_.kind), 0x5a);
          const TilePlace at = {
              .row = row, .column = block * kBlockInputs, .part = part, .even = even.empty() ? nullptr : even.data()};
          for (int thread = 0; thread < kWarpgroupThreads; ++thread)
            write_tile_share(stored, form_, at, thread, tile.data());
          tiles_.push_back(tile);
        }
    }
  }

  TileForm form() const { return form_; }

  double at(std::int64_t row, std::int64_t column) const {
    double sum = 0.0;
    for (int part = 0; part < form_.parts; ++part) {
      const auto& tile = tiles_[(row / kTileRows * blocks_ + column / kBlockInputs) * form_.parts + part];
      sum += value(tile.data(), static_cast<int>(row % kTileRows), static_cast<int>(column % kBlockInputs));
    }
    return sum;
  }

  // Whether the row tile of `row` says that it is, in all of its blocks alike.
  bool even(std::int64_t row) const {
    const auto flags = [&](std::int64_t block) {
      const auto& tile = tiles_[row / kTileRows * blocks_ + block];
      return std::set<int>{tile[codes_bytes(TileKind::fp4) + 4 * (row % kTileRows)] & 7,
                           tile[codes_bytes(TileKind::fp4) + 255] & 7};
    };
    std::set<int> all;
    for (std::int64_t block = 0; block < blocks_; ++block) all.merge(flags(block));
    EXPECT_EQ(all.size(), 1U);
    return all == std::set<int>{static_cast<int>(kEvenTile)};
  }
  int exponent(std::int64_t row, std::int64_t block) const {
    return tiles_[row / kTileRows * blocks_ + block][exponents_at(TileKind::fp4) + row % kTileRows];
  }

 private:
  // As the kernel that marks even tiles finds them; empty: the row tile is not.
  std::vector<std::uint8_t> even_exponents(const StoredWeight& stored, std::int64_t first) const {
    if (form_.kind != TileKind::fp4) return {};
    std::vector<std::uint8_t> even;
    for (std::int64_t row = first; row < first + kTileRows; ++row) {
      Fp4RowRange range;
      for (std::int64_t column = 0; column < stored.in; column += 32)
        range.take(fp4_group_exponent(stored, row, column));
      if (range.even_exponent() == kUneven) return {};
      even.push_back(range.even_exponent());
    }
    return even;
  }

  double value(const std::uint8_t* tile, int row, int k) const {
    const int thread = row / 16 * 32 + row % 8 * 4 + k % 16 / 4;
    const int half = row / 8 % 2;
    const int run = k / 16 % 2;
    const double scale = std::ldexp(1.0, tile[exponents_at(form_.kind) + row] - 127);
    if (form_.kind == TileKind::fp8) {
      const int byte = row / 8 * 1024 + k / 16 * 128 + row % 8 * 16 + k % 16;
      return op_test::slow_e4m3(tile[byte]) * scale;
    }
    if (form_.kind == TileKind::f16) {
      const int byte = k / 16 * 2048 + thread * 16 + (half + 2 * (k % 4 / 2)) * 4 + k % 2 * 2;
      return static_cast<double>(f16_to_float(static_cast<std::uint16_t>(tile[byte] | tile[byte + 1] << 8))) * scale;
    }
    const int byte = k / 64 * 2048 + thread * 16 + (k / 32 % 2 * 2 + half) * 4;
    std::uint32_t word = 0;
    std::memcpy(&word, tile + byte, 4);
    const std::uint32_t magnitude = word >> (4 * (4 * run + k % 4)) & 7;
    const std::uint32_t sign = word >> (8 * (k % 4) + (run == 0 ? 7 : 3)) & 1;
    const int below = tile[4096 + 4 * row + k / 32] / 8;
    return op_test::slow_e2m1(static_cast<std::uint8_t>(magnitude | sign << 3)) * scale * std::ldexp(1.0, -below);
  }

  TileForm form_;
  std::int64_t blocks_ = 0;
  std::vector<std::vector<std::uint8_t>> tiles_;
};

TEST(WeightTile, HoldsEveryStoredFormat) {
  Random random(3);
  for (const auto& [out, in] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {65, 130}, {130, 300}, {200, 64}})
    for (const WeightShape& shape : op_test::weight_shapes(out, in)) {
      const TestWeight weight(shape, random);
      const Tiles tiles(weight);
      for (std::int64_t row = 0; row < shape.out; ++row)
        for (std::int64_t column = 0; column < shape.in; ++column) {
          const double expected = static_cast<double>(weight.at(row, column));
          // Widened float32 keeps 22 bits; everything else is exact, bfloat16 down to 2^-38 of its row's largest.
          const bool widened = tiles.form().parts == 2;
          const double tolerance = widened ? std::fabs(expected) * 0x1p-22 + 0x1p-36 : 0.0;
          ASSERT_NEAR(tiles.at(row, column), expected, tolerance) << shape.name() << " at " << row << ", " << column;
        }
    }
}

TEST(WeightTile, ReleasedFormatsStaySmall) {
  const auto form = [](const WeightShape& shape) {
    Random random(1);
    return tile_form(TestWeight(shape, random).view());
  };
  EXPECT_EQ(form({WeightFormat::fp4_group, 64, 128, 1, 32}).kind, TileKind::fp4);
  EXPECT_EQ(form({WeightFormat::fp8_block, 64, 128, 128, 128}).kind, TileKind::fp8);
  EXPECT_EQ(form({WeightFormat::bf16, 64, 128}).parts, 1);
  EXPECT_EQ(form({WeightFormat::fp8_block, 64, 128, 128, 128, DType::f32}).parts, 2);
  EXPECT_EQ(form({WeightFormat::fp8_block, 64, 128, 5, 12}).parts, 2);
}

// A group of zeros may carry any scale, such as the smallest: it must not push its neighbours out of range, nor count
// as their largest. Groups too far below the largest become zeros.
TEST(WeightTile, Fp4GroupsFarApart) {
  Random random(8);
  TestWeight weight({WeightFormat::fp4_group, 64, 128, 1, 32}, random);
  for (int row = 0; row < 64; ++row) {
    const int exponents[4] = {140, 140 - 25, 140 - 26, row % 2 == 0 ? 254 : 0};
    for (int group = 0; group < 4; ++group)
      weight.scale()[row * 4 + group] = std::byte(static_cast<std::uint8_t>(exponents[group]));
    for (int byte = 48; byte < 64; ++byte) weight.data()[row * 64 + byte] = std::byte{0x80};  // zeros of both signs
  }
  const Tiles tiles(weight);
  for (int row = 0; row < 64; ++row)
    for (int column = 0; column < 128; ++column) {
      const bool lost = column >= 64;
      ASSERT_EQ(tiles.at(row, column), lost ? 0.0 : static_cast<double>(weight.at(row, column)))
          << row << ", " << column;
    }
}

// An even tile keeps every value, and each row one exponent, however its groups lie within 2^12.
TEST(WeightTile, EvenTilesHaveOneExponentARow) {
  Random random(11);
  for (const auto& [lowest, highest, even] : {std::tuple{110, 121, true},
                                              {87, 98, true},
                                              {116, 127, true},
                                              {80, 86, false},
                                              {117, 128, false},
                                              {109, 121, false}}) {
    TestWeight weight({WeightFormat::fp4_group, 128, 384, 1, 32}, random);
    for (int row = 0; row < 128; ++row)
      for (int group = 0; group < 12; ++group) {
        const int exponent = row % 64 == 5 && group == 7 ? lowest
                             : group == row % 12         ? highest
                                                         : (lowest + highest) / 2;
        weight.scale()[row * 12 + group] = std::byte(static_cast<std::uint8_t>(exponent));
        weight.data()[row * 192 + group * 16] = std::byte{0x7f};
      }
    const Tiles tiles(weight);
    EXPECT_EQ(tiles.even(0), even) << lowest << " to " << highest;
    EXPECT_EQ(tiles.even(64), even) << lowest << " to " << highest;
    for (int row = 0; row < 128; ++row)
      for (int column = 0; column < 384; ++column) {
        ASSERT_EQ(tiles.at(row, column), static_cast<double>(weight.at(row, column))) << row << ", " << column;
        if (even) {
          ASSERT_EQ(tiles.exponent(row, column / kBlockInputs), tiles.exponent(row, 0));
        }
      }
  }
}

TEST(WeightTile, Binary16AsTheDefinitionRounds) {
  for (std::uint32_t bits = 0; bits < 0x47800000U; bits += 977)
    for (const std::uint32_t sign : {0U, 0x80000000U}) {
      const float value = std::bit_cast<float>(bits | sign);
      const std::uint16_t found = float_to_f16(value);
      const auto distance = [&](int step) {
        return std::fabs(static_cast<double>(f16_to_float(static_cast<std::uint16_t>(found + step))) -
                         static_cast<double>(value));
      };
      if ((found & 0x7fff) != 0 && (found & 0x7fff) < 0x7c00) {
        ASSERT_LE(distance(0), distance(-1)) << value;
        const bool largest = (found & 0x7fff) == 0x7bff;
        ASSERT_TRUE(largest || distance(0) <= distance(1)) << value;
        ASSERT_TRUE(distance(0) != distance(-1) || (found & 1) == 0) << value;
      }
    }
}

}  // namespace
}  // namespace fathom::cuda
