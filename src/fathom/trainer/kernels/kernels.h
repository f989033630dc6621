// The trainer's own CUDA kernels: what plain tensor operations would do in many small passes, in one. Pointers are the
// device's; `bf16` says whether `void` arrays hold bfloat16 (else float32). Everything else is float32. Sums run in a
// fixed order: the same inputs give the same bits.
#pragma once

#include <cstdint>

namespace fathom::train {

struct SinkhornKernelArgs {
  const float* logits = nullptr;    // [tokens, 4, 4]
  const float* gradient = nullptr;  // [tokens, 4, 4], of the result; backward
  float* out = nullptr;             // [tokens, 4, 4]: the result, or the gradient of the logits
  std::int64_t tokens = 0;
  std::int64_t iterations = 0;
  float eps = 0.0F;
};
void sinkhorn_forward_kernel(const SinkhornKernelArgs& args, void* stream);
void sinkhorn_backward_kernel(const SinkhornKernelArgs& args, void* stream);

// out[token, k] = post[token, k] y[token] + sum_j comb[token, j, k] streams[token, j]; channels a multiple of 8.
struct ExpandKernelArgs {
  const float* post = nullptr;     // [tokens, 4]
  const float* comb = nullptr;     // [tokens, 4, 4]
  const void* y = nullptr;         // [tokens, channels]
  const void* streams = nullptr;   // [tokens, 4, channels]
  const void* gradient = nullptr;  // [tokens, 4, channels]; backward
  void* out = nullptr;             // [tokens, 4, channels]; forward
  float* post_gradient = nullptr;  // backward: the gradients of the four above
  float* comb_gradient = nullptr;
  void* y_gradient = nullptr;
  void* streams_gradient = nullptr;
  std::int64_t tokens = 0;
  std::int64_t channels = 0;
  bool bf16 = false;
};
void expand_forward_kernel(const ExpandKernelArgs& args, void* stream);
void expand_backward_kernel(const ExpandKernelArgs& args, void* stream);

// out[token] = sum_j pre[token, j] streams[token, j]
struct CollapseKernelArgs {
  const float* pre = nullptr;      // [tokens, 4]
  const void* streams = nullptr;   // [tokens, 4, channels]
  const void* gradient = nullptr;  // [tokens, channels]; backward
  void* out = nullptr;             // [tokens, channels]; forward
  float* pre_gradient = nullptr;
  void* streams_gradient = nullptr;
  std::int64_t tokens = 0;
  std::int64_t channels = 0;
  bool bf16 = false;
};
void collapse_forward_kernel(const CollapseKernelArgs& args, void* stream);
void collapse_backward_kernel(const CollapseKernelArgs& args, void* stream);

// out = x * inverse * weight, inverse = (mean x^2 + eps)^-1/2 of each row; weight null for ones; columns a multiple
// of 8.
struct NormKernelArgs {
  const void* x = nullptr;           // [rows, columns]
  const float* weight = nullptr;     // [columns]
  const void* gradient = nullptr;    // [rows, columns]; backward
  void* out = nullptr;               // [rows, columns]; forward
  float* inverse = nullptr;          // [rows]: written forward, read backward
  void* x_gradient = nullptr;        // [rows, columns]
  float* weight_gradient = nullptr;  // [norm_parts(rows), columns]: partial sums, to be added up
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  float eps = 0.0F;
  bool bf16 = false;
};
std::int64_t norm_parts(std::int64_t rows);
void norm_forward_kernel(const NormKernelArgs& args, void* stream);
void norm_backward_kernel(const NormKernelArgs& args, void* stream);

// The last 2 * pairs of each head's dimensions turn by the token's angles, the rest is copied.
struct RotateKernelArgs {
  const void* x = nullptr;       // [tokens, heads, dim]
  const float* turns = nullptr;  // [tokens, pairs, 2]: cosine, sine
  void* out = nullptr;           // [tokens, heads, dim]
  std::int64_t tokens = 0;
  std::int64_t heads = 0;
  std::int64_t dim = 0;
  std::int64_t pairs = 0;
  bool inverse = false;
  bool bf16 = false;
};
void rotate_kernel(const RotateKernelArgs& args, void* stream);

// out = silu(min(gate, limit)) * clamp(up, -limit, limit) * weight[row]; limit 0: no clamp; weight null: ones.
struct SwigluKernelArgs {
  const void* gate = nullptr;      // [rows, columns]
  const void* up = nullptr;        // [rows, columns]
  const float* weight = nullptr;   // [rows]
  const void* gradient = nullptr;  // [rows, columns]; backward
  void* out = nullptr;             // forward
  void* gate_gradient = nullptr;
  void* up_gradient = nullptr;
  float* weight_gradient = nullptr;  // [rows]
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  float limit = 0.0F;
  bool bf16 = false;
};
void swiglu_forward_kernel(const SwigluKernelArgs& args, void* stream);
void swiglu_backward_kernel(const SwigluKernelArgs& args, void* stream);

}  // namespace fathom::train
