// Routing with gradients (report 2.1): scores sqrt(softplus(W x)), a choice by score + bias or by token id, weights
// from the scores alone.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "fathom/trainer/step.h"

namespace fathom::train {

struct Route {
  torch::Tensor selected;  // [tokens, selected_experts] int64
  torch::Tensor weights;   // [tokens, selected_experts], wide
  torch::Tensor loads;     // [experts] int64: real tokens that each expert got
  torch::Tensor balance;   // scalar, wide: sequence balance loss, summed over rows times their targets; undefined for
                           // hash layers
};

class Gate {
 public:
  Gate(const Step& step, std::int64_t block, std::string prefix)
      : step_(step), block_(block), prefix_(std::move(prefix)) {}

  // x [tokens, channels]. `chosen` [tokens, selected_experts] int64 takes the place of this gate's own choice when it
  // is defined.
  Route forward(const torch::Tensor& x, const torch::Tensor& chosen) const;

 private:
  torch::Tensor choose(const torch::Tensor& scores) const;
  torch::Tensor balance(const torch::Tensor& scores, const torch::Tensor& row_loads) const;

  const Step& step_;
  std::int64_t block_;
  std::string prefix_;  // "layers.0.ffn.gate"
};

}  // namespace fathom::train
