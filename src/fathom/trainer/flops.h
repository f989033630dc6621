// Multiply-adds that training needs for one token, by formula from the shapes: what utilisation is measured against.
#pragma once

#include <cstdint>

#include "fathom/spec/model_config.h"
#include "fathom/trainer/transformer.h"

namespace fathom::train {

struct FlopCount {
  double projections = 0.0;  // attention, compressors, indexers, routers, shared experts, hyper-connections, MTP, head
  double experts = 0.0;      // the selected ones
  double attention = 0.0;    // scores and sums over keys, indexer's scores
  double forward() const { return projections + experts + attention; }
  // Backward: each product once for its input and once for its weight.
  double step() const { return 3.0 * forward(); }
};

// Floating-point operations (two a multiply-add) of one token in a row of `length`, a document that fills its row. Not
// counted, since no algorithm needs them: recomputation, masked keys, the optimizer; nor what is no product: norms,
// softmaxes, Sinkhorn.
FlopCount token_flops(const ModelConfig& config, std::int64_t length, AttentionStage attention);

}  // namespace fathom::train
