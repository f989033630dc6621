#include "tests/trainer/trainer_support.h"

#include "fathom/base/error.h"
#include "fathom/checkpoint/random_values.h"

namespace fathom::train::testing {

PackedRow pack(const std::vector<std::vector<std::int32_t>>& documents, std::int64_t length) {
  PackedRow row;
  std::int32_t number = 0;
  for (const auto& ids : documents) {
    for (std::size_t token = 0; token < ids.size(); ++token) {
      row.ids.push_back(ids[token]);
      row.targets.push_back(token + 1 < ids.size() ? ids[token + 1] : -1);
      row.documents.push_back(number);
      row.positions.push_back(static_cast<std::int32_t>(token));
    }
    ++number;
  }
  const auto size = static_cast<std::size_t>(length);
  check(row.ids.size() <= size, "the documents fit into the row");
  row.ids.resize(size, 0);
  row.targets.resize(size, -1);
  row.documents.resize(size, -1);
  row.positions.resize(size, 0);
  return row;
}

std::vector<std::int32_t> random_ids(std::int64_t count, std::int64_t vocab, std::uint64_t seed) {
  RandomValues random(seed, "ids");
  std::vector<std::int32_t> ids;
  for (std::int64_t token = 0; token < count; ++token) ids.push_back(static_cast<std::int32_t>(random.below(vocab)));
  return ids;
}

ModelConfig tiny_config() {
  ModelConfig config;
  config.vocab = 61;
  config.channels = 32;
  config.layers = 4;
  config.mtp_layers = 1;
  config.heads = 4;
  config.head_dim = 24;
  config.rope_dim = 8;
  config.query_latent = 20;
  config.output_groups = 2;
  config.output_latent = 12;
  config.experts = 6;
  config.shared_experts = 1;
  config.selected_experts = 2;
  config.expert_dim = 32;
  config.hash_layers = 1;
  config.route_scale = 1.5F;
  config.swiglu_limit = 10.0F;
  config.window = 8;
  config.index_heads = 3;
  config.index_dim = 16;
  config.index_topk = 3;
  config.compress_ratios = {0, 4, 8, 4, 0};
  config.streams = 4;
  config.sinkhorn_iterations = 20;
  config.max_positions = 4096;
  config.yarn = {.factor = 4.0, .original_max_positions = 64, .beta_fast = 8.0, .beta_slow = 1.0};
  return config;
}

}  // namespace fathom::train::testing
