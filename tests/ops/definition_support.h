#pragma once

#include "fathom/ops/backend.h"

namespace fathom::op_test {

// Another backend's operations under the definitions of the fused ones: what an override must equal to the last bit.
class Definitions final : public Backend {
 public:
  explicit Definitions(Backend& inner) : inner_(inner) {}
  std::string_view name() const override { return "definition"; }
  std::unique_ptr<PreparedWeight> prepare(const WeightView& weight) override { return inner_.prepare(weight); }
  std::unique_ptr<PreparedWeight> prepare_table(const WeightView& weight) override {
    return inner_.prepare_table(weight);
  }

 protected:
  void do_embed(const EmbedArgs& args) override { inner_.embed(args); }
  void do_linear(const LinearArgs& args) override { inner_.linear(args); }
  void do_grouped_linear(const GroupedLinearArgs& args) override { inner_.grouped_linear(args); }
  void do_rms_norm(const RmsNormArgs& args) override { inner_.rms_norm(args); }
  void do_rotary_table(const RotaryTableArgs& args) override { inner_.rotary_table(args); }
  void do_rotate(const RotateArgs& args) override { inner_.rotate(args); }
  void do_hadamard(const HadamardArgs& args) override { inner_.hadamard(args); }
  void do_round_index(const RoundIndexArgs& args) override { inner_.round_index(args); }
  void do_encode_entries(const EncodeEntriesArgs& args) override { inner_.encode_entries(args); }
  void do_store_entries(const StoreEntriesArgs& args) override { inner_.store_entries(args); }
  void do_store_index_keys(const StoreIndexKeysArgs& args) override { inner_.store_index_keys(args); }
  void do_commit_rows(const CommitRowsArgs& args) override { inner_.commit_rows(args); }
  void do_gated_pool(const GatedPoolArgs& args) override { inner_.gated_pool(args); }
  void do_index_top_k(const IndexTopKArgs& args) override { inner_.index_top_k(args); }
  void do_sparse_attention(const SparseAttentionArgs& args) override { inner_.sparse_attention(args); }
  void do_hyper_connection_gates(const HyperConnectionGatesArgs& args) override { inner_.hyper_connection_gates(args); }
  void do_hyper_connection_head(const HyperConnectionHeadArgs& args) override { inner_.hyper_connection_head(args); }
  void do_collapse_streams(const CollapseStreamsArgs& args) override { inner_.collapse_streams(args); }
  void do_expand_streams(const ExpandStreamsArgs& args) override { inner_.expand_streams(args); }
  void do_route(const RouteArgs& args) override { inner_.route(args); }
  void do_swiglu(const SwigluArgs& args) override { inner_.swiglu(args); }
  void do_add(const AddArgs& args) override { inner_.add(args); }

 private:
  Backend& inner_;
};

}  // namespace fathom::op_test
