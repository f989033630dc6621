// The token-level compressor (report 2.3): every `ratio` positions become one entry, by gated pooling over the block
// and, in CSA, the block before it.
#pragma once

#include "fathom/model/step.h"
#include "fathom/model/weights.h"

namespace fathom {

struct CompressorPlan {
  std::int64_t ratio = 0;
  bool overlap = false;
  std::int64_t dim = 0;  // of an entry: head_dim, or index_dim for the indexer
  float norm_eps = 0.0F;
  std::vector<Ring> kv_tails;    // one per run
  std::vector<Ring> gate_tails;  // one per run
  std::vector<PagedRows> pages;  // one per run, where entries are kept
};

// What the compressor reads of every token: its products of x.
struct CompressorInput {
  View<float, 2> kv;    // [tokens, columns]
  View<float, 2> gate;  // [tokens, columns]
};

// Room for them in the step's arena; appends the products that fill it to `products`.
CompressorInput plan_input(const Step& step, const CompressorWeights& weights, std::vector<LinearOutput>& products);

// What completes the step's entries: pooled, normed, rotated at the position of the block's first token. Keeps the tail
// for the steps to come. How they are stored is the caller's to say, who keeps the plan.
CompleteEntriesArgs completion(const Step& step, const CompressorWeights& weights, const CompressorPlan& plan,
                               const CompressorInput& input);

}  // namespace fathom
