// One struct per operation, filled by name. Every view's shape stands in brackets, in the house's dimension words:
// tokens, vocab, channels, streams, heads, head_dim, rope_dim, latent, window, entries, selected, experts, expert_dim,
// groups. Outputs come last. Views live in the backend's memory; spans live on the host.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "fathom/ops/runs.h"
#include "fathom/ops/shortlist.h"
#include "fathom/tensor/arena.h"
#include "fathom/tensor/view.h"
#include "fathom/tensor/weight.h"

namespace fathom {

// A weight in the form a backend computes with. Made by Backend::prepare, used by that backend alone.
class PreparedWeight {
 public:
  PreparedWeight(std::int64_t out_rows, std::int64_t in_columns) : out(out_rows), in(in_columns) {}
  virtual ~PreparedWeight() = default;
  PreparedWeight(const PreparedWeight&) = delete;
  PreparedWeight& operator=(const PreparedWeight&) = delete;

  const std::int64_t out;
  const std::int64_t in;
};

// out[token, stream, channel] = table[ids[token], channel]: the embedding starts every stream.
struct EmbedArgs {
  const PreparedWeight& table;        // [vocab, channels]
  std::span<const std::int32_t> ids;  // [tokens], each in [0, vocab)
  View<float, 3> streams;             // [tokens, streams, channels]
};

// out[row, o] = sum_i weight[o, i] * x[row, i]
struct LinearArgs {
  const PreparedWeight& weight;  // [out, in]
  View<const float, 2> x;        // [rows, in]
  View<float, 2> out;            // [rows, out]
};

// out[token, group, o] = sum_i weight[group * latent + o, i] * x[token, group, i]
struct GroupedLinearArgs {
  const PreparedWeight& weight;  // [groups * latent, in]
  View<const float, 3> x;        // [tokens, groups, in]
  View<float, 3> out;            // [tokens, groups, latent]
  // What will be multiplied next, or null: a backend may send for it.
  const PreparedWeight* next = nullptr;
};

// out[row, c] = x[row, c] / sqrt(mean_c(x[row, c]^2) + eps) * weight[c]; no weight: no product. In place is allowed.
struct RmsNormArgs {
  View<const float, 2> x;       // [rows, dim]
  View<const float, 1> weight;  // [dim], may be empty
  float eps = 0.0F;
  View<float, 2> out;  // [rows, dim]
};

// Rotary angles, once per step: cos and sin of positions[row] * frequencies[pair], the product rounded to float32.
struct RotaryTableArgs {
  std::span<const std::int64_t> positions;  // [rows]
  View<const float, 1> frequencies;         // [rope_dim / 2]
  View<float, 2> cosine;                    // [rows, rope_dim / 2]
  View<float, 2> sine;                      // [rows, rope_dim / 2]
};

// The last rope_dim columns turn in interleaved pairs (2k, 2k + 1): by the angle, or by its opposite. In place.
struct RotateArgs {
  View<float, 3> x;             // [rows, heads, head_dim]
  View<const float, 2> cosine;  // [rows, rope_dim / 2]
  View<const float, 2> sine;    // [rows, rope_dim / 2]
  bool inverse = false;
};

// x <- x H / sqrt(dim), H the Hadamard matrix in Sylvester's order; dim is a power of two. In place.
struct HadamardArgs {
  View<float, 2> x;  // [rows, dim]
};

// Rounds rows as the released index-key storage would, and widens them again; nothing in float32 storage. In place.
struct RoundIndexArgs {
  View<float, 2> x;  // [rows, index_dim]
  IndexKeyFormat format;
};

// Encodes rows in the storage of main entries.
struct EncodeEntriesArgs {
  EntryFormat format;
  View<const float, 2> x;   // [rows, head_dim]
  View<std::byte, 2> rows;  // [rows, row_bytes]
};

// Encodes the entries that each run completed into its pages, run after run.
struct StoreEntriesArgs {
  EntryFormat format;
  View<const float, 2> x;  // [sum of new entries, head_dim]
  std::int64_t ratio = 0;
  std::span<const Run> runs;           // [runs]
  std::span<const PagedRows> entries;  // [runs]
};

struct StoreIndexKeysArgs {
  IndexKeyFormat format;
  View<const float, 2> x;  // [sum of new entries, index_dim]
  std::int64_t ratio = 0;
  std::span<const Run> runs;        // [runs]
  std::span<const PagedRows> keys;  // [runs]
};

// Keeps each run's last rows in its ring, by position, for the runs to come.
struct CommitRowsArgs {
  View<const std::byte, 2> rows;  // [tokens, row_bytes]
  std::span<const Run> runs;      // [runs]
  std::span<const Ring> rings;    // [runs], of the same row_bytes
};

// Gated pooling, the heart of both compressors (report 2.3): softmax over the rows of a block, per channel.
//   rows of block i: positions [i m, i m + m) read columns [c - dim, c); with overlap, positions [(i - 1) m, i m) read
//   columns [0, dim) as well and come first; block 0 has no rows before it. m = ratio, c = columns.
//   z[r, d] = gate + ape[position % m], out[i, d] = sum_r softmax_r(z[r, d]) * kv[r, d]
// Rows before the run come from its rings, which hold one position per row, before ape.
struct GatedPoolArgs {
  View<const float, 2> kv;    // [tokens, columns]
  View<const float, 2> gate;  // [tokens, columns]
  View<const float, 2> ape;   // [ratio, columns]
  std::int64_t ratio = 0;
  bool overlap = false;              // columns = overlap ? 2 * dim : dim
  std::span<const Run> runs;         // [runs]
  std::span<const Ring> kv_rings;    // [runs], rows of columns floats
  std::span<const Ring> gate_rings;  // [runs], rows of columns floats
  View<float, 2> out;                // [sum of new entries, dim]
};

// The lightning indexer's choice (report 2.3): I[t, s] = sum_h weights[t, h] * relu(q[t, h] . key[s]); the top_k best
// visible entries, best first, equal scores to the lower index, -1 behind them.
struct IndexTopKArgs {
  View<const float, 3> q;        // [tokens, index_heads, index_dim]
  View<const float, 2> weights;  // [tokens, index_heads]
  IndexKeyFormat format;
  std::int64_t ratio = 0;
  std::span<const Run> runs;        // [runs]
  std::span<const PagedRows> keys;  // [runs]
  View<std::int32_t, 2> selected;   // [tokens, top_k]
};

enum class EntryChoice : std::uint8_t { none, all, selected };

// One joint softmax over the window and the compressed entries; the sink joins the denominator only; values are keys.
//   s[h, j] = scale * q[h] . key[j]
//   p[h, j] = exp(s[h, j] - max) / (sum_j exp(s[h, j] - max) + exp(sink[h] - max)), max over the keys
//   out[h] = sum_j p[h, j] key[j]
// Key order, which fixes every sum: window positions ascending, then entries, ascending or in the order of `selected`.
// Window positions before the run come from its ring, the others from `fresh`.
struct SparseAttentionArgs {
  View<const float, 3> q;  // [tokens, heads, head_dim]
  EntryFormat format;
  std::int64_t window = 0;         // keys a query sees, itself included
  View<const std::byte, 2> fresh;  // [tokens, row_bytes]
  EntryChoice choice = EntryChoice::none;
  std::int64_t ratio = 0;
  View<const std::int32_t, 2> selected;  // [tokens, top_k] for EntryChoice::selected, -1 behind
  View<const float, 1> sink;             // [heads]
  float scale = 1.0F;
  std::span<const Run> runs;           // [runs]
  std::span<const Ring> windows;       // [runs]
  std::span<const PagedRows> entries;  // [runs]
  View<float, 3> out;                  // [tokens, heads, head_dim]
};

// Hyper-connection gates (report 2.2) from mix = streams fn^T, pre | post | comb row-major:
//   r = 1 / sqrt(mean(streams^2) + norm_eps), z = mix * r * scale[part] + base
//   pre = sigmoid(z) + eps, post = 2 sigmoid(z), comb = Sinkhorn(softmax over k + eps), columns last
struct HyperConnectionGatesArgs {
  View<const float, 3> streams;  // [tokens, streams, channels]
  View<const float, 2> mix;      // [tokens, (2 + streams) * streams]
  View<const float, 1> scale;    // [3]
  View<const float, 1> base;     // [(2 + streams) * streams]
  std::int64_t iterations = 0;
  float eps = 0.0F;
  float norm_eps = 0.0F;
  View<float, 2> pre;   // [tokens, streams]
  View<float, 2> post;  // [tokens, streams]
  View<float, 3> comb;  // [tokens, streams, streams]
};

// The head's gates: pre = sigmoid(mix * r * scale + base) + eps.
struct HyperConnectionHeadArgs {
  View<const float, 3> streams;  // [tokens, streams, channels]
  View<const float, 2> mix;      // [tokens, streams]
  View<const float, 1> scale;    // [1]
  View<const float, 1> base;     // [streams]
  float eps = 0.0F;
  float norm_eps = 0.0F;
  View<float, 2> pre;  // [tokens, streams]
};

// out[token, c] = sum_i pre[token, i] * streams[token, i, c]
struct CollapseStreamsArgs {
  View<const float, 3> streams;  // [tokens, streams, channels]
  View<const float, 2> pre;      // [tokens, streams]
  View<float, 2> out;            // [tokens, channels]
};

// streams'[token, k, c] = post[token, k] * y[token, c] + sum_i comb[token, i, k] * streams[token, i, c]. In place.
// comb enters transposed: its row is the old stream, its column the new one.
struct ExpandStreamsArgs {
  View<const float, 2> y;     // [tokens, channels]
  View<const float, 2> post;  // [tokens, streams]
  View<const float, 3> comb;  // [tokens, streams, streams]
  View<float, 3> streams;     // [tokens, streams, channels]
};

// s = sqrt(softplus(logits)); the experts are the best of s + bias (equal values to the lower index) or the hash row;
// weights = s / (sum of the chosen s + 1e-20) * route_scale. Experts ascend in every row.
struct RouteArgs {
  View<const float, 2> logits;        // [tokens, experts]
  View<const float, 1> bias;          // [experts]; empty in hash layers
  View<const std::int32_t, 2> hash;   // [vocab, selected]; empty in scored layers
  std::span<const std::int32_t> ids;  // [tokens], read in hash layers
  float route_scale = 1.0F;
  View<std::int32_t, 2> selected;  // [tokens, selected]
  View<float, 2> weights;          // [tokens, selected]
};

// out = silu(min(gate, limit)) * clamp(up, -limit, limit) * weight[row]; limit 0: no clamp; no weight: 1.
struct SwigluArgs {
  View<const float, 2> gate;  // [rows, expert_dim]
  View<const float, 2> up;    // [rows, expert_dim]
  float limit = 0.0F;
  View<const float, 1> weight;  // [rows], may be empty
  View<float, 2> out;           // [rows, expert_dim]
};

struct ExpertWeights {
  std::unique_ptr<PreparedWeight> w1;  // gate [expert_dim, channels]
  std::unique_ptr<PreparedWeight> w2;  // down [channels, expert_dim]
  std::unique_ptr<PreparedWeight> w3;  // up   [expert_dim, channels]
};

// out[token] = sum over slots, ascending, of w2(swiglu(w1 x, w3 x) * weight). The weight enters before w2.
struct ExpertsArgs {
  View<const float, 2> x;                  // [tokens, channels]
  View<const std::int32_t, 2> selected;    // [tokens, selected]
  View<const float, 2> weights;            // [tokens, selected]
  std::span<const ExpertWeights> experts;  // [experts]
  float limit = 0.0F;
  Arena& arena;
  View<float, 2> out;  // [tokens, channels]
};

// What the sampler needs of each row (ops/shortlist.h).
struct ShortlistArgs {
  View<const float, 2> logits;         // [rows, vocab]
  std::int64_t ids = 0;                // of the vocabulary, that may be chosen
  std::span<const ShortlistRow> rows;  // [rows]
  std::span<Shortlist> out;            // [rows], on the host
};

// The same of rows of logits that were not computed: weight . x, of some rows.
struct ShortlistProductArgs {
  const PreparedWeight& weight;          // [vocab, channels], of a head
  View<const float, 2> x;                // [rows, channels]
  std::int64_t ids = 0;                  // of the vocabulary, that may be chosen
  std::span<const std::int64_t> wanted;  // [wanted], rows of x
  std::span<const ShortlistRow> rows;    // [wanted]
  std::span<Shortlist> out;              // [wanted], on the host
};

// out += x
struct AddArgs {
  View<const float, 2> x;  // [rows, columns]
  View<float, 2> out;      // [rows, columns]
};

}  // namespace fathom
