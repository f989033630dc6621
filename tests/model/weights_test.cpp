#include "fathom/model/weights.h"

#include <gtest/gtest.h>

#include <fstream>

#include "fathom/backends/reference/reference_backend.h"
#include "tests/model/model_support.h"

namespace fathom::testing {
namespace {

// Every linear weight that load_weights made, by the name of the tensor that it came from.
class Weights : public PartTest {
 protected:
  void expect_linear(const WeightPtr& weight, std::int64_t out, std::int64_t in) {
    ASSERT_NE(weight, nullptr);
    EXPECT_EQ(weight->out, out);
    EXPECT_EQ(weight->in, in);
  }
  void expect_floats(const Floats& array, const std::string& name) {
    const std::vector<float> expected = floats(name);
    ASSERT_EQ(array.size(), std::ssize(expected)) << name;
    const auto values = array.view().span();
    EXPECT_EQ(std::vector<float>(values.begin(), values.end()), expected) << name;
  }
  void expect_compressor(const CompressorWeights& found, const std::string& prefix, std::int64_t columns) {
    expect_linear(found.wkv, columns, 64);
    expect_linear(found.wgate, columns, 64);
    expect_floats(found.ape, prefix + "ape");
    expect_floats(found.norm, prefix + "norm.weight");
  }
};

TEST_F(Weights, AttentionHasTheCheckpointsShapesAndValues) {
  for (std::size_t block = 0; block < 5; ++block) {
    const std::string prefix = block < 4 ? fmt::format("layers.{}.attn.", block) : "mtp.0.attn.";
    const AttentionWeights& attn = block < 4 ? weights_.layers[block].attn : weights_.mtp.front().block.attn;
    expect_linear(attn.wq_a, 24, 64);
    expect_linear(attn.wq_b, 6 * 90, 24);
    expect_linear(attn.wkv, 90, 64);
    expect_linear(attn.wo_a, 2 * 20, 3 * 90);
    expect_linear(attn.wo_b, 64, 2 * 20);
    expect_floats(attn.q_norm, prefix + "q_norm.weight");
    expect_floats(attn.kv_norm, prefix + "kv_norm.weight");
    expect_floats(attn.attn_sink, prefix + "attn_sink");
  }
}

TEST_F(Weights, CompressorsAndIndexersAreWhereTheRatiosSay) {
  const auto& layers = weights_.layers;
  EXPECT_FALSE(layers[0].attn.compressor.has_value());
  EXPECT_FALSE(layers[0].attn.indexer.has_value());
  EXPECT_FALSE(layers[2].attn.indexer.has_value());
  EXPECT_FALSE(weights_.mtp.front().block.attn.compressor.has_value());
  expect_compressor(layers[1].attn.compressor.value(), "layers.1.attn.compressor.", 2 * 90);
  expect_compressor(layers[2].attn.compressor.value(), "layers.2.attn.compressor.", 90);
  const IndexerWeights& indexer = layers[3].attn.indexer.value();
  expect_compressor(indexer.compressor, "layers.3.attn.indexer.compressor.", 2 * 32);
  expect_linear(indexer.wq_b, 3 * 32, 24);
  expect_linear(indexer.weights_proj, 3, 64);
}

TEST_F(Weights, GatesHaveATableOrABias) {
  for (std::size_t layer = 0; layer < 4; ++layer) {
    const MoeWeights& ffn = weights_.layers[layer].ffn;
    EXPECT_EQ(ffn.tid2eid.size(), layer < 2 ? 57 * 2 : 0);
    EXPECT_EQ(ffn.gate_bias.size(), layer < 2 ? 0 : 5);
  }
  EXPECT_EQ(weights_.mtp.front().block.ffn.tid2eid.size(), 0);
  expect_floats(weights_.mtp.front().block.ffn.gate_bias, "mtp.0.ffn.gate.bias");
  const auto table = weights_.layers[1].ffn.tid2eid.view().span();
  EXPECT_EQ(std::vector<std::int32_t>(table.begin(), table.end()), checkpoint_->integers("layers.1.ffn.gate.tid2eid"));
}

TEST_F(Weights, ExpertsAndTheSharedExpertHaveTheirShapes) {
  const MoeWeights& ffn = weights_.layers[3].ffn;
  ASSERT_EQ(ffn.experts.size(), 5U);
  for (const ExpertWeights& expert : ffn.experts) {
    expect_linear(expert.w1, 32, 64);
    expect_linear(expert.w2, 64, 32);
    expect_linear(expert.w3, 32, 64);
  }
  expect_linear(ffn.shared.w1, 32, 64);
  expect_linear(ffn.shared.w2, 64, 32);
}

TEST_F(Weights, HyperConnectionsHeadsAndMtp) {
  expect_linear(weights_.layers[0].hc_attn.fn, (2 + 3) * 3, 3 * 64);
  expect_floats(weights_.layers[0].hc_attn.base, "layers.0.hc_attn_base");
  expect_floats(weights_.layers[0].hc_attn.scale, "layers.0.hc_attn_scale");
  expect_floats(weights_.layers[0].hc_ffn.base, "layers.0.hc_ffn_base");
  expect_linear(weights_.final.hc_head.fn, 3, 3 * 64);
  expect_floats(weights_.final.hc_head.scale, "hc_head_scale");
  expect_floats(weights_.final.norm, "norm.weight");
  expect_linear(weights_.embed, 57, 64);
  expect_linear(weights_.head, 57, 64);
  const MtpWeights& mtp = weights_.mtp.front();
  expect_linear(mtp.e_proj, 64, 64);
  expect_linear(mtp.h_proj, 64, 64);
  expect_floats(mtp.enorm, "mtp.0.enorm.weight");
  expect_floats(mtp.hnorm, "mtp.0.hnorm.weight");
  expect_floats(mtp.head.norm, "mtp.0.norm.weight");
  expect_floats(mtp.head.hc_head.base, "mtp.0.hc_head_base");
}

TEST(WeightsWithoutMtp, AreSimplyWithout) {
  ModelConfig config = small_config();
  config.mtp_layers = 0;
  config.compress_ratios.pop_back();
  const SmallModel model(config);
  ReferenceBackend backend;
  EXPECT_TRUE(load_weights(*model.checkpoint(), backend).mtp.empty());
}

// Loads a model whose table sends the second choice of token 21 to `expert`.
std::string error_with_route_to(std::int64_t expert) {
  const SmallModel model(small_config());
  const std::string name = "layers.1.ffn.gate.tid2eid";
  std::int64_t offset = 0;
  {
    const SafetensorsFile file(model.directory() / "model.safetensors");
    const auto size = static_cast<std::int64_t>(std::filesystem::file_size(file.path()));
    std::int64_t data = 0;
    for (const SafetensorsTensor& tensor : file.tensors()) {
      if (tensor.name == name) offset = data;
      data += std::ssize(tensor.bytes);
    }
    offset += size - data;
  }
  std::fstream file(model.directory() / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(offset + (21 * 2 + 1) * 8);
  file.write(reinterpret_cast<const char*>(&expert), 8);
  file.close();
  ReferenceBackend backend;
  try {
    load_weights(Checkpoint::open(model.directory()), backend);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(WeightsHashTable, ARouteOutsideTheExpertsNamesTokenAndExpert) {
  for (const std::int64_t expert : {std::int64_t{5}, std::int64_t{-1}, std::int64_t{2147483647}}) {
    const std::string error = error_with_route_to(expert);
    EXPECT_NE(error.find("layers.1.ffn.gate.tid2eid"), std::string::npos) << error;
    EXPECT_NE(error.find("token 21"), std::string::npos) << error;
    EXPECT_NE(error.find(fmt::format("expert {}", expert)), std::string::npos) << error;
  }
  EXPECT_NE(error_with_route_to(std::int64_t{1} << 40), "");
  EXPECT_EQ(error_with_route_to(4), "");
}

}  // namespace
}  // namespace fathom::testing
