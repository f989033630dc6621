// The vocabulary the model is written in: one operation per equation of the report. A backend implements the `do_`
// functions; the public ones check shapes once, at the door, and throw InternalError with both values.
//
// Every backend promises (docs/invariance.md): a row of any output depends on that row's inputs alone, and every sum
// runs in one order whatever the number of rows, runs or threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/ops/arguments.h"
#include "fathom/ops/fused_arguments.h"
#include "fathom/tensor/memory.h"

namespace fathom {

// What is about to be prepared and kept, in bytes, so that a backend with little memory can decide what goes where.
struct ExpectedMemory {
  std::int64_t experts = 0;           // of all routed experts, as stored
  std::int64_t others = 0;            // of all other weights
  std::int64_t expert_layers = 0;     // blocks with routed experts
  std::int64_t experts_of_layer = 0;  //
  std::int64_t step = 0;              // of what a step computes on its way, at most
  std::int64_t step_tokens = 0;       // of that step
  std::int64_t caches = 0;            // that were asked for; 0: nobody asked
  std::int64_t usual_caches = 0;      // then
};

// A figure of a backend's own, for whoever watches it.
struct BackendFigure {
  std::string_view name;  // "expert_swaps"
  double value = 0.0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  // What a row's bits depend on besides its inputs: two backends that say the same here give the same bits.
  virtual std::string numerics() const { return std::string(name()); }

  // Memory of this backend. The defaults are those of a backend whose memory is the host's.
  virtual Allocator& allocator() { return host_allocator(); }
  // Whether the host may read it at once, as soon as an operation has returned.
  virtual bool memory_is_hosts() const { return true; }
  virtual void upload(std::span<const std::byte> host, std::byte* device);
  virtual void download(const std::byte* device, std::span<std::byte> host);
  virtual void copy(std::span<const std::byte> from, std::byte* to);  // both in this backend's memory
  // Where logits are slow to come by: the few that the sampler needs. False: this backend has no such thing.
  virtual bool shortlist(const ShortlistArgs& /*args*/) { return false; }

  // Bytes that shortlist_product() reads of a head's weight at least, for so many rows; 0: this backend does not have
  // it, or computing all logits is no slower.
  virtual std::int64_t shortlist_bytes(const PreparedWeight& /*weight*/, std::int64_t /*rows*/) const { return 0; }

  // Operations from here to end_step() belong to one step. Steps of one pattern are likely to be alike but for what is
  // in their spans and arrays, which a backend may use to be faster; 0: like no other.
  virtual void begin_step(std::uint64_t /*pattern*/) {}
  virtual void end_step() {}

  virtual void expect(const ExpectedMemory& /*bytes*/) {}
  // Of memory of its own; nothing where that is the host's.
  virtual std::optional<std::int64_t> free_bytes() const { return std::nullopt; }
  // Any thread may ask.
  virtual std::vector<BackendFigure> figures() const { return {}; }

  // The weight may go on borrowing `weight.data`: the checkpoint outlives it.
  virtual std::unique_ptr<PreparedWeight> prepare(const WeightView& weight) = 0;  // for linear products
  // For `experts` alone; the view may have to live as long.
  virtual std::unique_ptr<PreparedWeight> prepare_expert(const WeightView& weight) { return prepare(weight); }
  // For the product that makes logits.
  virtual std::unique_ptr<PreparedWeight> prepare_head(const WeightView& weight) { return prepare(weight); }
  virtual std::unique_ptr<PreparedWeight> prepare_table(const WeightView& weight) = 0;  // for rows by id

  void embed(const EmbedArgs& args);
  void linear(const LinearArgs& args);
  void grouped_linear(const GroupedLinearArgs& args);
  void rms_norm(const RmsNormArgs& args);
  void rotary_table(const RotaryTableArgs& args);
  void rotate(const RotateArgs& args);
  void hadamard(const HadamardArgs& args);
  void round_index(const RoundIndexArgs& args);
  void encode_entries(const EncodeEntriesArgs& args);
  void store_entries(const StoreEntriesArgs& args);
  void store_index_keys(const StoreIndexKeysArgs& args);
  void commit_rows(const CommitRowsArgs& args);
  void gated_pool(const GatedPoolArgs& args);
  void index_top_k(const IndexTopKArgs& args);
  void sparse_attention(const SparseAttentionArgs& args);
  void hyper_connection_gates(const HyperConnectionGatesArgs& args);
  void hyper_connection_head(const HyperConnectionHeadArgs& args);
  void collapse_streams(const CollapseStreamsArgs& args);
  void expand_streams(const ExpandStreamsArgs& args);
  void route(const RouteArgs& args);
  void swiglu(const SwigluArgs& args);
  void experts(const ExpertsArgs& args);
  void add(const AddArgs& args);

  void linears(const LinearsArgs& args);
  void hyper_connection(const HyperConnectionArgs& args);
  void between_sublayers(const BetweenSublayersArgs& args);
  void norm_rotate(const NormRotateArgs& args);
  void new_keys(const NewKeysArgs& args);
  void index_queries(const IndexQueriesArgs& args);
  void commit_tails(const CommitTailsArgs& args);
  void shared_expert(const SharedExpertArgs& args);
  void mixture(const MixtureArgs& args);
  void queries_and_keys(const QueriesAndKeysArgs& args);
  void complete_entries(const CompleteEntriesArgs& args);
  void begin_attend(const AttendArgs& args);
  void attend(const AttendArgs& args);
  void feed_forward(const FeedForwardArgs& args);
  void select_entries(const SelectEntriesArgs& args);
  void shortlist_product(const ShortlistProductArgs& args);

 protected:
  virtual void do_embed(const EmbedArgs& args) = 0;
  virtual void do_linear(const LinearArgs& args) = 0;
  virtual void do_grouped_linear(const GroupedLinearArgs& args) = 0;
  virtual void do_rms_norm(const RmsNormArgs& args) = 0;
  virtual void do_rotary_table(const RotaryTableArgs& args) = 0;
  virtual void do_rotate(const RotateArgs& args) = 0;
  virtual void do_hadamard(const HadamardArgs& args) = 0;
  virtual void do_round_index(const RoundIndexArgs& args) = 0;
  virtual void do_encode_entries(const EncodeEntriesArgs& args) = 0;
  virtual void do_store_entries(const StoreEntriesArgs& args) = 0;
  virtual void do_store_index_keys(const StoreIndexKeysArgs& args) = 0;
  virtual void do_commit_rows(const CommitRowsArgs& args) = 0;
  virtual void do_gated_pool(const GatedPoolArgs& args) = 0;
  virtual void do_index_top_k(const IndexTopKArgs& args) = 0;
  virtual void do_sparse_attention(const SparseAttentionArgs& args) = 0;
  virtual void do_hyper_connection_gates(const HyperConnectionGatesArgs& args) = 0;
  virtual void do_hyper_connection_head(const HyperConnectionHeadArgs& args) = 0;
  virtual void do_collapse_streams(const CollapseStreamsArgs& args) = 0;
  virtual void do_expand_streams(const ExpandStreamsArgs& args) = 0;
  virtual void do_route(const RouteArgs& args) = 0;
  virtual void do_swiglu(const SwigluArgs& args) = 0;
  virtual void do_add(const AddArgs& args) = 0;

  // Fused: the body is the definition, in terms of the operations above. Override it only to be faster.
  virtual void do_experts(const ExpertsArgs& args);
  virtual void do_linears(const LinearsArgs& args);
  virtual void do_hyper_connection(const HyperConnectionArgs& args);
  virtual void do_between_sublayers(const BetweenSublayersArgs& args);
  virtual void do_norm_rotate(const NormRotateArgs& args);
  virtual void do_new_keys(const NewKeysArgs& args);
  virtual void do_index_queries(const IndexQueriesArgs& args);
  virtual void do_commit_tails(const CommitTailsArgs& args);
  virtual void do_shared_expert(const SharedExpertArgs& args);
  virtual void do_mixture(const MixtureArgs& args);
  virtual void do_queries_and_keys(const QueriesAndKeysArgs& args);
  virtual void do_complete_entries(const CompleteEntriesArgs& args);
  virtual void do_begin_attend(const AttendArgs& args);
  virtual void do_attend(const AttendArgs& args);
  virtual void do_feed_forward(const FeedForwardArgs& args);
  virtual void do_select_entries(const SelectEntriesArgs& args);

  // InternalError unless shortlist_bytes() says that there is one.
  virtual void do_shortlist_product(const ShortlistProductArgs& args);
};

}  // namespace fathom
