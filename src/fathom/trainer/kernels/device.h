// kernels.h for tensors. A build without CUDA has none of them: takes() is false for every tensor (no_device.cpp).
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace fathom::train::device {

// Whether the kernels work on rows like x's: on a GPU, bfloat16 or float32, a multiple of eight values.
bool takes(const torch::Tensor& x);

torch::Tensor sinkhorn(const torch::Tensor& logits, std::int64_t iterations, double eps);  // [tokens, 4, 4]
torch::Tensor sinkhorn_backward(const torch::Tensor& logits, const torch::Tensor& gradient, std::int64_t iterations,
                                double eps);

struct ExpandGradients {
  torch::Tensor post, comb, y, streams;
};
// post [tokens, 4], comb [tokens, 4, 4], y [tokens, channels], streams [tokens, 4, channels]
torch::Tensor expand(const torch::Tensor& post, const torch::Tensor& comb, const torch::Tensor& y,
                     const torch::Tensor& streams);
ExpandGradients expand_backward(const torch::Tensor& post, const torch::Tensor& comb, const torch::Tensor& y,
                                const torch::Tensor& streams, const torch::Tensor& gradient);

struct CollapseGradients {
  torch::Tensor pre, streams;
};
torch::Tensor collapse(const torch::Tensor& pre, const torch::Tensor& streams);
CollapseGradients collapse_backward(const torch::Tensor& pre, const torch::Tensor& streams,
                                    const torch::Tensor& gradient);

struct Normed {
  torch::Tensor out;      // like x
  torch::Tensor inverse;  // [..., 1], float32
};
struct NormGradients {
  torch::Tensor x, weight;  // weight undefined where none was given
};
// Over the last dimension; an undefined weight stands for ones.
Normed norm(const torch::Tensor& x, const torch::Tensor& weight, double eps);
NormGradients norm_backward(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& inverse,
                            const torch::Tensor& gradient);

// x [tokens, heads, dim], turns [tokens, pairs] complex
torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& turns, bool inverse);

struct SwigluGradients {
  torch::Tensor gate, up, weight;  // weight undefined where none was given
};
// gate, up [rows, columns], weight [rows] or undefined
torch::Tensor swiglu(const torch::Tensor& gate, const torch::Tensor& up, const torch::Tensor& weight, double limit);
SwigluGradients swiglu_backward(const torch::Tensor& gate, const torch::Tensor& up, const torch::Tensor& weight,
                                double limit, const torch::Tensor& gradient);

}  // namespace fathom::train::device
