// The plainest correct loop for each operation, in double precision where numbers are summed, never optimised: it
// exists to be believed, and every other backend is tested against it.
#pragma once

#include "fathom/ops/backend.h"

namespace fathom {

class ReferenceBackend final : public Backend {
 public:
  std::string_view name() const override { return "reference"; }
  std::unique_ptr<PreparedWeight> prepare(const WeightView& weight) override;
  std::unique_ptr<PreparedWeight> prepare_table(const WeightView& weight) override;

 protected:
  void do_embed(const EmbedArgs& args) override;
  void do_linear(const LinearArgs& args) override;
  void do_grouped_linear(const GroupedLinearArgs& args) override;
  void do_rms_norm(const RmsNormArgs& args) override;
  void do_rotary_table(const RotaryTableArgs& args) override;
  void do_rotate(const RotateArgs& args) override;
  void do_hadamard(const HadamardArgs& args) override;
  void do_round_index(const RoundIndexArgs& args) override;
  void do_encode_entries(const EncodeEntriesArgs& args) override;
  void do_store_entries(const StoreEntriesArgs& args) override;
  void do_store_index_keys(const StoreIndexKeysArgs& args) override;
  void do_commit_rows(const CommitRowsArgs& args) override;
  void do_gated_pool(const GatedPoolArgs& args) override;
  void do_index_top_k(const IndexTopKArgs& args) override;
  void do_sparse_attention(const SparseAttentionArgs& args) override;
  void do_hyper_connection_gates(const HyperConnectionGatesArgs& args) override;
  void do_hyper_connection_head(const HyperConnectionHeadArgs& args) override;
  void do_collapse_streams(const CollapseStreamsArgs& args) override;
  void do_expand_streams(const ExpandStreamsArgs& args) override;
  void do_route(const RouteArgs& args) override;
  void do_swiglu(const SwigluArgs& args) override;
  void do_add(const AddArgs& args) override;
};

}  // namespace fathom
