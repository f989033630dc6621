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

// A row of scores is [sink, nothing to its side | window | entries | nothing to a multiple of 8]; hidden keys and what
// is nothing get zero. Forward turns scores into probabilities, in their place; backward does so with the gradients of
// the probabilities and those of the scores.
struct AttentionSoftmaxKernelArgs {
  void* scores = nullptr;                // [tokens, heads, width]
  const void* probabilities = nullptr;   // the same; backward
  const float* sink = nullptr;           // [heads]
  const bool* window_hidden = nullptr;   // [tokens, window]
  const bool* entries_hidden = nullptr;  // [tokens, entries_stride], of which `entries` count
  float* sink_gradient = nullptr;        // [tokens, heads], to be added up; backward
  std::int64_t tokens = 0;
  std::int64_t heads = 0;
  std::int64_t width = 0;
  std::int64_t sink_columns = 0;
  std::int64_t window = 0;
  std::int64_t entries = 0;
  std::int64_t entries_stride = 0;
  bool bf16 = false;
};
void attention_softmax_kernel(const AttentionSoftmaxKernelArgs& args, void* stream);
void attention_softmax_backward_kernel(const AttentionSoftmaxKernelArgs& args, void* stream);

// An entry is the softmax-weighted sum of its tokens, each dimension by itself: `ratio` tokens from `first` on, with
// overlap also those of the block before, these by the first half of the columns.
struct PoolKernelArgs {
  const void* kv = nullptr;             // [tokens, columns], columns = dim or, with overlap, 2 dim
  const void* gate = nullptr;           // [tokens, columns], without ape
  const float* ape = nullptr;           // [ratio, columns]
  const std::int64_t* first = nullptr;  // [entries]: the row of its first token
  const bool* no_previous = nullptr;    // [entries]
  const bool* unused = nullptr;         // [entries]: no block lies there
  float* out = nullptr;                 // [entries, dim]
  float* largest = nullptr;             // [entries, dim]: the softmax's, written forward
  float* sum = nullptr;                 // [entries, dim]
  const float* gradient = nullptr;      // [entries, dim]; backward
  void* kv_gradient = nullptr;          // [tokens, columns], zeros beforehand
  void* gate_gradient = nullptr;        // [tokens, columns], zeros beforehand
  std::int64_t entries = 0;
  std::int64_t ratio = 0;
  std::int64_t dim = 0;
  std::int64_t columns = 0;
  bool overlap = false;
  bool bf16 = false;
};
void pool_forward_kernel(const PoolKernelArgs& args, void* stream);
void pool_backward_kernel(const PoolKernelArgs& args, void* stream);

// A sublayer's way in: raw = mix / rms(streams) * scale + base, gates from raw, out = pre . streams. `mix` is streams .
// fn^T, in bfloat16's case of fn's two halves one behind the other (48 columns), to be added.
struct GatesKernelArgs {
  const void* streams = nullptr;  // [tokens, 4, channels]
  const float* mix = nullptr;     // [tokens, mix_columns], 24 or 48
  const float* scale = nullptr;   // [3]: pre, post, comb
  const float* base = nullptr;    // [24]
  void* out = nullptr;            // [tokens, channels]
  float* pre = nullptr;           // [tokens, 4]
  float* post = nullptr;          // [tokens, 4]
  float* comb = nullptr;          // [tokens, 4, 4]
  float* inverse = nullptr;       // [tokens]: 1 / rms, written forward, read backward
  const void* out_gradient = nullptr;
  const float* post_gradient = nullptr;
  const float* comb_gradient = nullptr;
  float* raw_gradient = nullptr;     // [tokens, 48]: what base's and scale's gradients are the sums of
  void* mix_gradient = nullptr;      // [tokens, 24], in bfloat16's case two halves, 48 columns
  float* along = nullptr;            // [tokens]: of the norm's gradient, from backward to finish
  void* streams_gradient = nullptr;  // [tokens, 4, channels]: mix_gradient . fn, completed by finish
  std::int64_t tokens = 0;
  std::int64_t channels = 0;
  std::int64_t mix_columns = 0;
  std::int64_t iterations = 0;
  float norm_eps = 0.0F;
  float eps = 0.0F;
  bool bf16 = false;
};
void gates_forward_kernel(const GatesKernelArgs& args, void* stream);
void gates_backward_kernel(const GatesKernelArgs& args, void* stream);
void gates_finish_kernel(const GatesKernelArgs& args, void* stream);

// loss[token] = logsumexp(logits) - logits[target], 0 where the target is negative; vocab a multiple of 8.
struct CrossEntropyKernelArgs {
  const float* logits = nullptr;          // [tokens, vocab]
  const std::int64_t* targets = nullptr;  // [tokens]
  float* loss = nullptr;                  // [tokens]
  void* gradient = nullptr;               // [tokens, vocab]; null: not wanted
  std::int64_t tokens = 0;
  std::int64_t vocab = 0;
  bool bf16 = false;
};
void cross_entropy_kernel(const CrossEntropyKernelArgs& args, void* stream);

// fake_quantize.h's roundings. `bf16` is of `out`, for entries and index of `x` too; weights are float32.
struct RoundKernelArgs {
  const void* x = nullptr;    // [matrices, rows, columns]
  void* out = nullptr;        // the same
  std::int64_t matrices = 1;  // fp8; the others take all rows as one matrix
  std::int64_t rows = 0;
  std::int64_t columns = 0;  // fp4: a multiple of 32; entries: of 64; index: 32, 64, 128 or 256
  std::int64_t still = 0;    // entries: columns that go through FP8, a multiple of 64
  bool rounds = true;        // index: or the transform alone
  bool bf16 = false;
};
void round_fp4_kernel(const RoundKernelArgs& args, void* stream);
void round_fp8_kernel(const RoundKernelArgs& args, void* stream);
void round_entries_kernel(const RoundKernelArgs& args, void* stream);
void round_index_kernel(const RoundKernelArgs& args, void* stream);

// The lightning indexer over one chunk of queries; entries a multiple of 8, at most 11,264 to choose from.
struct IndexKernelArgs {
  void* products = nullptr;             // [tokens, heads, entries]: q . k; back: their gradients in their place
  const void* weights = nullptr;        // [tokens, heads]
  float* scores = nullptr;              // [tokens, entries]
  bool* hidden = nullptr;               // [tokens, hidden_stride]; choose hides what is not among the top_k
  const void* main_products = nullptr;  // [tokens, main_heads, entries]: the main attention's, without its scale
  void* change = nullptr;               // [tokens, entries]: d loss / d score
  float* loss = nullptr;                // [tokens]
  void* weights_gradient = nullptr;     // [tokens, heads]
  std::int64_t tokens = 0;
  std::int64_t heads = 0;
  std::int64_t entries = 0;
  std::int64_t hidden_stride = 0;
  std::int64_t main_heads = 0;  // at most 16
  std::int64_t top_k = 0;
  float main_scale = 1.0F;
  bool bf16 = false;
};
void index_scores_kernel(const IndexKernelArgs& args, void* stream);
void index_choose_kernel(const IndexKernelArgs& args, void* stream);
void index_compare_kernel(const IndexKernelArgs& args, void* stream);
void index_back_kernel(const IndexKernelArgs& args, void* stream);

}  // namespace fathom::train
