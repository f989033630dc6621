// The backend itself: each operation's arguments become a kernel's, spans and pages staged, and the kernel is launched.
// Nothing here waits for the device but upload(), download() and what grows memory.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "fathom/backends/cuda/choose/product_method.h"
#include "fathom/backends/cuda/cuda_backend.h"
#include "fathom/backends/cuda/device/block_allocator.h"
#include "fathom/backends/cuda/device/device.h"
#include "fathom/backends/cuda/device/staged_spans.h"
#include "fathom/backends/cuda/device/step_recorder.h"
#include "fathom/backends/cuda/kernels/deep_product.h"
#include "fathom/backends/cuda/kernels/index.h"
#include "fathom/backends/cuda/kernels/new_rows.h"
#include "fathom/backends/cuda/kernels/plain_products.h"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/products.h"
#include "fathom/backends/cuda/kernels/route.h"
#include "fathom/backends/cuda/kernels/streams.h"
#include "fathom/backends/cuda/launch/awaited_rows.h"
#include "fathom/backends/cuda/launch/expert_store.h"
#include "fathom/backends/cuda/launch/tiled_weight.h"
#include "fathom/backends/cuda/staging/placed_runs.h"
#include "fathom/tensor/arena.h"

namespace fathom::cuda {

// A weight as the checkpoint stores it, in the device's memory.
class PlainWeight final : public PreparedWeight {
 public:
  PlainWeight(const WeightView& view, const Device& device, Allocator& memory, std::int64_t serial,
              ProductMethod method = ProductMethod::plain);

  ProductMethod method() const { return method_; }  // plain or deep

  const DeviceWeight& weight() const { return weight_; }
  std::int64_t serial() const { return serial_; }  // of all weights that the backend prepared

 private:
  Memory memory_;
  DeviceWeight weight_;
  std::int64_t serial_;
  ProductMethod method_;
};

// InternalError for a weight that this backend did not prepare.
const PlainWeight& plain(const PreparedWeight& weight);

struct AttentionKernel;
struct EntryCompletion;
struct HyperConnectionKernel;
struct AttentionShape;
struct NormRotateKernel;
struct WidenedAttention;

ExpandKernel expand_kernel(const ExpandStreamsArgs& args);
NormRotateKernel norm_rotate_kernel(const NormRotateArgs& args);
NormRotateKernel norm_rotate_kernel(const NewKeysArgs& args);
// Of tokens [first, first + count); what sums the pieces adds where these lie.
HyperConnectionKernel hyper_connection_kernel(const HyperConnectionArgs& args, std::int64_t first, std::int64_t count);
bool completes_beside(const CompleteEntriesArgs& args);

class CudaLauncher final : public Backend {
 public:
  explicit CudaLauncher(const CudaOptions& options);
  ~CudaLauncher() override;

  std::string_view name() const override { return "cuda"; }
  std::string numerics() const override {
    return fmt::format("cuda products {} from {}{}", static_cast<int>(options_.products), options_.tensor_core_inputs,
                       rounds_attention() ? ", attention rounded" : "");
  }
  Allocator& allocator() override { return memory_; }
  bool memory_is_hosts() const override { return false; }
  void upload(std::span<const std::byte> host, std::byte* device) override;
  // InternalError when a kernel met what a host check would have refused.
  void download(const std::byte* device, std::span<std::byte> host) override;
  void copy(std::span<const std::byte> from, std::byte* to) override;
  bool shortlist(const ShortlistArgs& args) override;
  void begin_step(std::uint64_t pattern) override;
  void end_step() override;
  void expect(const ExpectedMemory& bytes) override;
  std::optional<std::int64_t> free_bytes() const override {
    return device_.free_bytes() + experts_.lent_bytes() - options_.kept_bytes;
  }
  std::vector<BackendFigure> figures() const override { return experts_.figures(); }
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
  void do_experts(const ExpertsArgs& args) override;
  void do_linears(const LinearsArgs& args) override;
  void do_hyper_connection(const HyperConnectionArgs& args) override;
  void do_between_sublayers(const BetweenSublayersArgs& args) override;
  void do_norm_rotate(const NormRotateArgs& args) override;
  void do_new_keys(const NewKeysArgs& args) override;
  void do_queries_and_keys(const QueriesAndKeysArgs& args) override;
  void do_index_queries(const IndexQueriesArgs& args) override;
  void do_begin_attend(const AttendArgs& args) override;
  void do_attend(const AttendArgs& args) override;
  void do_feed_forward(const FeedForwardArgs& args) override;
  void do_select_entries(const SelectEntriesArgs& args) override;
  void do_commit_tails(const CommitTailsArgs& args) override;
  void do_shared_expert(const SharedExpertArgs& args) override;
  void do_mixture(const MixtureArgs& args) override;

 private:
  // The runs where a kernel finds them; with `paged` spans, the pages of all entries up to each run's end.
  PlacedRuns place(const RunPlaces& places);
  Fault* fault() const { return reinterpret_cast<Fault*>(fault_.data()); }
  void throw_fault();
  bool rounds_attention() const { return options_.products == CudaProducts::fp8 && has_warpgroups(device_.size()); }
  // What a weight's rows are multiplied as.
  Operand operand_of(TileKind kind) const;
  // Rows for products on tensor cores, in scratch_.
  PackedRows packed(const RowsOfX& x, PackedBy by, TileKind kind);
  // Whether so many rows, packed in whatever way, have 64 columns a block.
  static bool is_packed_wide(std::int64_t rows) { return rows > kMostDecodeColumns; }
  PackedTwice packed_twice(const RowsOfX& x);
  std::uint8_t* workspace(std::int64_t bytes) {
    return reinterpret_cast<std::uint8_t*>(scratch_.take<std::byte, 1>({bytes}).data());
  }
  // A deep product's launch of x's first rows, kDeepRows at most, with its parts in scratch_; out is the caller's.
  DeepProductKernel deep_product(const PreparedWeight& weight, const float* x, std::int64_t rows);
  AttentionShape attention_shape_of(const SparseAttentionArgs& args) const;
  AttentionKernel attention_kernel(const SparseAttentionArgs& args, const AttentionShape& shape);
  // With its keys in scratch_.
  WidenedAttention widened_attention(const AttentionKernel& attention, std::int64_t tokens, std::int64_t entries);
  void attend_widened(const WidenedAttention& kernel);
  bool attends_packed(const AttendArgs& args, const AttentionShape& shape) const;
  void launch_attention(const AttentionKernel& kernel);
  void begin_attend_few(const AttendArgs& args);
  EntryCompletion completion_kernel(const CompleteEntriesArgs& args);
  bool joins_to_the_end(const AttendArgs& args, const AttentionShape& shape) const;
  void attend_few(const AttendArgs& args, const AttentionShape& shape);
  bool multiply_packed(const AttendArgs& args);
  bool multiply_normed(const AttendArgs& args);
  // Queries that leave their product rounded, and the others of its rows; false: nothing was done.
  bool multiply_rounded_queries(const LinearsArgs& args, const RoundedQueriesKernel& queries);
  void deep_linear(const LinearArgs& args);
  // expand_streams that may sum slots, then what the next sublayer begins with, if there is one.
  void expand_and_begin(const ExpandKernel& expand, const HyperConnectionArgs* next);
  // A sublayer's beginning, behind the end of the one before if that is still to come (else null).
  void begin_sublayer(const HyperConnectionArgs& args, const ExpandKernel* expand);
  void make_index_queries(const IndexQueriesArgs& args, const IndexQueryCodes& codes);
  void choose_entries(const IndexTopKArgs& args, const IndexQueryCodes& codes);
  bool is_shared_expert_tiled(const ExpertWeights& weights) const;
  // Without their tiles, which come when all memory is taken: find_tiles().
  ExpertProducts expert_products_of(const ExpertsArgs& args);
  void find_tiles(const ExpertsArgs& args, ExpertProducts& products);
  // `x`: the tokens packed, if they are.
  ExpertRows experts_on_tensor_cores(const ExpertsArgs& args, float* out, const PackedRows* x);
  PackedRows packed_for_shared_expert(const SharedExpertArgs& args);
  // With tokens packed for the shared expert, or null.
  void feed_forward_packed(const FeedForwardArgs& args, const PackedRows* x);
  bool mixture_of_many(const MixtureArgs& args);
  void shared_expert_on_tensor_cores(const SharedExpertArgs& args, const PackedRows& x, bool adds);
  RouteKernel route_kernel(const RouteArgs& args);
  bool is_mixture_of_few(const MixtureArgs& args) const;

  Device device_;
  ProductDevice product_device_;
  CudaOptions options_;
  DeviceAllocator memory_;
  BlockAllocator weight_memory_;
  PinnedAllocator pinned_memory_;
  StepRecorder recorder_;
  StagedSpans staged_;
  PageTables page_tables_;
  AwaitedRows awaited_;
  ExpertStore experts_;
  Memory stored_;  // a weight as the checkpoint holds it, on its way to be tiled
  Arena scratch_;  // of one operation at a time
  Memory fault_;   // pinned
  std::int64_t weights_prepared_ = 0;
};

}  // namespace fathom::cuda
