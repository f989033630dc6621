#include "fathom/trainer/hyper_connections.h"

#include <gtest/gtest.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

class TrainerHyperConnections : public ::testing::Test {
 protected:
  ModelConfig config_ = tiny_config();
  Parameters parameters_ = lively_parameters(config_, 7);
  PackedBatch batch_ = small_batch(config_, 16);
  Step step_{parameters_, batch_, kDouble};
  torch::Tensor streams_ = normal({16, 4, 32}, 1);
};

TEST_F(TrainerHyperConnections, CollapseIsItsFormula) {
  HyperConnections::Gates gates;
  const torch::Tensor x = HyperConnections(step_, "layers.1.hc_ffn_").collapse(streams_, gates);
  const torch::Tensor flat = streams_.flatten(1);
  const torch::Tensor mix = torch::mm(flat, parameters_.at("layers.1.hc_ffn_fn").t()) *
                            (flat.square().mean(1, true) + static_cast<double>(config_.norm_eps)).rsqrt();
  const torch::Tensor& base = parameters_.at("layers.1.hc_ffn_base");
  const torch::Tensor& scale = parameters_.at("layers.1.hc_ffn_scale");
  const torch::Tensor pre =
      torch::sigmoid(mix.narrow(1, 0, 4) * scale[0] + base.narrow(0, 0, 4)) + static_cast<double>(config_.hc_eps);
  EXPECT_TRUE(x.allclose((pre.unsqueeze(2) * streams_).sum(1), 1e-10, 1e-10));
  EXPECT_TRUE(
      gates.post.allclose(torch::sigmoid(mix.narrow(1, 4, 4) * scale[1] + base.narrow(0, 4, 4)) * 2, 1e-10, 1e-10));
}

TEST_F(TrainerHyperConnections, ExpandIsItsFormula) {
  HyperConnections::Gates gates{.post = normal({16, 4}, 2), .comb = normal({16, 4, 4}, 3)};
  const torch::Tensor y = normal({16, 32}, 4);
  const HyperConnections connections(step_, "layers.1.hc_ffn_");
  const torch::Tensor expected =
      torch::matmul(gates.comb.transpose(1, 2), streams_) + gates.post.unsqueeze(2) * y.unsqueeze(1);
  EXPECT_TRUE(connections.expand(gates, y, streams_).allclose(expected, 1e-12, 1e-12));
  expect_gradients([&] { return probe(connections.expand(gates, y, streams_)); },
                   {gates.post, gates.comb, y, streams_});
}

TEST_F(TrainerHyperConnections, Gradients) {
  const torch::Tensor y = normal({16, 32}, 4);
  const auto loss = [&] {
    const HyperConnections connections(step_, "layers.1.hc_attn_");
    HyperConnections::Gates gates;
    const torch::Tensor x = connections.collapse(streams_, gates);
    return probe(connections.expand(gates, y + x.square(), streams_));
  };
  expect_gradients(loss, {streams_, y});
  expect_parameter_gradients(loss, parameters_, "layers.1.hc_attn_");
}

TEST_F(TrainerHyperConnections, HeadGradients) {
  const auto loss = [&] { return probe(HyperConnections(step_, "hc_head_").collapse_head(streams_)); };
  expect_gradients(loss, {streams_});
  expect_parameter_gradients(loss, parameters_, "hc_head_");
}

}  // namespace
}  // namespace fathom::train
