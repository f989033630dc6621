// Mixture of experts with gradients; model/moe.h's twin (report 2.1).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "fathom/trainer/gate.h"
#include "fathom/trainer/step.h"

namespace fathom::train {

// silu(min(gate, limit)) * clamp(up, -limit, limit) * weight, in gate's type and wide inside; no gradient flows where a
// clamp bites. gate, up [rows, expert_dim], weight [rows] wide or undefined for ones; limit 0 clamps nothing.
torch::Tensor swiglu(const torch::Tensor& gate, const torch::Tensor& up, const torch::Tensor& weight, double limit);

class Moe {
 public:
  Moe(const Step& step, std::int64_t block, std::string prefix)
      : step_(step), block_(block), prefix_(std::move(prefix)) {}

  struct Result {
    torch::Tensor out;  // [tokens, channels]
    Route route;
  };

  // x [tokens, channels]; `chosen` as Gate takes it.
  Result forward(const torch::Tensor& x, const torch::Tensor& chosen) const;

 private:
  torch::Tensor shared_expert(const torch::Tensor& x) const;

  const Step& step_;
  std::int64_t block_;
  std::string prefix_;  // "layers.0.ffn."
};

}  // namespace fathom::train
