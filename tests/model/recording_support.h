// For tests: a backend that lets another one compute and writes down what it was asked, so that a test can say which
// numbers went where and in which order.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fathom/checkpoint/checkpoint.h"
#include "fathom/ops/backend.h"

namespace fathom::testing {

// A view as it was: inputs before the operation, outputs after it.
struct Recorded {
  const void* place = nullptr;  // its first element; null for an empty view
  std::vector<std::int64_t> shape;
  std::vector<float> values;  // bytes and integers widened

  bool operator==(const Recorded&) const = default;
};

struct Call {
  std::size_t index = 0;  // of the call
  std::string operation;  // "linear"
  std::string weight;     // the linear weight's released name without its ending, when the checkpoint was named
  WeightFormat weight_format = WeightFormat::f32;
  std::map<std::string, Recorded> views;  // by the argument's name; "after.x" is what an in-place operation left in x
  std::map<std::string, double> numbers;  // scalars by the argument's name
  std::vector<std::int64_t> integers;     // positions or ids
  std::vector<Run> runs;
  std::vector<const std::byte*> places;  // rings' rows, or the pages' lists

  // The view or number of that name; the test fails when the operation has none.
  const Recorded& view(const std::string& name) const { return views.at(name); }
  double number(const std::string& name) const { return numbers.at(name); }
};

class RecordingBackend final : public Backend {
 public:
  // `inner` computes. `checkpoint` tells weights' names.
  RecordingBackend(Backend& inner, const Checkpoint& checkpoint);

  std::string_view name() const override { return "recording"; }
  Allocator& allocator() override { return inner_.allocator(); }
  std::unique_ptr<PreparedWeight> prepare(const WeightView& weight) override;
  std::unique_ptr<PreparedWeight> prepare_table(const WeightView& weight) override;

  const std::vector<Call>& calls() const { return calls_; }
  void forget() { calls_.clear(); }

  // Calls of one operation, in order; `weight` empty: whatever the weight.
  std::vector<Call> all(const std::string& operation, const std::string& weight = "") const;
  // The only call of `operation` with `weight`; throws when there is none or more. Lives until the next operation.
  const Call& only(const std::string& operation, const std::string& weight = "") const;
  // The first call of `operation` behind (before) that of `index`; throws when there is none.
  const Call& next(const std::string& operation, std::size_t index) const;
  const Call& previous(const std::string& operation, std::size_t index) const;
  // Operations in order, each weight's name behind a colon: "linear:layers.0.attn.wq_a".
  std::vector<std::string> script() const;

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
  // Recorded as one call, then as the operations of its definition.
  void do_experts(const ExpertsArgs& args) override;

 private:
  struct Known {
    std::string name;
    WeightFormat format = WeightFormat::f32;
  };
  Call& begin(const std::string& operation);
  Call& begin(const std::string& operation, const PreparedWeight& weight);

  Backend& inner_;
  std::map<const std::byte*, std::string> names_;  // by the checkpoint's bytes
  std::map<const PreparedWeight*, Known> weights_;
  std::vector<Call> calls_;
};

}  // namespace fathom::testing
