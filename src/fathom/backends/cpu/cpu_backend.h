// The processor's vector units. Every sum runs in one order that depends on the operation alone (docs/invariance.md):
// threads divide outputs, never sums. Kernels lie in kernels/, one source for all instruction sets, chosen at run time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fathom/backends/cpu/product.h"
#include "fathom/backends/cpu/weight_memory.h"
#include "fathom/base/thread_pool.h"
#include "fathom/ops/backend.h"

namespace fathom {

struct CpuOptions {
  int threads = 0;              // 0: as many as this process may run at a time (base/processors.h)
  bool pin = false;             // a processor for each thread, and weights near the thread that multiplies them
  bool mapped_experts = false;  // use experts where the checkpoint has them: no copy, for models beyond memory
  std::int64_t least_indexed_bytes = std::int64_t{64} << 20;  // of a matrix of bf16 that is held in twelve bits a value
  bool head_sketch = true;  // a byte more a weight of the head, so that tokens read less of it (head_sketch.h)
  std::int64_t least_divided_sketch = std::int64_t{32} << 20;  // bytes of one whose leading bits lie apart
};

// One operation at a time: scratch memory belongs to the backend. Callers in several threads must take turns.
class CpuBackend : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& options);
  ~CpuBackend() override;

  std::string_view name() const override { return "cpu"; }
  // The vectors' kind, for fused multiply-adds, and the C library, for cosines.
  std::string numerics() const override;
  int threads() const { return pool_.threads(); }

  // Packs a copy, in the stored precision.
  std::unique_ptr<PreparedWeight> prepare(const WeightView& weight) override;
  // The same, or borrows (CpuOptions::mapped_experts).
  std::unique_ptr<PreparedWeight> prepare_expert(const WeightView& weight) override;
  // Packs a copy, and a sketch.
  std::unique_ptr<PreparedWeight> prepare_head(const WeightView& weight) override;
  // Borrows.
  std::unique_ptr<PreparedWeight> prepare_table(const WeightView& weight) override;
  std::int64_t shortlist_bytes(const PreparedWeight& weight, std::int64_t rows) const override;

 protected:
  void do_embed(const EmbedArgs& args) override;
  void do_linear(const LinearArgs& args) override;
  void do_linears(const LinearsArgs& args) override;
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
  void do_hyper_connection(const HyperConnectionArgs& args) override;
  void do_between_sublayers(const BetweenSublayersArgs& args) override;
  void do_hyper_connection_head(const HyperConnectionHeadArgs& args) override;
  void do_collapse_streams(const CollapseStreamsArgs& args) override;
  void do_expand_streams(const ExpandStreamsArgs& args) override;
  void do_route(const RouteArgs& args) override;
  void do_swiglu(const SwigluArgs& args) override;
  void do_add(const AddArgs& args) override;
  void do_experts(const ExpertsArgs& args) override;
  void do_shortlist_product(const ShortlistProductArgs& args) override;

 private:
  // body(index, scratch) for every index in [0, count); `work` is the cost of one in multiply-adds, roughly, so that
  // little work stays on the calling thread.
  template <typename Body>
  void for_each(std::int64_t count, std::int64_t work, const Body& body) {
    pool_.parallel_for_helping(count, grain(work), [&](std::int64_t first, std::int64_t last, std::int64_t worker) {
      for (std::int64_t index = first; index < last; ++index) body(index, scratch_[static_cast<std::size_t>(worker)]);
    });
  }
  static std::int64_t grain(std::int64_t work);

  // body(first, count, scratch) for groups of tokens whose gates are computed side by side.
  template <typename Body>
  void for_each_gate_group(std::int64_t tokens, std::int64_t work, const Body& body);

  bool gates_alone(std::int64_t tokens) const;
  // A hyper-connection, after what comes into its streams, if anything does.
  void connect(const HyperConnectionArgs& args, const ExpandStreamsArgs* into);

  // All products in one loop.
  void multiply_rows(std::span<const Product> products, std::int64_t rows);
  // The rows of a product as LinearPiece::strips, in scratch memory of the caller's thread.
  const float* lay_rows(const Product& product, std::int64_t rows);

  ThreadPool pool_;
  WeightMemory weight_memory_;
  bool mapped_experts_;
  std::int64_t least_indexed_bytes_;
  bool head_sketch_;
  std::int64_t least_divided_sketch_;
  std::vector<Arena> scratch_;  // one per thread
};

}  // namespace fathom
