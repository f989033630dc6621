#include "fathom/ops/cache_format.h"

#include "tests/ops/cache_support.h"

namespace fathom::op_test {
namespace {

std::vector<std::byte> encoded(const EntryFormat& format, std::span<const float> values) {
  std::vector<std::byte> row(static_cast<std::size_t>(format.row_bytes()), std::byte{0xee});
  encode_entry(format, values, row);
  return row;
}

std::vector<std::byte> encoded(const IndexKeyFormat& format, std::span<const float> values) {
  std::vector<std::byte> row(static_cast<std::size_t>(format.row_bytes()), std::byte{0xee});
  encode_index_key(format, values, row);
  return row;
}

TEST(CacheFormat, ReleasedSizes) {
  EXPECT_EQ((EntryFormat{CacheStorage::released, 512, 64}.row_bytes()), 584);
  EXPECT_EQ((EntryFormat{CacheStorage::released, 512, 64}.scale_groups()), 7);
  EXPECT_EQ((EntryFormat{CacheStorage::float32, 512, 64}.row_bytes()), 2048);
  EXPECT_EQ((IndexKeyFormat{CacheStorage::released, 128}.row_bytes()), 68);
  EXPECT_EQ((IndexKeyFormat{CacheStorage::float32, 128}.row_bytes()), 512);
  EXPECT_EQ((EntryFormat{CacheStorage::released, 20, 6}.row_bytes()), 32);  // 14 + 12 + 1, padded to 8
}

TEST(CacheFormat, Float32RowsAreTheFloats) {
  Random random(1);
  const EntryFormat format{CacheStorage::float32, 11, 4};
  const Array<float> values = random.normals(11);
  const Array<float> back(11);
  decode_entry(format, encoded(format, values.span()), back.span());
  expect_same_bits(back, values, "entry");
  const IndexKeyFormat key{CacheStorage::float32, 11};
  decode_index_key(key, encoded(key, values.span()), back.span());
  expect_same_bits(back, values, "index key");
}

// Decoding follows the description of the bytes for any bytes at all.
TEST(CacheFormat, DecodingAnyBytes) {
  Random random(2);
  const EntryFormat format{CacheStorage::released, 150, 10};
  const IndexKeyFormat key{CacheStorage::released, 70};
  for (int round = 0; round < 200; ++round) {
    Array<std::byte> row(format.row_bytes(), 3);
    for (std::byte& byte : row.span()) byte = random.byte();
    const Array<float> values(150);
    decode_entry(format, row.span(), values.span());
    const std::vector<double> expected = slow_entry(format, row.span());
    for (std::int64_t column = 0; column < 150; ++column) {
      const auto wanted = static_cast<float>(expected[column]);
      ASSERT_TRUE(std::isnan(wanted) ? std::isnan(values[column]) : values[column] == wanted);
    }
    const Array<float> keys(70);
    decode_index_key(key, row.span().first(key.row_bytes()), keys.span());
    const std::vector<double> expected_key = slow_index_key(key, row.span().first(key.row_bytes()));
    for (std::int64_t column = 0; column < 70; ++column) {
      const auto wanted = static_cast<float>(expected_key[column]);
      ASSERT_TRUE(std::isnan(wanted) ? std::isnan(keys[column]) : keys[column] == wanted);
    }
  }
}

// The scale is the least power of two that brings the group's largest magnitude into the format.
TEST(CacheFormat, TheScaleIsTheLeastPowerOfTwoThatHolds) {
  Random random(3);
  const EntryFormat format{CacheStorage::released, 64, 0};
  const IndexKeyFormat key{CacheStorage::released, 32};
  for (int round = 0; round < 2000; ++round) {
    Array<float> values = random.normals(64, std::ldexp(1.0F, static_cast<int>(random.below(60)) - 20));
    double amax = 0.0;
    double amax_key = 0.0;
    for (std::int64_t column = 0; column < 64; ++column) {
      amax = std::max(amax, std::fabs(static_cast<double>(values[column])));
      if (column < 32) amax_key = std::max(amax_key, std::fabs(static_cast<double>(values[column])));
    }
    const double scale = slow_e8m0(byte_at(encoded(format, values.span()), 64));
    const double wanted = std::max(amax, 1e-4);
    EXPECT_LE(wanted, 448.0 * scale * (1 + 1e-7));
    EXPECT_GT(wanted, 448.0 * scale / 2 * (1 - 1e-7));
    const double scale_key = slow_e8m0(byte_at(encoded(key, values.span().first(32)), 16));
    EXPECT_LE(amax_key, 6.0 * scale_key * (1 + 1e-7));
    EXPECT_GT(amax_key, 6.0 * scale_key / 2 * (1 - 1e-7));
  }
}

TEST(CacheFormat, ThresholdsOfTheScale) {
  const EntryFormat format{CacheStorage::released, 64, 0};
  const auto scale_of = [&](float amax) {
    Array<float> values(64);
    values[63] = -amax;
    return slow_e8m0(byte_at(encoded(format, values.span()), 64));
  };
  EXPECT_EQ(scale_of(448.0F), 1.0);
  EXPECT_EQ(scale_of(448.01F), 2.0);
  EXPECT_EQ(scale_of(224.0F), 0.5);
  EXPECT_EQ(scale_of(896.0F), 2.0);
}

// A group of zeros has the scale of the floor: 1e-4 / 448 rounded up to 2^-22; for index keys 2^-126.
TEST(CacheFormat, AmaxFloors) {
  const EntryFormat format{CacheStorage::released, 64, 0};
  const Array<float> zeros(64);
  const std::vector<std::byte> row = encoded(format, zeros.span());
  EXPECT_EQ(byte_at(row, 64), 127 - 22);
  for (std::int64_t column = 0; column < 64; ++column) EXPECT_EQ(byte_at(row, column), 0);
  Array<float> tiny(64);
  for (float& value : tiny.span()) value = 1e-7F;
  EXPECT_EQ(byte_at(encoded(format, tiny.span()), 64), 127 - 22);
  const IndexKeyFormat key{CacheStorage::released, 32};
  EXPECT_EQ(byte_at(encoded(key, zeros.span().first(32)), 16), 1);
}

// Given its scale, every value goes to the nearest code, and a tie to the even one.
TEST(CacheFormat, NearestCodesAndTiesToEven) {
  Random random(4);
  const EntryFormat format{CacheStorage::released, 64, 0};
  const IndexKeyFormat key{CacheStorage::released, 32};
  for (int round = 0; round < 300; ++round) {
    Array<float> values(64);
    for (float& value : values.span()) {
      // Halfway points of both formats are frequent.
      const double code = static_cast<double>(random.below(2) == 0 ? 16 + random.below(32) : random.below(25));
      value = static_cast<float>((random.below(2) == 0 ? 1.0 : -1.0) * code *
                                 std::ldexp(1.0, static_cast<int>(random.below(14)) - 10));
    }
    const std::vector<std::byte> row = encoded(format, values.span());
    const double scale = slow_e8m0(byte_at(row, 64));
    for (std::int64_t column = 0; column < 64; ++column) {
      const double wanted = static_cast<double>(values[column]) / scale;
      const std::uint8_t code = byte_at(row, column) & 0x7f;
      const double distance = std::fabs(slow_e4m3(code) - std::fabs(wanted));
      for (int neighbour : {code - 1, code + 1}) {
        if (neighbour < 0 || neighbour > 0x7e) continue;
        const double theirs = std::fabs(slow_e4m3(static_cast<std::uint8_t>(neighbour)) - std::fabs(wanted));
        ASSERT_TRUE(distance < theirs || (distance == theirs && code % 2 == 0)) << wanted << " to " << int{code};
      }
    }
    const std::vector<std::byte> nibbles = encoded(key, values.span().first(32));
    const double scale_key = slow_e8m0(byte_at(nibbles, 16));
    for (std::int64_t column = 0; column < 32; ++column) {
      const double wanted = static_cast<double>(values[column]) / scale_key;
      const int code = (byte_at(nibbles, column / 2) >> (column % 2 * 4)) & 7;
      const double distance = std::fabs(slow_e2m1(static_cast<std::uint8_t>(code)) - std::fabs(wanted));
      for (int neighbour : {code - 1, code + 1}) {
        if (neighbour < 0 || neighbour > 7) continue;
        const double theirs = std::fabs(slow_e2m1(static_cast<std::uint8_t>(neighbour)) - std::fabs(wanted));
        ASSERT_TRUE(distance < theirs || (distance == theirs && code % 2 == 0)) << wanted << " to " << code;
      }
    }
  }
}

TEST(CacheFormat, TheLowNibbleIsTheEvenColumn) {
  Array<float> values(32);
  values[0] = 6.0F;
  values[1] = -3.0F;
  EXPECT_EQ(byte_at(encoded(IndexKeyFormat{CacheStorage::released, 32}, values.span()), 0), 0xd7);
}

TEST(CacheFormat, RopeColumnsAreBf16RoundedToEven) {
  const EntryFormat format{CacheStorage::released, 3, 3};
  Array<float> values(3);
  values[0] = 1.0F + 0x1p-8F;      // halfway between 0x3f80 and 0x3f81
  values[1] = 1.0F + 3 * 0x1p-8F;  // halfway between 0x3f81 and 0x3f82
  values[2] = -0.0F;
  const std::vector<std::byte> row = encoded(format, values.span());
  const Array<float> back(3);
  decode_entry(format, row, back.span());
  EXPECT_EQ(back[0], 1.0F);
  EXPECT_EQ(back[1], 1.0F + 0x1p-6F);
  EXPECT_TRUE(std::signbit(back[2]));
}

// A second round trip changes nothing: what is stored is what the format can say.
TEST(CacheFormat, ARoundTripIsFinal) {
  Random random(5);
  const EntryFormat format{CacheStorage::released, 133, 12};
  const IndexKeyFormat key{CacheStorage::released, 70};
  for (int round = 0; round < 200; ++round) {
    const Array<float> values = random.normals(133, std::ldexp(1.0F, static_cast<int>(random.below(40)) - 10));
    const Array<float> once(133);
    const Array<float> twice(133);
    decode_entry(format, encoded(format, values.span()), once.span());
    decode_entry(format, encoded(format, once.span()), twice.span());
    expect_same_bits(twice, once, "entry");
    decode_index_key(key, encoded(key, values.span().first(70)), once.span().first(70));
    decode_index_key(key, encoded(key, once.span().first(70)), twice.span().first(70));
    expect_same_bits(twice.span().first(70), once.span().first(70), "index key");
  }
}

TEST(CacheFormat, WrongSizesNameBothSizes) {
  const EntryFormat format{CacheStorage::released, 512, 64};
  std::vector<float> values(512);
  std::vector<std::byte> row(584);
  expect_names(fault_of([&] { encode_entry(format, std::span(values).first(511), row); }), {"511", "512"});
  expect_names(fault_of([&] { encode_entry(format, values, std::span(row).first(583)); }), {"583", "584"});
  expect_names(fault_of([&] { decode_entry(format, std::span(row).first(500), values); }), {"500", "584"});
  const IndexKeyFormat key{CacheStorage::released, 128};
  expect_names(fault_of([&] { encode_index_key(key, std::span(values).first(127), std::span(row).first(68)); }),
               {"127", "128"});
  expect_names(fault_of([&] { decode_index_key(key, std::span(row).first(67), std::span(values).first(128)); }),
               {"67", "68"});
}

}  // namespace
}  // namespace fathom::op_test
