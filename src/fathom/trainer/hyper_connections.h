// Manifold-constrained hyper-connections with gradients; model/hyper_connections.h's twin (report 2.2).
//   X' = comb^T X + post * F(pre X)
#pragma once

#include <torch/types.h>

#include <string>

#include "fathom/trainer/step.h"

namespace fathom::train {

class HyperConnections {
 public:
  // `prefix` + "fn", "base" and "scale" are its parameters: "layers.0.hc_attn_".
  HyperConnections(const Step& step, std::string prefix) : step_(step), prefix_(std::move(prefix)) {}

  struct Gates {
    torch::Tensor post;  // [tokens, streams], wide
    torch::Tensor comb;  // [tokens, streams, streams], wide
  };

  // Reads streams [tokens, streams, channels] into the sublayer's input [tokens, channels].
  torch::Tensor collapse(const torch::Tensor& streams, Gates& gates) const;
  // Reads them into the input of the final norm, where there is nothing to write back.
  torch::Tensor collapse_head(const torch::Tensor& streams) const;
  // The sublayer's output y [tokens, channels] written back: the streams behind it.
  torch::Tensor expand(const Gates& gates, const torch::Tensor& y, const torch::Tensor& streams) const;

 private:
  // [tokens, outputs], wide: the mix of all streams, normed, scaled and shifted.
  torch::Tensor raw_gates(const torch::Tensor& streams) const;

  const Step& step_;
  std::string prefix_;
};

}  // namespace fathom::train
