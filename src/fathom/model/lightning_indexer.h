// The lightning indexer (report 2.3): which compressed entries a CSA query attends to.
#pragma once

#include "fathom/model/step.h"
#include "fathom/model/weights.h"

namespace fathom {

class LightningIndexer {
 public:
  LightningIndexer(const ModelConfig& config, const IndexKeyFormat& format, std::int64_t block,
                   const IndexerWeights& weights)
      : config_(config), format_(format), block_(block), weights_(weights) {}

  // x [tokens, channels], query_latent [tokens, query_latent] -> selected entries [tokens, index_topk].
  View<const std::int32_t, 2> select(const Step& step, View<const float, 2> x, View<const float, 2> query_latent) const;

 private:
  void store_keys(const Step& step, View<const float, 2> x) const;

  const ModelConfig& config_;
  const IndexKeyFormat& format_;
  std::int64_t block_;
  const IndexerWeights& weights_;
};

}  // namespace fathom
