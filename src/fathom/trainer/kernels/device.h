// kernels.h for tensors. A build without CUDA has none of them: takes() is false for every tensor (no_device.cpp).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>

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

// The scores [.., width] of one attention: rows of [sink to sink_columns | window | entries | nothing], for queries
// whose hidden keys are window_hidden [.., tokens.., window] and entries_hidden [.., tokens.., at least entries].
struct AttentionScores {
  torch::Tensor sink;  // [heads]
  torch::Tensor window_hidden;
  torch::Tensor entries_hidden;  // undefined without entries
  std::int64_t sink_columns = 0;
  std::int64_t entries = 0;
};
// Scores to probabilities, in their place; probabilities' gradients to scores', in their place, and the sink's [heads].
void attention_softmax(const AttentionScores& scores, torch::Tensor& values);
torch::Tensor attention_softmax_backward(const AttentionScores& scores, const torch::Tensor& probabilities,
                                         torch::Tensor& values);

struct PoolBlocks {
  torch::Tensor first;        // [entries] int64: row of the block's first token
  torch::Tensor no_previous;  // [entries] bool
  torch::Tensor unused;       // [entries] bool
  std::int64_t ratio = 1;
  bool overlap = false;
};
struct Pooled {
  torch::Tensor out, largest, sum;  // [entries, dim], float32
};
struct PoolGradients {
  torch::Tensor kv, gate;
};
// kv, gate [tokens, columns], ape [ratio, columns]
Pooled pool(const PoolBlocks& blocks, const torch::Tensor& kv, const torch::Tensor& gate, const torch::Tensor& ape);
PoolGradients pool_backward(const PoolBlocks& blocks, const torch::Tensor& kv, const torch::Tensor& gate,
                            const torch::Tensor& ape, const Pooled& pooled, const torch::Tensor& gradient);

// products [tokens, heads, entries], weights [tokens, heads], scores [tokens, entries] float32, hidden [.., entries or
// more] bool
bool takes_index(const torch::Tensor& products, std::int64_t main_heads);
torch::Tensor index_scores(const torch::Tensor& products, const torch::Tensor& weights);
void index_choose(const torch::Tensor& scores, std::int64_t top_k, torch::Tensor& hidden);
struct IndexComparison {
  torch::Tensor change;  // [tokens, entries]
  torch::Tensor loss;    // [tokens] float32
};
IndexComparison index_compare(const torch::Tensor& scores, const torch::Tensor& hidden,
                              const torch::Tensor& main_products, double scale);
// The weights' gradient; the products turn into theirs.
torch::Tensor index_back(const torch::Tensor& change, const torch::Tensor& weights, torch::Tensor& products);

struct GateRule {
  std::int64_t iterations = 1;
  double eps = 0.0;
  double norm_eps = 0.0;
};
struct Gated {
  torch::Tensor out, pre, post, comb, inverse;
};
struct GateChanges {
  torch::Tensor out, post, comb;
};
struct GateGradients {
  torch::Tensor raw;    // [tokens, 48]: base's and scale's shares
  torch::Tensor mix;    // [tokens, 24] or, in bfloat16's case, its two halves
  torch::Tensor along;  // [tokens]
};
// streams [tokens, 4, channels], mix [tokens, 24 or 48], scale [3], base [24] (kernels.h)
Gated gates(const GateRule& rule, const torch::Tensor& streams, const torch::Tensor& mix, const torch::Tensor& scale,
            const torch::Tensor& base);
GateGradients gates_backward(const GateRule& rule, const torch::Tensor& streams, const torch::Tensor& mix,
                             const torch::Tensor& scale, const torch::Tensor& base, const torch::Tensor& inverse,
                             const GateChanges& changes);
void gates_finish(const torch::Tensor& streams, const torch::Tensor& pre, const torch::Tensor& out_gradient,
                  const torch::Tensor& along, torch::Tensor& streams_gradient);

// logits [tokens, vocab] float32, targets [tokens] int64 -> loss [tokens]; `gradient` [tokens, vocab] or undefined.
torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets, torch::Tensor& gradient);

// fake_quantize.h's roundings. Weights are float32, `out` is of any type the kernels know.
bool takes_rounding(const torch::Tensor& x, std::int64_t group);
void round_fp4(const torch::Tensor& x, torch::Tensor& out);
void round_fp8(const torch::Tensor& x, torch::Tensor& out);
torch::Tensor round_entries(const torch::Tensor& x, std::int64_t still);
torch::Tensor round_index(const torch::Tensor& x, bool rounds);

// This thread's work goes to a stream of its own from now on, so that it can be recorded. Nothing without a GPU.
void use_own_stream(torch::Device device);
// Memory of another stream's tensor is not given away before this thread's stream has done with it.
void keep_until_used(const torch::Tensor& x);

// Work on a device whose launches are recorded once and then sent as one: the same kernels on the same memory again.
class Graph {
 public:
  Graph();
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  static bool can_record(torch::Device device);
  // Runs `work` without its kernels being run. It must not wait for the device or read what it computes.
  void record(const std::function<void()>& work);
  void replay();
  bool recorded() const { return recording_ != nullptr; }

 private:
  struct Recording;
  std::unique_ptr<Recording> recording_;
};

}  // namespace fathom::train::device
