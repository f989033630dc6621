#include "fathom/bench/stage_timer.h"

#include <utility>

namespace fathom::bench {

StageTimer::StageTimer(Backend& inner) : inner_(inner), waited_for_(inner.allocator(), sizeof(float)) {}

StageTimer::StageTimer(Backend& inner, const StageTimer& prepared) : StageTimer(inner) { stages_ = prepared.stages_; }

ByStage<double> StageTimer::take() { return std::exchange(seconds_, {}); }

template <typename Operation>
void StageTimer::time(Stage stage, const Operation& operation) {
  const auto begin = std::chrono::steady_clock::now();
  operation();
  float nothing = 0.0F;  // a download is what waits for a device
  inner_.download(waited_for_.data(), std::as_writable_bytes(std::span(&nothing, 1)));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  seconds_[static_cast<std::size_t>(stage)] += taken.count();
}

std::unique_ptr<PreparedWeight> StageTimer::named(std::unique_ptr<PreparedWeight> weight, std::string_view name) {
  if (!name.empty() && !name.starts_with("mtp.")) stages_[weight.get()] = stage_of_tensor(name);
  return weight;
}

Stage StageTimer::stage_of(const PreparedWeight& weight) const {
  const auto found = stages_.find(&weight);
  check(found != stages_.end(), "a product's weight was prepared through the timer, with a name");
  return found->second;
}

void StageTimer::copy(std::span<const std::byte> from, std::byte* to) {
  time(Stage::head, [&] { inner_.copy(from, to); });  // of the rows that want logits; the model copies nothing else
}

void StageTimer::begin_step(std::uint64_t /*pattern*/) { inner_.begin_step(0); }

std::unique_ptr<PreparedWeight> StageTimer::prepare(const WeightView& weight) {
  return named(inner_.prepare(weight), weight.name);
}

std::unique_ptr<PreparedWeight> StageTimer::prepare_expert(const WeightView& weight) {
  return named(inner_.prepare_expert(weight), weight.name);
}

std::unique_ptr<PreparedWeight> StageTimer::prepare_head(const WeightView& weight) {
  return named(inner_.prepare_head(weight), weight.name);
}

std::unique_ptr<PreparedWeight> StageTimer::prepare_table(const WeightView& weight) {
  return named(inner_.prepare_table(weight), weight.name);
}

void StageTimer::do_embed(const EmbedArgs& args) {
  time(Stage::embed, [&] { inner_.embed(args); });
}
void StageTimer::do_linear(const LinearArgs& args) {
  time(stage_of(args.weight), [&] { inner_.linear(args); });
}
void StageTimer::do_grouped_linear(const GroupedLinearArgs& args) {
  time(stage_of(args.weight), [&] { inner_.grouped_linear(args); });
}
void StageTimer::do_rms_norm(const RmsNormArgs& args) {
  time(Stage::norm, [&] { inner_.rms_norm(args); });
}
void StageTimer::do_rotary_table(const RotaryTableArgs& args) {
  time(Stage::rotary, [&] { inner_.rotary_table(args); });
}
void StageTimer::do_rotate(const RotateArgs& args) {
  time(Stage::rotary, [&] { inner_.rotate(args); });
}
void StageTimer::do_hadamard(const HadamardArgs& args) {
  time(Stage::indexer, [&] { inner_.hadamard(args); });
}
void StageTimer::do_round_index(const RoundIndexArgs& args) {
  time(Stage::indexer, [&] { inner_.round_index(args); });
}
void StageTimer::do_encode_entries(const EncodeEntriesArgs& args) {
  time(Stage::cache, [&] { inner_.encode_entries(args); });
}
void StageTimer::do_store_entries(const StoreEntriesArgs& args) {
  time(Stage::cache, [&] { inner_.store_entries(args); });
}
void StageTimer::do_store_index_keys(const StoreIndexKeysArgs& args) {
  time(Stage::cache, [&] { inner_.store_index_keys(args); });
}
void StageTimer::do_commit_rows(const CommitRowsArgs& args) {
  time(Stage::cache, [&] { inner_.commit_rows(args); });
}
void StageTimer::do_gated_pool(const GatedPoolArgs& args) {
  time(Stage::compressor, [&] { inner_.gated_pool(args); });
}
void StageTimer::do_index_top_k(const IndexTopKArgs& args) {
  time(Stage::index_top_k, [&] { inner_.index_top_k(args); });
}
void StageTimer::do_sparse_attention(const SparseAttentionArgs& args) {
  time(Stage::attention, [&] { inner_.sparse_attention(args); });
}
void StageTimer::do_hyper_connection_gates(const HyperConnectionGatesArgs& args) {
  time(Stage::hyper_connections, [&] { inner_.hyper_connection_gates(args); });
}
void StageTimer::do_hyper_connection_head(const HyperConnectionHeadArgs& args) {
  time(Stage::hyper_connections, [&] { inner_.hyper_connection_head(args); });
}
void StageTimer::do_collapse_streams(const CollapseStreamsArgs& args) {
  time(Stage::hyper_connections, [&] { inner_.collapse_streams(args); });
}
void StageTimer::do_expand_streams(const ExpandStreamsArgs& args) {
  time(Stage::hyper_connections, [&] { inner_.expand_streams(args); });
}
void StageTimer::do_shortlist_product(const ShortlistProductArgs& args) {
  time(Stage::head, [&] { inner_.shortlist_product(args); });
}
void StageTimer::do_route(const RouteArgs& args) {
  time(Stage::router, [&] { inner_.route(args); });
}
void StageTimer::do_swiglu(const SwigluArgs& args) {
  time(Stage::shared_expert, [&] { inner_.swiglu(args); });
}
void StageTimer::do_experts(const ExpertsArgs& args) {
  time(Stage::experts, [&] { inner_.experts(args); });
}
void StageTimer::do_add(const AddArgs& args) {
  time(Stage::shared_expert, [&] { inner_.add(args); });
}

}  // namespace fathom::bench
