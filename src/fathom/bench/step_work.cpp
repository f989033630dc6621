#include "fathom/bench/step_work.h"

#include <algorithm>

#include "fathom/base/error.h"
#include "fathom/ops/runs.h"
#include "fathom/spec/tensor_table.h"

namespace fathom::bench {
namespace {

double stored_bytes(const TensorSpec& spec) {
  std::int64_t bytes = 0;
  for (const StoredTensor& tensor : stored_tensors(spec, spec.released)) bytes += tensor.bytes();
  return static_cast<double>(bytes);
}

bool is_map(const TensorSpec& spec) { return spec.linear || spec.role == TensorRole::hc_mix; }

}  // namespace

StepWork::StepWork(const ModelConfig& config, CacheStorage storage)
    : config_(config),
      entry_bytes_(static_cast<double>(EntryFormat{storage, config.head_dim, config.rope_dim}.row_bytes())),
      index_key_bytes_(static_cast<double>(IndexKeyFormat{storage, config.index_dim}.row_bytes())) {
  std::int64_t experts = 0;  // tensors of experts, of all layers
  for (const TensorSpec& spec : tensor_table(config)) {
    if (spec.in_mtp) continue;
    const double bytes = stored_bytes(spec);
    const auto elements = static_cast<double>(spec.elements());
    switch (spec.role) {
      case TensorRole::embedding: embed_row_bytes_ = bytes / static_cast<double>(config.vocab); break;
      case TensorRole::hash_table: hash_row_bytes_ += bytes / static_cast<double>(config.vocab); break;
      case TensorRole::expert:
        expert_bytes_ += bytes;
        expert_elements_ += elements;
        ++experts;
        break;
      default: {
        if (spec.role == TensorRole::head) head_ += {.bytes = bytes, .flops = 2.0 * elements};
        const bool last =
            spec.role == TensorRole::head || spec.name.starts_with("hc_head") || spec.name == "norm.weight";
        Maps& maps = (last ? of_logits_ : of_tokens_)[static_cast<std::size_t>(stage_of_tensor(spec.name))];
        maps.bytes += bytes;
        if (is_map(spec)) maps.elements += elements;
      }
    }
  }
  constexpr std::int64_t kTensorsOfAnExpert = 3;
  expert_bytes_ *= static_cast<double>(kTensorsOfAnExpert) / static_cast<double>(experts);
  expert_elements_ *= static_cast<double>(kTensorsOfAnExpert) / static_cast<double>(experts);
}

// A key costs a multiply-add a head and channel for its score and as much for its value, which it is too; an index key
// one for each index head and channel.
void StepWork::count_attention(std::int64_t layer, std::span<const CountedRun> runs, const LayerChoice& choice,
                               ByStage<Work>& work) const {
  const AttentionKind kind = config_.attention_kind(layer);
  const std::int64_t ratio = config_.ratio(layer);
  Work& attention = work[static_cast<std::size_t>(Stage::attention)];
  Work& index = work[static_cast<std::size_t>(Stage::index_top_k)];
  std::int64_t rows = choice.entries;  // read
  std::int64_t index_rows = 0;
  std::int64_t keys = 0;  // met by queries
  std::int64_t index_keys = 0;
  for (const CountedRun& run : runs) {
    rows += std::min(run.start, config_.window - 1) + run.tokens;
    const std::int64_t entries = visible_entries(run.start + run.tokens - 1, ratio);
    if (kind == AttentionKind::hca) rows += entries;
    if (kind == AttentionKind::csa) index_rows += entries;
    for (std::int64_t position = run.start; position < run.start + run.tokens; ++position) {
      const std::int64_t visible = visible_entries(position, ratio);
      keys += std::min(position + 1, config_.window);
      keys += kind == AttentionKind::csa ? std::min(visible, config_.index_topk) : visible;
      if (kind == AttentionKind::csa) index_keys += visible;
    }
  }
  attention += {.bytes = static_cast<double>(rows) * entry_bytes_,
                .flops = 4.0 * static_cast<double>(keys * config_.heads * config_.head_dim)};
  index += {.bytes = static_cast<double>(index_rows) * index_key_bytes_,
            .flops = 2.0 * static_cast<double>(index_keys * config_.index_heads * config_.index_dim)};
}

ByStage<Work> StepWork::count(std::span<const CountedRun> runs, std::span<const LayerChoice> choices) const {
  check_equal(std::ssize(choices), config_.layers, "choices, one a trunk layer");
  double tokens = 0.0;
  double logits = 0.0;
  for (const CountedRun& run : runs) {
    tokens += static_cast<double>(run.tokens);
    logits += static_cast<double>(run.logits);
  }
  ByStage<Work> work{};
  for (std::size_t stage = 0; stage < kStages; ++stage) {
    if (tokens > 0.0)
      work[stage] += {.bytes = of_tokens_[stage].bytes, .flops = 2.0 * of_tokens_[stage].elements * tokens};
    if (logits > 0.0)
      work[stage] += {.bytes = of_logits_[stage].bytes, .flops = 2.0 * of_logits_[stage].elements * logits};
  }
  work[static_cast<std::size_t>(Stage::embed)].bytes += embed_row_bytes_ * tokens;
  work[static_cast<std::size_t>(Stage::router)].bytes += hash_row_bytes_ * tokens;
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
    const LayerChoice& choice = choices[static_cast<std::size_t>(layer)];
    work[static_cast<std::size_t>(Stage::experts)] +=
        {.bytes = expert_bytes_ * static_cast<double>(choice.experts),
         .flops = 2.0 * expert_elements_ * tokens * static_cast<double>(config_.selected_experts)};
    count_attention(layer, runs, choice, work);
  }
  return work;
}

Work total(const ByStage<Work>& work) {
  Work sum;
  for (const Work& one : work) sum += one;
  return sum;
}

}  // namespace fathom::bench
