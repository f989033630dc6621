// The stages that a step's time, bytes and operations are told apart by.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fathom::bench {

enum class Stage : std::uint8_t {
  embed,
  hyper_connections,
  norm,
  rotary,
  wq_a,
  wq_b,
  wkv,
  cache,  // entries encoded and stored
  compressor,
  indexer,      // its query, its keys' compressor
  index_top_k,  // scores and choice
  attention,
  wo_a,
  wo_b,
  router,
  experts,
  shared_expert,
  head,
};

inline constexpr std::size_t kStages = static_cast<std::size_t>(Stage::head) + 1;

template <typename Value>
using ByStage = std::array<Value, kStages>;

std::string_view name_of(Stage stage);

// Where a tensor of the trunk is read, by its released name with or without ending: "layers.0.attn.wq_a". InternalError
// for a name that belongs nowhere.
Stage stage_of_tensor(std::string_view name);

}  // namespace fathom::bench
