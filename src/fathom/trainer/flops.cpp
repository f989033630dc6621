#include "fathom/trainer/flops.h"

#include <algorithm>

#include "fathom/spec/tensor_table.h"

namespace fathom::train {
namespace {

// Mean over positions 0 .. length - 1 of the keys that a query sees.
struct MeanKeys {
  double window = 0.0;
  double entries = 0.0;  // compressed entries attended to
  double indexed = 0.0;  // compressed entries scored by the indexer
};

MeanKeys mean_keys(const ModelConfig& config, std::int64_t block, std::int64_t length, AttentionStage attention) {
  MeanKeys sum;
  const std::int64_t ratio = config.ratio(block);
  const bool csa = config.attention_kind(block) == AttentionKind::csa;
  for (std::int64_t position = 0; position < length; ++position) {
    sum.window += static_cast<double>(std::min(position + 1, config.window));
    if (ratio == 0) continue;
    const std::int64_t visible = (position + 1) / ratio;
    const bool picked = csa && attention == AttentionStage::sparse;
    sum.entries += static_cast<double>(picked ? std::min(visible, config.index_topk) : visible);
    if (csa && attention != AttentionStage::dense) sum.indexed += static_cast<double>(visible);
  }
  const auto count = static_cast<double>(length);
  return {sum.window / count, sum.entries / count, sum.indexed / count};
}

}  // namespace

// A matrix [out, in] costs 2 out in a token; of the experts a token meets `selected_experts`; the embedding is looked
// up. A key costs 2 heads head_dim for its score and as much for its value (keys are values), an index score 2
// index_heads index_dim. The head serves the MTP blocks too.
FlopCount token_flops(const ModelConfig& config, std::int64_t length, AttentionStage attention) {
  FlopCount count;
  for (const TensorSpec& spec : tensor_table(config)) {
    if (spec.shape.size() != 2) continue;
    const double product = 2.0 * static_cast<double>(spec.elements());
    switch (spec.role) {
      case TensorRole::embedding:
      case TensorRole::hash_table:
      case TensorRole::position_bias: break;
      case TensorRole::expert:
        count.experts += product * static_cast<double>(config.selected_experts) / static_cast<double>(config.experts);
        break;
      case TensorRole::head: count.projections += product * static_cast<double>(1 + config.mtp_layers); break;
      case TensorRole::indexer:
      case TensorRole::index_weights:
        if (attention != AttentionStage::dense) count.projections += product;
        break;
      case TensorRole::compressor:
        if (attention != AttentionStage::dense || spec.name.find(".indexer.") == std::string::npos)
          count.projections += product;
        break;
      default: count.projections += product;
    }
  }
  for (std::int64_t block = 0; block < config.blocks(); ++block) {
    const MeanKeys keys = mean_keys(config, block, length, attention);
    count.attention += (keys.window + keys.entries) * 4.0 * static_cast<double>(config.heads * config.head_dim);
    count.attention += keys.indexed * 2.0 * static_cast<double>(config.index_heads * config.index_dim);
  }
  return count;
}

}  // namespace fathom::train
