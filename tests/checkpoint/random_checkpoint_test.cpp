#include "fathom/checkpoint/random_checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fathom/base/error.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/spec/model_size.h"
#include "tests/checkpoint/checkpoint_support.h"

namespace fathom {
namespace {

using testing::error_of;
using testing::TemporaryDirectory;

ModelConfig oracle_config(const char* name) {
  return load_model_config(std::filesystem::path(FATHOM_TEST_DATA) / name / "config.json");
}

// Other dimensions than any release's or oracle's.
ModelConfig odd_config() {
  ModelConfig config = oracle_config("tiny-flash");
  config.vocab = 131;
  config.channels = 96;
  config.heads = 6;
  config.head_dim = 80;
  config.rope_dim = 16;
  config.query_latent = 50;
  config.output_groups = 3;
  config.output_latent = 9;
  config.experts = 5;
  config.selected_experts = 5;
  config.expert_dim = 160;
  config.index_dim = 32;
  config.index_heads = 3;
  config.streams = 2;
  config.compress_ratios = {0, 16, 4, 64, 4, 8, 4};
  return config;
}

TEST(RandomCheckpoint, OpensAndCountsAsTheTableSays) {
  for (const ModelConfig& config : {oracle_config("tiny-flash"), oracle_config("tiny-pro"), odd_config()}) {
    const TemporaryDirectory directory;
    write_random_checkpoint(config, directory / "out", {.seed = 3, .shards = 2});
    const Checkpoint checkpoint = Checkpoint::open(directory / "out");
    EXPECT_EQ(checkpoint.config(), config);
    std::int64_t tensors = 0;
    std::int64_t bytes = 0;
    for (const SafetensorsFile& file : checkpoint.files())
      for (const SafetensorsTensor& tensor : file.tensors()) {
        ++tensors;
        bytes += static_cast<std::int64_t>(tensor.bytes.size());
      }
    const ModelSize size = model_size(config);
    EXPECT_EQ(tensors, size.stored.tensors);
    EXPECT_EQ(bytes, size.stored.bytes);
  }
}

TEST(RandomCheckpoint, SeedsAreReproducible) {
  const TemporaryDirectory directory;
  write_random_checkpoint(odd_config(), directory / "a", {.seed = 3});
  write_random_checkpoint(odd_config(), directory / "b", {.seed = 3});
  write_random_checkpoint(odd_config(), directory / "c", {.seed = 4});
  const std::string first = testing::read_text(directory / "a" / "model.safetensors");
  EXPECT_EQ(first, testing::read_text(directory / "b" / "model.safetensors"));
  EXPECT_NE(first, testing::read_text(directory / "c" / "model.safetensors"));
  std::vector<double> shares;
  write_random_checkpoint(odd_config(), directory / "d",
                          {.seed = 3, .threads = 3, .progress = [&](double share) { shares.push_back(share); }});
  EXPECT_EQ(first, testing::read_text(directory / "d" / "model.safetensors")) << "whoever makes it";
  ASSERT_FALSE(shares.empty());
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
  EXPECT_EQ(shares.back(), 1.0);
}

TEST(RandomCheckpoint, HashTablesNameDifferentExperts) {
  const TemporaryDirectory directory;
  const ModelConfig config = odd_config();
  write_random_checkpoint(config, directory / "out");
  const Checkpoint checkpoint = Checkpoint::open(directory / "out");
  std::vector<std::int32_t> ids = checkpoint.integers("layers.0.ffn.gate.tid2eid");
  for (std::int64_t token = 0; token < config.vocab; ++token) {
    const auto begin = ids.begin() + token * config.selected_experts;
    std::sort(begin, begin + config.selected_experts);
    EXPECT_EQ(std::adjacent_find(begin, begin + config.selected_experts), begin + config.selected_experts);
  }
}

double deviation(const std::vector<float>& values) {
  double sum = 0.0;
  double squares = 0.0;
  for (const float value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const auto count = static_cast<double>(values.size());
  return std::sqrt(squares / count - sum / count * sum / count);
}

// The oracle's small tensors and these are drawn alike.
TEST(RandomCheckpoint, SmallTensorsSpreadAsTheOraclesDo) {
  const TemporaryDirectory directory;
  write_random_checkpoint(oracle_config("tiny-flash"), directory / "out");
  const Checkpoint random = Checkpoint::open(directory / "out");
  const Checkpoint oracle = Checkpoint::open(FATHOM_TEST_DATA "/tiny-flash");
  for (const char* name : {"embed.weight", "head.weight", "layers.2.attn_norm.weight", "layers.2.hc_attn_fn",
                           "layers.2.attn.compressor.ape", "layers.2.attn.compressor.wkv.weight",
                           "layers.2.attn.compressor.wgate.weight", "layers.2.ffn.gate.weight", "hc_head_fn"})
    EXPECT_NEAR(deviation(random.floats(name)) / deviation(oracle.floats(name)), 1.0, 0.25) << name;
}

TEST(RandomCheckpoint, EveryStorageLoads) {
  for (const Storage storage : {Storage::f32, Storage::bf16, Storage::fp8_block}) {
    const TemporaryDirectory directory;
    const auto choose = [&](const TensorSpec& spec) {
      const bool allowed = std::find(spec.allowed.begin(), spec.allowed.end(), storage) != spec.allowed.end();
      return allowed ? storage : spec.released;
    };
    write_random_checkpoint(odd_config(), directory / "out", {.storage = choose, .float_scales = true});
    const Checkpoint checkpoint = Checkpoint::open(directory / "out");
    const WeightView weight = checkpoint.linear("layers.0.ffn.experts.0.w1");
    switch (storage) {
      case Storage::f32: EXPECT_EQ(weight.format, WeightFormat::f32); break;
      case Storage::bf16: EXPECT_EQ(weight.format, WeightFormat::bf16); break;
      default:
        EXPECT_EQ(weight.format, WeightFormat::fp8_block);
        EXPECT_EQ(weight.scale_dtype, DType::f32);
        EXPECT_EQ(weight.scale.size(), 2U * 4U);
        EXPECT_EQ(checkpoint.config().expert_format, ExpertFormat::fp8);
    }
  }
}

TEST(RandomCheckpoint, Int32HashTablesLoad) {
  const TemporaryDirectory directory;
  write_random_checkpoint(odd_config(), directory / "wide");
  write_random_checkpoint(odd_config(), directory / "narrow", {.storage = [](const TensorSpec& spec) {
                            return spec.role == TensorRole::hash_table ? Storage::i32 : spec.released;
                          }});
  EXPECT_EQ(Checkpoint::open(directory / "wide").integers("layers.1.ffn.gate.tid2eid"),
            Checkpoint::open(directory / "narrow").integers("layers.1.ffn.gate.tid2eid"));
}

TEST(RandomCheckpoint, RefusesWhatCannotBe) {
  const TemporaryDirectory directory;
  ModelConfig config = odd_config();
  config.experts = 0;
  EXPECT_NE(error_of([&] { write_random_checkpoint(config, directory / "a"); }).find("n_routed_experts is 0"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(directory / "a"));
  const auto integers = [](const TensorSpec&) { return Storage::i64; };
  EXPECT_NE(error_of([&] {
              write_random_checkpoint(odd_config(), directory / "a", {.storage = integers});
            }).find("expected a storage that loads"),
            std::string::npos);
  write_random_checkpoint(odd_config(), directory / "a");
  EXPECT_NE(error_of([&] { write_random_checkpoint(odd_config(), directory / "a"); }).find("already"),
            std::string::npos);
}

}  // namespace
}  // namespace fathom
