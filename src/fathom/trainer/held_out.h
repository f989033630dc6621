// The loss on text that is not trained on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fathom/trainer/packed_batch.h"
#include "fathom/trainer/ranks.h"
#include "fathom/trainer/recipe.h"
#include "fathom/trainer/run_log.h"
#include "fathom/trainer/transformer.h"

namespace fathom::train {

struct HeldOutOptions {
  HeldOut recipe;
  std::int64_t length = 0;  // of a row
  std::int64_t rows = 1;    // of a forward pass
  ModelConfig config;
  torch::Device device = torch::kCPU;
  std::vector<std::int32_t> token_bytes;  // [vocab]; empty: unknown
};

class HeldOutSet {
 public:
  // Reads the same first rows of each shard every time.
  HeldOutSet(const HeldOutOptions& options, const Ranks& ranks);

  // One point a shard, `step` left for the caller; every rank gets the same.
  std::vector<HeldOutPoint> evaluate(const Transformer& transformer, const ForwardOptions& forward,
                                     const Ranks& ranks) const;

 private:
  struct Shard {
    std::string name;
    std::vector<PackedBatch> batches;  // this rank's
    std::int64_t target_count = 0;     // over all ranks
    std::int64_t target_bytes = 0;
  };
  torch::Device device_;
  std::vector<Shard> shards_;
};

}  // namespace fathom::train
