// Products of a few streams, token by token: the arithmetic of hyper-connections. On a GPU a batched matrix product; a
// CPU's would call the BLAS once a token for some thousand multiplications, so there a loop of our own runs.
#pragma once

#include <torch/types.h>

namespace fathom::train {

// weights [tokens, out, in], streams [tokens, in, channels], of one type -> [tokens, out, channels]
torch::Tensor mix_streams(const torch::Tensor& weights, const torch::Tensor& streams);

// left [tokens, out, channels], right [tokens, in, channels], of one type -> their dot products [tokens, out, in]
torch::Tensor dot_streams(const torch::Tensor& left, const torch::Tensor& right);

}  // namespace fathom::train
