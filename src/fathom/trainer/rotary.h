// Rotation of the last rope_dim columns (model/rotary's frequencies; report 2.3), as a product of complex numbers.
#pragma once

#include <torch/types.h>

#include <vector>

namespace fathom::train {

// positions [...] int64, frequencies [pairs] -> e^(i position frequency) [..., frequencies], complex over `wide`.
torch::Tensor rotary_turns(const torch::Tensor& positions, const torch::Tensor& frequencies, torch::ScalarType wide);

// x [tokens, heads, dim], turns [tokens, pairs]: columns dim - 2 pairs and on turn in neighbouring pairs, back when
// `inverse`. The product is taken in the wide type and rounded once.
torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& turns, bool inverse = false);

}  // namespace fathom::train
