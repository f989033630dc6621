// One transformer block with gradients: two sublayers, each between hyper-connections; model/block.h's twin.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "fathom/trainer/gate.h"
#include "fathom/trainer/step.h"

namespace fathom::train {

class Block {
 public:
  // `prefix` is "layers.0." or "mtp.0.".
  Block(const Step& step, std::int64_t index, std::string prefix)
      : step_(step), index_(index), prefix_(std::move(prefix)) {}

  struct Result {
    torch::Tensor streams;  // [tokens, streams, channels]
    Route route;
    torch::Tensor index_loss;  // as Attention gives it
  };

  // streams [tokens, streams, channels]; `chosen` as Gate takes it.
  Result forward(const torch::Tensor& streams, const torch::Tensor& chosen, bool with_index_loss) const;

 private:
  const Step& step_;
  std::int64_t index_;
  std::string prefix_;
};

}  // namespace fathom::train
