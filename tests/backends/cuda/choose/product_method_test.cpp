#include "fathom/backends/cuda/choose/product_method.h"

#include <gtest/gtest.h>

#include <array>

namespace fathom::cuda {
namespace {

constexpr std::array<std::byte, 1> kScale{};

WeightView weight(WeightFormat format, std::int64_t out, std::int64_t in) {
  return {.format = format, .out = out, .in = in, .data = {}, .scale = kScale};
}

TEST(ProductMethod, LongSumsGoToTensorCores) {
  EXPECT_TRUE(on_tensor_cores(weight(WeightFormat::fp8_block, 512, 4096), 90, 1024));
  EXPECT_TRUE(on_tensor_cores(weight(WeightFormat::f32, 24, 16384), 80, 1024));
  EXPECT_FALSE(on_tensor_cores(weight(WeightFormat::fp8_block, 4096, 320), 90, 1024))
      << "a small model keeps its order";
  EXPECT_FALSE(on_tensor_cores(weight(WeightFormat::fp8_block, 512, 4096), 75, 1024));
}

TEST(ProductMethod, FewOutputsOverManyInputsAreDeep) {
  WeightView fn = weight(WeightFormat::f32, 24, 16384);
  fn.scale = {};
  EXPECT_EQ(product_method(fn, 90, 1024), ProductMethod::deep);
  EXPECT_EQ(product_method(fn, 90, 32768), ProductMethod::plain) << "a small model keeps its order";
  fn.out = 64;
  EXPECT_EQ(product_method(fn, 90, 1024), ProductMethod::tensor_cores);
  fn.out = 4;
  EXPECT_EQ(product_method(fn, 90, 1024), ProductMethod::deep);
  EXPECT_EQ(product_method(weight(WeightFormat::fp8_block, 24, 16384), 90, 1024), ProductMethod::tensor_cores);
}

TEST(ProductMethod, AnExpertsWeightsGoTheSameWay) {
  for (const std::int64_t channels : {320, 1024, 4096})
    for (const std::int64_t dim : {128, 1024, 2048})
      EXPECT_EQ(on_tensor_cores(weight(WeightFormat::fp4_group, dim, channels), 90, 1024),
                on_tensor_cores(weight(WeightFormat::fp4_group, channels, dim), 90, 1024))
          << channels << " " << dim;
}

TEST(ProductMethod, ScalesThatAreNoPowersOfTwoAreMultipliedPlainly) {
  WeightView base = weight(WeightFormat::fp8_block, 512, 4096);
  base.scale_dtype = DType::f32;
  EXPECT_FALSE(on_tensor_cores(base, 90, 1024));
}

}  // namespace
}  // namespace fathom::cuda
