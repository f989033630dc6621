#include "fathom/checkpoint/dequantize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fathom/checkpoint/quantize.h"

namespace fathom {
namespace {

// Values that every format holds exactly come back as they were: multiples of a power of two a block.
TEST(Dequantize, ExactValuesComeBack) {
  constexpr std::int64_t kRows = 130;
  constexpr std::int64_t kColumns = 160;
  std::vector<float> values;
  for (std::int64_t index = 0; index < kRows * kColumns; ++index)
    values.push_back(std::ldexp(static_cast<float>(index % 7 - 3), static_cast<int>(index / kColumns / 128) - 1));
  for (const Storage storage : {Storage::f32, Storage::bf16, Storage::fp8_block, Storage::fp4_group}) {
    const QuantizedRows stored = quantize_rows(values, kColumns, storage);
    WeightView view{.out = kRows, .in = kColumns, .data = stored.values, .scale = stored.scales};
    switch (storage) {
      case Storage::bf16: view.format = WeightFormat::bf16; break;
      case Storage::fp8_block:
        view.format = WeightFormat::fp8_block;
        view.scale_rows = kFp8Block;
        view.scale_columns = kFp8Block;
        break;
      case Storage::fp4_group:
        view.format = WeightFormat::fp4_group;
        view.scale_columns = kFp4Group;
        break;
      default: break;
    }
    EXPECT_EQ(dequantize(view), values) << name_of(storage);
  }
}

}  // namespace
}  // namespace fathom
