#include "fathom/checkpoint/random_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "fathom/base/error.h"
#include "fathom/checkpoint/random_distribution.h"
#include "fathom/spec/layer_choice.h"
#include "fathom/tensor/weight_values.h"

namespace fathom {
namespace {

ModelConfig tiny() { return load_model_config(FATHOM_TEST_DATA "/tiny-flash/config.json"); }
ModelConfig flash(std::vector<std::int64_t> layers) {
  return without_mtp(with_layers(preset_model_config("deepseek-v4-flash"), layers));
}

std::vector<std::byte> bytes_of(const WeightView& view) {
  std::vector<std::byte> bytes(view.data.begin(), view.data.end());
  bytes.insert(bytes.end(), view.scale.begin(), view.scale.end());
  return bytes;
}

TEST(RandomWeights, EveryTensorIsThereInTheReleasedFormat) {
  for (const ModelConfig& config : {tiny(), flash({0, 2, 3})}) {
    const RandomWeights weights(config, 1);
    EXPECT_EQ(weights.config(), config);
    for (const TensorSpec& spec : tensor_table(config)) {
      if (spec.role == TensorRole::hash_table) {
        const std::vector<std::int32_t> ids = weights.integers(spec.name);
        ASSERT_EQ(std::ssize(ids), spec.elements());
        for (const std::int32_t id : ids) ASSERT_TRUE(id >= 0 && id < config.experts) << id;
      } else if (spec.linear || spec.role == TensorRole::hc_mix) {
        const WeightView view = weights.linear(spec.name);
        EXPECT_EQ(view.name, spec.name);
        EXPECT_NO_THROW(check_weight(view)) << spec.name;
        EXPECT_EQ(view.out, spec.shape[0]);
        EXPECT_EQ(view.in, spec.shape[1]);
      } else {
        EXPECT_EQ(std::ssize(weights.floats(values_name(spec))), spec.elements()) << spec.name;
      }
    }
  }
}

// Mean and mean square of what a tensor says, against what a checkpoint of random values would be drawn from.
TEST(RandomWeights, ValuesLieAsACheckpointsDo) {
  const ModelConfig config = flash({0, 2, 3});
  const RandomWeights weights(config, 2);
  for (const char* name : {"embed", "head", "layers.0.hc_attn_fn", "layers.0.attn.wq_a", "layers.0.attn.wo_b",
                           "layers.1.attn.compressor.wgate", "layers.2.ffn.gate", "layers.0.ffn.experts.7.w1",
                           "layers.2.ffn.experts.255.w2", "layers.1.ffn.shared_experts.w2"}) {
    const WeightView view = weights.linear(name);
    double sum = 0.0;
    double squares = 0.0;
    std::int64_t count = 0;
    for (std::int64_t row = 0; row < std::min<std::int64_t>(view.out, 200); ++row)
      for (std::int64_t column = 0; column < view.in; ++column, ++count) {
        const double value = weight_value(view, row, column);
        ASSERT_TRUE(std::isfinite(value)) << name;
        sum += value;
        squares += value * value;
      }
    float expected = 0.0F;
    for (const TensorSpec& spec : tensor_table(config))
      if (spec.name == name) expected = random_distribution(spec).deviation;
    const double deviation = std::sqrt(squares / static_cast<double>(count));
    EXPECT_NEAR(deviation / expected, 1.0, 0.06) << name;
    EXPECT_LT(std::abs(sum / static_cast<double>(count)), 0.03 * expected) << name;
  }
}

TEST(RandomWeights, FewCodesAreSubnormal) {
  const RandomWeights weights(flash({0}), 3);
  const WeightView view = weights.linear("layers.0.attn.wq_b");
  std::int64_t subnormal = 0;
  for (const std::byte code : view.data) subnormal += (std::to_integer<int>(code) & 0x78) == 0 ? 1 : 0;
  EXPECT_LT(subnormal, std::ssize(view.data) / 1000);
}

TEST(RandomWeights, SeedAndNameSayWhich) {
  const RandomWeights first(tiny(), 5);
  const RandomWeights again(tiny(), 5);
  const RandomWeights other(tiny(), 6);
  EXPECT_EQ(bytes_of(first.linear("layers.2.attn.wq_a")), bytes_of(again.linear("layers.2.attn.wq_a")));
  EXPECT_NE(bytes_of(first.linear("layers.2.attn.wq_a")), bytes_of(other.linear("layers.2.attn.wq_a")));
  EXPECT_EQ(first.floats("norm.weight"), again.floats("norm.weight"));
  EXPECT_NE(first.floats("norm.weight"), other.floats("norm.weight"));
  std::set<std::vector<std::byte>> different;
  for (int expert = 0; expert < 8; ++expert)
    different.insert(bytes_of(first.linear(fmt::format("layers.1.ffn.experts.{}.w1", expert))));
  EXPECT_EQ(different.size(), 8U);
}

TEST(RandomWeights, UnknownNamesAreOurFault) {
  const RandomWeights weights(tiny(), 1);
  EXPECT_THROW(weights.linear("layers.9.attn.wq_a"), InternalError);
  EXPECT_THROW(weights.floats("norm"), InternalError);
}

}  // namespace
}  // namespace fathom
