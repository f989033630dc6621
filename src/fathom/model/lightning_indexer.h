// The lightning indexer (report 2.3): which compressed entries a CSA query attends to.
#pragma once

#include "fathom/model/compressor.h"
#include "fathom/model/step.h"
#include "fathom/model/weights.h"

namespace fathom {

// What the indexer reads of every token: its products of x and of the query latent.
struct IndexerInput {
  CompressorInput keys;
  View<float, 2> weights;  // [tokens, index_heads]
  View<float, 2> q;        // [tokens, index_heads * index_dim]
};

class LightningIndexer {
 public:
  LightningIndexer(const ModelConfig& config, const IndexKeyFormat& format, std::int64_t block,
                   const IndexerWeights& weights)
      : config_(config), format_(format), block_(block), weights_(weights) {}

  // Room for the input in the step's arena; appends the products that fill it to those of x and of the query latent.
  IndexerInput plan_input(const Step& step, std::vector<LinearOutput>& of_x,
                          std::vector<LinearOutput>& of_latent) const;
  // Where the step's keys come from and go.
  CompressorPlan keys_plan(const Step& step) const;
  // What completes them; `plan` is the caller's to keep.
  CompleteEntriesArgs completed_keys(const Step& step, const CompressorPlan& plan, const CompressorInput& input) const;
  // -> selected entries [tokens, index_topk], the step's own among them. The queries are rounded in place.
  View<const std::int32_t, 2> select(const Step& step, const IndexerInput& input) const;

 private:
  const ModelConfig& config_;
  const IndexKeyFormat& format_;
  std::int64_t block_;
  const IndexerWeights& weights_;
};

}  // namespace fathom
