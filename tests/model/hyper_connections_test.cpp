#include "fathom/model/hyper_connections.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/model_support.h"

namespace fathom::testing {
namespace {

constexpr std::int64_t kTokens = 3;
constexpr std::int64_t kStreams = 3;
constexpr std::int64_t kChannels = 64;

class HyperConnectionsTest : public PartTest {
 protected:
  struct Result {
    std::vector<float> before;
    std::vector<float> x;
    std::vector<float> y;
    std::vector<float> after;
  };

  Result pass(const HyperConnectionWeights& weights) {
    recorder_.forget();
    const Step step = next_step({kTokens});
    const auto streams = random_rows(kTokens, kStreams * kChannels).reshape<3>({kTokens, kStreams, kChannels});
    const auto x = arena_.take<float, 2>({kTokens, kChannels});
    const auto y = random_rows(kTokens, kChannels);
    Result result;
    result.before.assign(streams.span().begin(), streams.span().end());
    const HyperConnections hyper_connections(config_, weights);
    const auto gates = HyperConnections::take_gates(step, kStreams);
    step.backend.hyper_connection(
        hyper_connections.beginning(step, streams, weights_.layers[0].attn_norm.view(), gates, x));
    step.backend.expand_streams(HyperConnections::expansion(gates, y, streams));
    result.x = recorder_.only("collapse_streams").view("out").values;  // before the norm
    EXPECT_EQ(std::vector<float>(x.span().begin(), x.span().end()), recorder_.only("rms_norm").view("out").values);
    result.y.assign(y.span().begin(), y.span().end());
    result.after.assign(streams.span().begin(), streams.span().end());
    return result;
  }

  // The three parts of the gates of one token: pre | post | comb.
  std::vector<double> gates(const std::string& name, const std::vector<float>& streams, std::int64_t token) const;
};

std::vector<double> HyperConnectionsTest::gates(const std::string& name, const std::vector<float>& streams,
                                                std::int64_t token) const {
  const WeightView view = checkpoint_->linear(name + "_fn");
  const auto fn = checkpoint_->floats(name + "_fn");
  const auto base = checkpoint_->floats(name + "_base");
  const auto scale = checkpoint_->floats(name + "_scale");
  const float* row = streams.data() + token * kStreams * kChannels;
  double squares = 0.0;
  for (std::int64_t value = 0; value < kStreams * kChannels; ++value)
    squares += static_cast<double>(row[value]) * static_cast<double>(row[value]);
  const double r = 1.0 / std::sqrt(squares / static_cast<double>(kStreams * kChannels) + 1e-5);
  const double eps = static_cast<double>(1e-3F);
  std::vector<double> z;
  for (std::int64_t output = 0; output < view.out; ++output) {
    double mix = 0.0;
    for (std::int64_t value = 0; value < view.in; ++value)
      mix += static_cast<double>(fn[output * view.in + value]) * static_cast<double>(row[value]);
    const std::int64_t part = output < kStreams ? 0 : output < 2 * kStreams ? 1 : 2;
    z.push_back(mix * r * static_cast<double>(scale[part]) + static_cast<double>(base[output]));
  }
  for (std::int64_t stream = 0; stream < kStreams; ++stream) {
    z[stream] = 1.0 / (1.0 + std::exp(-z[stream])) + eps;
    z[kStreams + stream] = 2.0 / (1.0 + std::exp(-z[kStreams + stream]));
  }
  double* comb = z.data() + 2 * kStreams;
  for (std::int64_t from = 0; from < kStreams; ++from) {
    double sum = 0.0;
    for (std::int64_t to = 0; to < kStreams; ++to) sum += std::exp(comb[from * kStreams + to]);
    for (std::int64_t to = 0; to < kStreams; ++to)
      comb[from * kStreams + to] = std::exp(comb[from * kStreams + to]) / sum + eps;
  }
  const auto normalise = [&](std::int64_t outer_step, std::int64_t inner_step) {
    for (std::int64_t outer = 0; outer < kStreams; ++outer) {
      double sum = eps;
      for (std::int64_t inner = 0; inner < kStreams; ++inner) sum += comb[outer * outer_step + inner * inner_step];
      for (std::int64_t inner = 0; inner < kStreams; ++inner) comb[outer * outer_step + inner * inner_step] /= sum;
    }
  };
  normalise(1, kStreams);  // columns first, columns last
  for (int iteration = 1; iteration < 5; ++iteration) {
    normalise(kStreams, 1);
    normalise(1, kStreams);
  }
  return z;
}

TEST_F(HyperConnectionsTest, TheUpdateFollowsTheReport) {
  for (const std::string name : {"layers.0.hc_attn", "layers.3.hc_ffn"}) {
    const auto& weights = name == "layers.0.hc_attn" ? weights_.layers[0].hc_attn : weights_.layers[3].hc_ffn;
    const Result result = pass(weights);
    std::vector<double> x;
    std::vector<double> after;
    for (std::int64_t token = 0; token < kTokens; ++token) {
      const auto z = gates(name, result.before, token);
      const auto stream = [&](std::int64_t index, std::int64_t channel) {
        return static_cast<double>(result.before[(token * kStreams + index) * kChannels + channel]);
      };
      for (std::int64_t channel = 0; channel < kChannels; ++channel) {
        double sum = 0.0;
        for (std::int64_t index = 0; index < kStreams; ++index) sum += z[index] * stream(index, channel);
        x.push_back(sum);
      }
      // comb enters transposed: its row is the old stream.
      for (std::int64_t to = 0; to < kStreams; ++to)
        for (std::int64_t channel = 0; channel < kChannels; ++channel) {
          double sum = z[kStreams + to] * static_cast<double>(result.y[token * kChannels + channel]);
          for (std::int64_t from = 0; from < kStreams; ++from)
            sum += z[2 * kStreams + from * kStreams + to] * stream(from, channel);
          after.push_back(sum);
        }
    }
    expect_close(result.x, x, 2e-5, name + " input");
    expect_close(result.after, after, 2e-5, name + " streams");
  }
}

TEST_F(HyperConnectionsTest, EpsilonsAndIterationsAreTheirOwn) {
  pass(weights_.layers[1].hc_ffn);
  const Call call = recorder_.only("hyper_connection_gates");
  EXPECT_EQ(call.number("iterations"), 5.0);
  EXPECT_EQ(call.number("eps"), static_cast<double>(1e-3F));
  EXPECT_EQ(call.number("norm_eps"), static_cast<double>(1e-5F));
  EXPECT_EQ(call.view("scale").values, floats("layers.1.hc_ffn_scale"));
  EXPECT_EQ(call.view("base").values, floats("layers.1.hc_ffn_base"));
}

TEST_F(HyperConnectionsTest, TheMixReadsAllStreamsOfATokenAtOnce) {
  pass(weights_.layers[1].hc_attn);
  const Call mix = recorder_.only("linear", "layers.1.hc_attn_fn");
  EXPECT_EQ(mix.view("x").shape, (std::vector<std::int64_t>{kTokens, kStreams * kChannels}));
  EXPECT_EQ(mix.view("out").shape, (std::vector<std::int64_t>{kTokens, (2 + kStreams) * kStreams}));
  EXPECT_EQ(mix.weight_format, WeightFormat::f32);
  const Call gates = recorder_.only("hyper_connection_gates");
  EXPECT_EQ(gates.view("mix").values, mix.view("out").values);
  EXPECT_EQ(recorder_.only("collapse_streams").view("pre"), gates.view("pre"));
  EXPECT_EQ(recorder_.only("expand_streams").view("post"), gates.view("post"));
  EXPECT_EQ(recorder_.only("expand_streams").view("comb"), gates.view("comb"));
}

}  // namespace
}  // namespace fathom::testing
