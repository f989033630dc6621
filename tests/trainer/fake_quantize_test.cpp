#include "fathom/trainer/fake_quantize.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <bit>

#include "fathom/base/error.h"
#include "fathom/checkpoint/dequantize.h"
#include "fathom/checkpoint/quantize.h"
#include "fathom/checkpoint/random_values.h"
#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

// Magnitudes over many powers of two, exact ties of both formats, zeros of both signs, and blocks of nothing.
std::vector<float> wild_values(std::int64_t rows, std::int64_t columns) {
  RandomValues random(9, "wild");
  std::vector<float> values;
  for (std::int64_t index = 0; index < rows * columns; ++index) {
    const float value = std::ldexp(random.normal(), static_cast<int>(random.below(24)) - 12);
    switch (random.below(8)) {
      case 0: values.push_back(std::ldexp(std::round(value * 8.0F), -4)); break;
      case 1: values.push_back(index % 2 == 0 ? 0.0F : -0.0F); break;
      case 2: values.push_back(std::ldexp(value, -130)); break;
      default: values.push_back(value);
    }
    if (index / columns >= 128 && index % columns < 130) values.back() = 0.0F;
    if (index / columns == 5) values.back() = std::ldexp(value, -120);
  }
  return values;
}

WeightView view_of(const QuantizedRows& stored, std::int64_t rows, std::int64_t columns, Storage storage) {
  WeightView view{
      .format = WeightFormat::bf16, .out = rows, .in = columns, .data = stored.values, .scale = stored.scales};
  if (storage == Storage::fp8_block) {
    view.format = WeightFormat::fp8_block;
    view.scale_rows = kFp8Block;
    view.scale_columns = kFp8Block;
  } else if (storage == Storage::fp4_group) {
    view.format = WeightFormat::fp4_group;
    view.scale_columns = kFp4Group;
  }
  return view;
}

TEST(TrainerFakeQuantize, EqualsQuantizeRowsBitForBit) {
  for (const Storage storage : {Storage::bf16, Storage::fp8_block, Storage::fp4_group})
    for (const auto& [rows, columns] : {std::pair{200, 300}, {128, 128}, {1, 32}, {3, 46}, {256, 160}}) {
      const std::vector<float> values = wild_values(rows, columns);
      const std::vector<float> expected =
          dequantize(view_of(quantize_rows(values, columns, storage), rows, columns, storage));
      const torch::Tensor found = fake_quantize(torch::tensor(values).view({rows, columns}), storage).contiguous();
      std::int64_t wrong = 0;
      for (std::size_t index = 0; index < values.size(); ++index)
        if (std::bit_cast<std::uint32_t>(found.data_ptr<float>()[index]) !=
                std::bit_cast<std::uint32_t>(expected[index]) &&
            ++wrong < 5)
          ADD_FAILURE() << name_of(storage) << " " << rows << "x" << columns << " at " << index << ": " << values[index]
                        << " became " << found.data_ptr<float>()[index] << ", expected " << expected[index];
      EXPECT_EQ(wrong, 0);
    }
}

TEST(TrainerFakeQuantize, StacksAreQuantizedOneByOne) {
  const torch::Tensor stack = normal({3, 70, 64}, 1).detach().to(torch::kFloat32);
  for (const Storage storage : {Storage::fp8_block, Storage::fp4_group}) {
    const torch::Tensor found = fake_quantize(stack, storage);
    for (std::int64_t expert = 0; expert < 3; ++expert)
      EXPECT_TRUE(found[expert].equal(fake_quantize(stack[expert], storage)));
  }
}

TEST(TrainerFakeQuantize, GradientsPassStraightThrough) {
  const torch::Tensor x = normal({4, 64}, 1);
  for (const auto& through :
       {fake_quantize(x, Storage::fp4_group), fake_quantize(x, Storage::fp8_block), fake_quantize_entries(x, 16)}) {
    EXPECT_FALSE(through.equal(x));
    const torch::Tensor weight = normal({4, 64}, 2).detach();
    EXPECT_TRUE(torch::autograd::grad({(through * weight).sum()}, {x})[0].equal(weight));
  }
}

TEST(TrainerFakeQuantize, HadamardIsItsOwnInverse) {
  const torch::Tensor x = normal({5, 32}, 1);
  EXPECT_TRUE(hadamard(hadamard(x)).allclose(x, 1e-12, 1e-12));
  EXPECT_NEAR(hadamard(torch::ones({1, 16}))[0][0].item<double>(), 4.0, 1e-6);
  expect_gradients([&] { return probe(hadamard(x)); }, {x});
}

TEST(TrainerFakeQuantize, IntegersAreRefused) {
  EXPECT_THROW(fake_quantize(torch::ones({2, 2}), Storage::i64), InternalError);
}

}  // namespace
}  // namespace fathom::train
