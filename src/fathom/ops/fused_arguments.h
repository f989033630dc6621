// Operations that are several of arguments.h in one. Each has a definition in terms of those (fused_definitions.cpp),
// which a backend overrides only to be faster: the bits are the same.
#pragma once

#include <optional>

#include "fathom/ops/arguments.h"

namespace fathom {

struct LinearOutput {
  const PreparedWeight& weight;  // [out, in]
  View<float, 2> out;            // [rows, out]
};

// linear with the same rows, once for each weight.
struct LinearsArgs {
  View<const float, 2> x;  // [rows, in]
  std::span<const LinearOutput> outputs;
};

// What a sublayer begins with: linear (fn), hyper_connection_gates, collapse_streams, rms_norm.
struct HyperConnectionArgs {
  View<const float, 3> streams;  // [tokens, streams, channels]
  const PreparedWeight& fn;      // [(2 + streams) * streams, streams * channels]
  View<const float, 1> scale;    // [3]
  View<const float, 1> base;     // [(2 + streams) * streams]
  std::int64_t iterations = 0;
  float eps = 0.0F;
  float norm_eps = 0.0F;      // of the gates and of the norm
  View<const float, 1> norm;  // [channels]
  Arena& arena;
  View<float, 2> pre;   // [tokens, streams]
  View<float, 2> post;  // [tokens, streams]
  View<float, 3> comb;  // [tokens, streams, streams]
  View<float, 2> out;   // [tokens, channels]
};

// Where one sublayer ends and the next begins: expand_streams, then hyper_connection of what it leaves. What the next
// one makes may lie where this one's gates lie, each where its own kind lies (comb where comb, and so on), for nobody
// needs these any more; its out where into's y lies.
struct BetweenSublayersArgs {
  ExpandStreamsArgs into;
  const HyperConnectionArgs* next = nullptr;  // of into.streams; null: none comes
};

// rms_norm of every head, then rotate. In place.
struct NormRotateArgs {
  View<float, 3> x;             // [rows, heads, head_dim]
  View<const float, 1> weight;  // [head_dim], may be empty
  float eps = 0.0F;
  View<const float, 2> cosine;  // [rows, rope_dim / 2]
  View<const float, 2> sine;    // [rows, rope_dim / 2]
};

// norm_rotate of a step's new keys, then encode_entries. x is scratch afterwards.
struct NewKeysArgs {
  View<float, 2> x;             // [tokens, head_dim]
  View<const float, 1> weight;  // [head_dim]
  float eps = 0.0F;
  View<const float, 2> cosine;  // [tokens, rope_dim / 2]
  View<const float, 2> sine;    // [tokens, rope_dim / 2]
  EntryFormat format;
  View<std::byte, 2> rows;  // [tokens, row_bytes]
};

// norm_rotate of a step's queries and new_keys, which do not depend on each other.
struct QueriesAndKeysArgs {
  NormRotateArgs queries;
  NewKeysArgs keys;
};

// commit_rows of a compressor's two tails.
struct CommitTailsArgs {
  View<const float, 2> kv;           // [tokens, columns]
  View<const float, 2> gate;         // [tokens, columns]
  std::span<const Run> runs;         // [runs]
  std::span<const Ring> kv_rings;    // [runs]
  std::span<const Ring> gate_rings;  // [runs]
};

enum class CompletedAs : std::uint8_t { entries, index_keys };

// What a compressor makes of a step's tokens: gated_pool, commit_tails, norm_rotate of the entries that are completed,
// and these stored: store_entries, or hadamard and store_index_keys.
struct CompleteEntriesArgs {
  GatedPoolArgs pool;           // out is scratch afterwards
  View<const float, 1> weight;  // [dim], of the norm
  float eps = 0.0F;
  View<const float, 2> cosine;  // [new entries, rope_dim / 2]
  View<const float, 2> sine;    // [new entries, rope_dim / 2]
  CompletedAs as = CompletedAs::entries;
  EntryFormat entry;                 // of entries
  IndexKeyFormat key;                // of index keys
  std::span<const PagedRows> pages;  // [runs]
};
void check_gated_pool(const GatedPoolArgs& args);

// A step's attention, in two operations, with what chooses among entries in between. begin_attend: rms_norm of the
// query latent, linears of it, queries_and_keys, and complete_entries of all `completed`, none of which depends on
// another; of `attention.selected` it sees the shape alone, and from here on q, attention.out and latent are the
// backend's. attend: sparse_attention of them, commit_rows of the new keys to their windows, rotate back,
// grouped_linear, linear.
struct AttendArgs {
  LinearsArgs products;  // the queries' x among them; or none, if that is there
  QueriesAndKeysArgs rows;
  std::optional<RmsNormArgs> norm = {};  // of the products' x, in place; who reads that afterwards finds either
  std::span<const CompleteEntriesArgs> completed = {};
  SparseAttentionArgs attention;  // q is the queries' x, fresh the keys' rows
  const PreparedWeight& wo_a;     // [groups * latent, heads / groups * head_dim]
  View<float, 3> latent;          // [tokens, groups, latent]
  const PreparedWeight& wo_b;     // [channels, groups * latent]
  View<float, 2> out;             // [tokens, channels]
};
void check_sparse_attention(const SparseAttentionArgs& args);

// rotate, hadamard, round_index: the indexer's queries on the grid of its keys. In place.
struct IndexQueriesArgs {
  View<float, 3> x;             // [tokens, index_heads, index_dim]
  View<const float, 2> cosine;  // [tokens, rope_dim / 2]
  View<const float, 2> sine;    // [tokens, rope_dim / 2]
  IndexKeyFormat format;
};

// index_queries, then index_top_k of them.
struct SelectEntriesArgs {
  IndexQueriesArgs queries;
  IndexTopKArgs choice;  // q is the queries' x
};
void check_index_top_k(const IndexTopKArgs& args);

// out += w2(swiglu(w1 x, w3 x)): the expert that every token has.
struct SharedExpertArgs {
  View<const float, 2> x;  // [tokens, channels]
  const ExpertWeights& weights;
  float limit = 0.0F;
  Arena& arena;
  View<float, 2> out;  // [tokens, channels]
};

// experts, shared_expert where there is one, between_sublayers with their sum, which is scratch afterwards.
struct FeedForwardArgs {
  ExpertsArgs experts;
  const ExpertWeights& shared;  // w1 null: none
  ExpandStreamsArgs into;       // y is the experts' out
  const HyperConnectionArgs* next = nullptr;
};

// A feed-forward sublayer: linear (gate), route, feed_forward.
struct MixtureArgs {
  View<const float, 2> x;      // [tokens, channels]
  const PreparedWeight& gate;  // [experts, channels]
  View<float, 2> logits;       // [tokens, experts], route's
  RouteArgs route;
  std::span<const ExpertWeights> experts;  // [experts]
  const ExpertWeights& shared;             // w1 null: there is none
  float limit = 0.0F;                      // of all experts
  Arena& arena;
  View<float, 2> out;      // [tokens, channels], scratch afterwards
  ExpandStreamsArgs into;  // y is `out`
  const HyperConnectionArgs* next = nullptr;
};
// Behind its route.
FeedForwardArgs feed_forward_of(const MixtureArgs& args);

void check_rms_norm(const RmsNormArgs& args);
void check_route(const RouteArgs& args);
void check_experts(const ExpertsArgs& args);
void check_expand_streams(const ExpandStreamsArgs& args);

}  // namespace fathom
