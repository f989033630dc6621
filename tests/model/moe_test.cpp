#include "fathom/model/moe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/model/model_support.h"

namespace fathom::testing {
namespace {

constexpr std::int64_t kHashed = 0;
constexpr std::int64_t kScored = 2;
constexpr std::int64_t kMtp = 4;

class MoeTest : public PartTest {
 protected:
  explicit MoeTest(const ModelConfig& config = small_config()) : PartTest(CacheStorage::released, config) {}

  std::vector<float> mix(std::int64_t block, std::int64_t tokens) {
    recorder_.forget();
    const Step step = next_step({tokens});
    ids_.assign(step.ids.begin(), step.ids.end());
    x_ = random_rows(tokens, config_.channels);
    for (float& value : std::span(const_cast<float*>(x_.data()), static_cast<std::size_t>(x_.size()))) value *= 3.0F;
    const auto out = arena_.take<float, 2>({tokens, config_.channels});
    const BlockWeights& weights =
        block == kMtp ? weights_.mtp.front().block : weights_.layers[static_cast<std::size_t>(block)];
    Moe(config_, block, weights.ffn)
        .forward(step, x_, out,
                 {.into = {.y = out,
                           .post = arena_.take<float, 2>({tokens, 1}),
                           .comb = arena_.take<float, 3>({tokens, 1, 1}),
                           .streams = arena_.take<float, 3>({tokens, 1, config_.channels})},
                  .next = nullptr});
    end_step();
    return {out.span().begin(), out.span().end()};
  }
  // w2 (silu(min(w1 x, limit)) * clamp(w3 x, limit) * weight), in double precision.
  std::vector<double> expert(const std::string& prefix, std::int64_t token, double weight);

  std::vector<std::int32_t> ids_;
  View<const float, 2> x_;
};

std::vector<double> MoeTest::expert(const std::string& prefix, std::int64_t token, double weight) {
  const auto w1 = matrix(prefix + "w1");
  const auto w2 = matrix(prefix + "w2");
  const auto w3 = matrix(prefix + "w3");
  std::vector<double> hidden;
  for (std::int64_t row = 0; row < 32; ++row) {
    double gate = 0.0;
    double up = 0.0;
    for (std::int64_t channel = 0; channel < 64; ++channel) {
      gate += static_cast<double>(w1[row * 64 + channel]) * static_cast<double>(x_[token][channel]);
      up += static_cast<double>(w3[row * 64 + channel]) * static_cast<double>(x_[token][channel]);
    }
    gate = std::min(gate, 0.5);
    hidden.push_back(gate / (1.0 + std::exp(-gate)) * std::clamp(up, -0.5, 0.5) * weight);
  }
  std::vector<double> result(64);
  for (std::int64_t channel = 0; channel < 64; ++channel)
    for (std::int64_t row = 0; row < 32; ++row)
      result[channel] += static_cast<double>(w2[channel * 32 + row]) * hidden[row];
  return result;
}

// Selection, weights, experts and the shared expert, from the report's equations.
TEST_F(MoeTest, TheSumFollowsTheReport) {
  for (const std::int64_t block : {kHashed, kScored}) {
    const std::string prefix = fmt::format("layers.{}.ffn.", block);
    const auto found = mix(block, 5);
    const auto gate = matrix(prefix + "gate");
    std::vector<double> expected;
    for (std::int64_t token = 0; token < 5; ++token) {
      std::vector<double> scores(5);
      for (std::int64_t choice = 0; choice < 5; ++choice) {
        double logit = 0.0;
        for (std::int64_t channel = 0; channel < 64; ++channel)
          logit += static_cast<double>(gate[choice * 64 + channel]) * static_cast<double>(x_[token][channel]);
        scores[choice] = std::sqrt(std::log1p(std::exp(logit)));
      }
      std::vector<std::int32_t> chosen{0, 1, 2, 3, 4};
      if (block == kHashed) {
        const auto table = checkpoint_->integers(prefix + "gate.tid2eid");
        chosen = {table[ids_[token] * 2], table[ids_[token] * 2 + 1]};
      } else {
        const auto bias = floats(prefix + "gate.bias");
        std::sort(chosen.begin(), chosen.end(), [&](std::int32_t a, std::int32_t b) {
          return scores[a] + static_cast<double>(bias[a]) > scores[b] + static_cast<double>(bias[b]);
        });
        chosen.resize(2);
      }
      std::vector<double> sum = expert(prefix + "shared_experts.", token, 1.0);
      for (const std::int32_t choice : chosen) {
        const double weight = scores[choice] / (scores[chosen[0]] + scores[chosen[1]]) * 1.75;
        const auto part = expert(fmt::format("{}experts.{}.", prefix, choice), token, weight);
        for (std::size_t channel = 0; channel < 64; ++channel) sum[channel] += part[channel];
      }
      expected.insert(expected.end(), sum.begin(), sum.end());
    }
    expect_close(found, expected, 1e-4, prefix);
  }
}

TEST_F(MoeTest, TheRoutersProductIsNotQuantised) {
  mix(kScored, 3);
  const Call router = recorder_.only("linear", "layers.2.ffn.gate");
  EXPECT_EQ(router.view("x").place, x_.data()) << "the router reads the very input of the experts";
  EXPECT_EQ(recorder_.only("experts").view("x").place, x_.data());
  EXPECT_TRUE(router.weight_format == WeightFormat::bf16 || router.weight_format == WeightFormat::f32);
  EXPECT_EQ(recorder_.only("route").view("logits"), router.view("out")) << "in float32, as they come";
}

TEST_F(MoeTest, HashLayersPassIdsAndNoBias) {
  mix(kHashed, 6);
  const Call route = recorder_.only("route");
  EXPECT_EQ(route.integers, (std::vector<std::int64_t>(ids_.begin(), ids_.end())));
  EXPECT_EQ(route.view("bias").place, nullptr);
  EXPECT_EQ(route.view("hash").shape, (std::vector<std::int64_t>{57, 2}));
  const auto table = checkpoint_->integers("layers.0.ffn.gate.tid2eid");
  for (std::size_t token = 0; token < 6; ++token) {
    std::vector<float> row{static_cast<float>(table[ids_[token] * 2]), static_cast<float>(table[ids_[token] * 2 + 1])};
    std::sort(row.begin(), row.end());
    EXPECT_EQ(route.view("selected").values[token * 2], row[0]);
    EXPECT_EQ(route.view("selected").values[token * 2 + 1], row[1]);
  }
}

TEST_F(MoeTest, ScoredLayersPassTheirBiasAndNoTable) {
  mix(kScored, 2);
  EXPECT_EQ(recorder_.only("route").view("bias").values, floats("layers.2.ffn.gate.bias"));
  EXPECT_EQ(recorder_.only("route").view("hash").place, nullptr);
}

class AllHashedMoeTest : public MoeTest {
 protected:
  AllHashedMoeTest() : MoeTest(config()) {}
  static ModelConfig config() {
    ModelConfig config = small_config();
    config.hash_layers = config.layers;
    return config;
  }
};

TEST_F(AllHashedMoeTest, MtpNeverHashes) {
  mix(3, 2);
  EXPECT_NE(recorder_.only("route").view("hash").place, nullptr);
  mix(kMtp, 2);
  EXPECT_EQ(recorder_.only("route").view("hash").place, nullptr);
  EXPECT_EQ(recorder_.only("route").view("bias").values, floats("mtp.0.ffn.gate.bias"));
}

TEST_F(MoeTest, TheRouteScaleIsPassed) {
  mix(kScored, 2);
  EXPECT_EQ(recorder_.only("route").number("route_scale"), 1.75);
  for (std::size_t token = 0; token < 2; ++token) {
    const auto& weights = recorder_.only("route").view("weights").values;
    EXPECT_NEAR(static_cast<double>(weights[token * 2] + weights[token * 2 + 1]), 1.75, 1e-6);
  }
}

TEST_F(MoeTest, TheSharedExpertIsClampedAndCarriesNoWeight) {
  mix(kScored, 4);
  const Call up = recorder_.only("linear", "layers.2.ffn.shared_experts.w3");
  const Call swiglu = recorder_.next("swiglu", up.index);
  EXPECT_EQ(swiglu.view("gate").values, recorder_.only("linear", "layers.2.ffn.shared_experts.w1").view("out").values);
  EXPECT_EQ(swiglu.view("up").values, up.view("out").values);
  EXPECT_EQ(swiglu.number("limit"), 0.5);
  EXPECT_EQ(swiglu.view("weight").place, nullptr);
  const auto& hidden = swiglu.view("up").values;
  EXPECT_TRUE(std::any_of(hidden.begin(), hidden.end(), [](float value) { return std::fabs(value) > 0.5F; }))
      << "the clamp has something to do";
}

TEST_F(MoeTest, RoutedExpertsAreClampedAndWeighedBeforeW2) {
  mix(kScored, 4);
  const Call experts = recorder_.only("experts");
  EXPECT_EQ(experts.number("limit"), 0.5);
  EXPECT_EQ(experts.view("selected"), recorder_.only("route").view("selected"));
  EXPECT_EQ(experts.view("weights"), recorder_.only("route").view("weights"));
  int routed = 0;
  for (const Call& swiglu : recorder_.all("swiglu")) {
    const Call down = recorder_.next("linear", swiglu.index);
    if (down.weight.find("shared") != std::string::npos) continue;
    EXPECT_NE(swiglu.view("weight").place, nullptr);
    EXPECT_EQ(down.view("x").values, swiglu.view("out").values);
    EXPECT_TRUE(down.weight.ends_with(".w2")) << down.weight;
    ++routed;
  }
  EXPECT_GT(routed, 0);
}

TEST_F(MoeTest, TheObserverSeesTheRoute) {
  mix(kScored, 3);
  ASSERT_EQ(seen_.routes.size(), 1U);
  EXPECT_EQ(seen_.routes.front().first, kScored);
  const auto& selected = recorder_.only("route").view("selected").values;
  EXPECT_EQ(std::vector<float>(seen_.routes.front().second.begin(), seen_.routes.front().second.end()), selected);
}

}  // namespace
}  // namespace fathom::testing
