// The lightning indexer with its distillation loss; model/lightning_indexer.h's twin (report 2.3, docs/training.md).
//   I[t, s] = sum over heads of w_h ReLU(q_h . k_s);  loss = sum over t of KL(p_t || softmax(I_t)), p the main
//   attention
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "fathom/trainer/step.h"

namespace fathom::train {

struct IndexChoice {
  torch::Tensor hidden;  // [rows, length, entries] bool: entries that a query does not attend to
  torch::Tensor loss;    // scalar, summed over queries; undefined unless asked for
};

struct IndexScoreArgs {
  torch::Tensor q;          // [rows, length, index_heads, index_dim]
  torch::Tensor weights;    // [rows, length, index_heads]
  torch::Tensor keys;       // [rows, entries, index_dim]
  torch::Tensor main_q;     // [rows, length, heads, head_dim], detached
  torch::Tensor entries;    // [rows, entries, head_dim], detached
  torch::Tensor hidden;     // [rows, length, entries] bool
  std::int64_t ratio = 1;   // tokens of an entry
  std::int64_t top_k = 0;   // entries a query keeps; 0 keeps all it sees
  double main_scale = 1.0;  // of the main attention's scores
};

// Chooses and, when `with_loss`, compares. Equal scores go to the lower entry.
IndexChoice choose_entries(const IndexScoreArgs& args, bool with_loss);

class LightningIndexer {
 public:
  LightningIndexer(const Step& step, std::int64_t block, std::string prefix)
      : step_(step), block_(block), prefix_(std::move(prefix)) {}

  // x [tokens, channels], query_latent [tokens, query_latent], and the main attention's rotated queries [rows, length,
  // heads, head_dim] and entries [rows, entries, head_dim]: all are taken without their gradients.
  IndexChoice choose(const torch::Tensor& x, const torch::Tensor& query_latent, const torch::Tensor& main_q,
                     const torch::Tensor& entries, bool with_loss) const;

 private:
  const Step& step_;
  std::int64_t block_;
  std::string prefix_;  // "layers.2.attn.indexer."
};

}  // namespace fathom::train
