#include "fathom/bench/stages.h"

#include <utility>

#include "fathom/base/error.h"

namespace fathom::bench {

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::embed: return "embed";
    case Stage::hyper_connections: return "hc";
    case Stage::norm: return "norm";
    case Stage::rotary: return "rotary";
    case Stage::wq_a: return "wq_a";
    case Stage::wq_b: return "wq_b";
    case Stage::wkv: return "wkv";
    case Stage::cache: return "cache";
    case Stage::compressor: return "compressor";
    case Stage::indexer: return "indexer";
    case Stage::index_top_k: return "index top-k";
    case Stage::attention: return "attention";
    case Stage::wo_a: return "wo_a";
    case Stage::wo_b: return "wo_b";
    case Stage::router: return "router";
    case Stage::experts: return "experts";
    case Stage::shared_expert: return "shared expert";
    case Stage::head: return "head";
  }
  return "?";
}

Stage stage_of_tensor(std::string_view name) {
  // The first part that the name holds decides, so the narrower stand before the wider.
  static constexpr std::pair<std::string_view, Stage> kParts[] = {
      {"norm.weight", Stage::norm},
      {"hc_", Stage::hyper_connections},
      {".indexer.", Stage::indexer},
      {".compressor.", Stage::compressor},
      {".attn_sink", Stage::attention},
      {".wq_a", Stage::wq_a},
      {".wq_b", Stage::wq_b},
      {".wkv", Stage::wkv},
      {".wo_a", Stage::wo_a},
      {".wo_b", Stage::wo_b},
      {".ffn.gate", Stage::router},
      {".shared_experts.", Stage::shared_expert},
      {".experts.", Stage::experts},
      {"embed", Stage::embed},
      {"head", Stage::head},
  };
  for (const auto& [part, stage] : kParts)
    if (name.find(part) != std::string_view::npos) return stage;
  throw InternalError("[bench] tensor {} belongs to no stage", name);
}

}  // namespace fathom::bench
