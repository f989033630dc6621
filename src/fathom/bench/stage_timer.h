// A backend that passes everything on and adds up how long each stage took. It waits for the inner backend after every
// operation, so a step through it is slower than one without.
#pragma once

#include <chrono>
#include <unordered_map>

#include "fathom/bench/stages.h"
#include "fathom/ops/backend.h"

namespace fathom::bench {

class StageTimer final : public Backend {
 public:
  // Weights that carry a name when they are prepared tell their product's stage. `inner` outlives the timer.
  explicit StageTimer(Backend& inner);
  // Knows the weights that `prepared` prepared.
  StageTimer(Backend& inner, const StageTimer& prepared);

  // Seconds of each stage since the last call.
  ByStage<double> take();

  std::string_view name() const override { return inner_.name(); }
  Allocator& allocator() override { return inner_.allocator(); }
  bool memory_is_hosts() const override { return inner_.memory_is_hosts(); }
  void upload(std::span<const std::byte> host, std::byte* device) override { inner_.upload(host, device); }
  void download(const std::byte* device, std::span<std::byte> host) override { inner_.download(device, host); }
  void copy(std::span<const std::byte> from, std::byte* to) override;
  bool shortlist(const ShortlistArgs& args) override { return inner_.shortlist(args); }
  std::int64_t shortlist_bytes(const PreparedWeight& weight, std::int64_t rows) const override {
    return inner_.shortlist_bytes(weight, rows);
  }
  void expect(const ExpectedMemory& bytes) override { inner_.expect(bytes); }
  std::optional<std::int64_t> free_bytes() const override { return inner_.free_bytes(); }
  std::vector<BackendFigure> figures() const override { return inner_.figures(); }
  // Never of a pattern: a step that is replayed as a whole has no stages.
  void begin_step(std::uint64_t pattern) override;
  void end_step() override { inner_.end_step(); }
  std::unique_ptr<PreparedWeight> prepare(const WeightView& weight) override;
  std::unique_ptr<PreparedWeight> prepare_expert(const WeightView& weight) override;
  std::unique_ptr<PreparedWeight> prepare_head(const WeightView& weight) override;
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
  void do_experts(const ExpertsArgs& args) override;
  void do_add(const AddArgs& args) override;
  void do_shortlist_product(const ShortlistProductArgs& args) override;

 private:
  template <typename Operation>
  void time(Stage stage, const Operation& operation);
  std::unique_ptr<PreparedWeight> named(std::unique_ptr<PreparedWeight> weight, std::string_view name);
  Stage stage_of(const PreparedWeight& weight) const;

  Backend& inner_;
  Memory waited_for_;
  std::unordered_map<const PreparedWeight*, Stage> stages_;
  ByStage<double> seconds_{};
};

}  // namespace fathom::bench
