// The parts of a golden, and the comparison of what a forward pass shows on its way with them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "fathom/model/observer.h"
#include "fathom/ops/backend.h"
#include "fathom/spec/model_config.h"

namespace fathom {

struct GoldenReport;
struct SetDifference;

// One goldens file, read whole and checked against the model's dimensions (InputError).
struct Golden {
  Golden(const std::filesystem::path& path, const ModelConfig& config);

  std::vector<std::int32_t> token_ids;  // [total]
  std::int64_t prompt = 0;
  std::vector<float> logits;                                  // [total, vocab]
  std::vector<float> mtp_logits;                              // [total - 1, vocab], may be empty
  std::vector<std::int32_t> probe_positions;                  // [probes]
  std::map<std::int64_t, std::vector<float>> streams;         // by block: [probes, streams, channels]
  std::map<std::int64_t, std::vector<std::int32_t>> experts;  // by block: [prompt, selected]
  std::map<std::int64_t, std::vector<std::int32_t>> index;    // by block: [prompt, index_topk]
  std::vector<std::string> not_compared;                      // tensors that this checkpoint has no answer to
};

class GoldenObserver final : public ForwardObserver {
 public:
  GoldenObserver(const Golden& golden, const ModelConfig& config, Backend& backend, GoldenReport& report)
      : golden_(golden), config_(config), backend_(backend), report_(report) {}

  // The coming forward pass takes positions [start, start + length).
  void begin(std::int64_t start, std::int64_t length) {
    start_ = start;
    length_ = length;
  }
  void on_streams(std::int64_t block, View<const float, 3> streams) override;
  void on_route(std::int64_t block, const RouteArgs& route) override;
  void on_index(std::int64_t block, const IndexTopKArgs& index) override;

  // Positions where a tie was broken the other way.
  const std::set<std::int64_t>& tied_rows() const { return tied_rows_; }

 private:
  template <typename Score>
  void compare_sets(std::span<const std::int32_t> found, std::span<const std::int32_t> expected, std::int64_t position,
                    SetDifference& difference, const Score& score);

  const Golden& golden_;
  const ModelConfig& config_;
  Backend& backend_;  // whose memory the views are
  GoldenReport& report_;
  std::int64_t start_ = 0;
  std::int64_t length_ = 0;
  std::set<std::int64_t> tied_rows_;
};

}  // namespace fathom
