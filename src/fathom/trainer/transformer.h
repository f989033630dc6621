// The network with gradients; model/transformer.h's twin (docs/training.md).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "fathom/trainer/packed_batch.h"
#include "fathom/trainer/parameters.h"

namespace fathom::train {

// docs/training.md, "One forward pass, three attentions". In the warm-up the total is the indexer's loss, and nothing
// but the indexer's parameters gets a gradient; in the dense stage the indexer's get none.
enum class AttentionStage : std::uint8_t { dense, indexer_warmup, sparse };

class ComputeWeights;

struct ForwardOptions {
  torch::ScalarType compute = torch::kFloat32;  // products; see docs/training.md, "Numbers"
  AttentionStage attention = AttentionStage::sparse;
  bool released_precision = false;  // weights, entries and index keys through FP8 and FP4, straight-through gradients
  // One stream and x + F(norm(x)) in place of hyper-connections, whose parameters then lie idle: the baseline.
  bool plain_residuals = false;
  // Matrices made beforehand, in this compute type and precision; none: each is made where it is used.
  const ComputeWeights* weights = nullptr;
};

struct LossOptions {
  ForwardOptions forward;
  std::int64_t target_count =
      0;  // losses are sums over this batch divided by this count: of all micro-batches and ranks
  // The same as a scalar, 1 / target_count, where the device is to read it: what is recorded keeps no number of ours.
  torch::Tensor target_share = {};
  double mtp_weight = 0.3;
  double balance_weight = 1e-4;
  double indexer_weight = 1e-2;
};

struct Losses {
  torch::Tensor total;     // scalar, what to differentiate
  torch::Tensor language;  // scalar, nats a target, detached; so are the next three
  torch::Tensor mtp;
  torch::Tensor balance;
  torch::Tensor indexer;
  torch::Tensor expert_loads;  // [layers + mtp_layers, experts] int64: tokens that each routed expert got
};

struct Outputs {
  torch::Tensor logits;      // [rows, length, vocab]
  torch::Tensor mtp_logits;  // [rows, length, vocab]; undefined without an MTP block. At t: of the token after t + 1
};

class Transformer {
 public:
  // Borrows the parameters. InputError when the model has more than one MTP block.
  explicit Transformer(const Parameters& parameters);

  // All logits: for parity and small evaluations. The MTP block at t reads the id at t + 1 of the same document.
  Outputs forward(const PackedBatch& batch, const ForwardOptions& options) const;
  Losses loss(const PackedBatch& batch, const LossOptions& options) const;
  // Routed experts [rows, length, selected] per scored layer that other parameters would choose (anticipatory routing)
  // can be given instead of today's choice.
  using Routes = std::vector<torch::Tensor>;
  Routes routes(const PackedBatch& batch, const ForwardOptions& options) const;
  Losses loss(const PackedBatch& batch, const LossOptions& options, const Routes& routes) const;

 private:
  const Parameters& parameters_;
};

}  // namespace fathom::train
