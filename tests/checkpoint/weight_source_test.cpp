#include "fathom/checkpoint/weight_source.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"

namespace fathom {
namespace {

TEST(WeightSource, LayoutsAreTheReleasedOnes) {
  const TensorSpec spec{.name = "a", .role = TensorRole::attention, .linear = true, .shape = {3, 64}};
  const WeightView fp8 = weight_layout(spec, Storage::fp8_block);
  EXPECT_EQ(fp8.name, "a");
  EXPECT_EQ(fp8.format, WeightFormat::fp8_block);
  EXPECT_EQ(fp8.out, 3);
  EXPECT_EQ(fp8.in, 64);
  EXPECT_EQ(fp8.scale_rows, 128);
  EXPECT_EQ(fp8.scale_columns, 128);
  const WeightView fp4 = weight_layout(spec, Storage::fp4_group);
  EXPECT_EQ(fp4.format, WeightFormat::fp4_group);
  EXPECT_EQ(fp4.scale_rows, 1);
  EXPECT_EQ(fp4.scale_columns, 32);
  EXPECT_EQ(weight_layout(spec, Storage::bf16).format, WeightFormat::bf16);
  EXPECT_EQ(weight_layout(spec, Storage::f32).scale_columns, 1);
  EXPECT_THROW(weight_layout(spec, Storage::i64), InternalError);
}

}  // namespace
}  // namespace fathom
