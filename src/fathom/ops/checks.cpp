// The door: shapes are checked here once, so that no kernel has to.
#include <cstring>

#include "fathom/ops/backend.h"

namespace fathom {
namespace {

void check_runs(std::span<const Run> runs, std::int64_t tokens) {
  std::int64_t row = 0;
  for (const Run& run : runs) {
    check_equal(run.first_row, row, "first row of a run");
    check(run.tokens > 0 && run.start >= 0, "a run has tokens and starts at a position");
    row += run.tokens;
  }
  check_equal(row, tokens, "tokens of all runs");
}

std::int64_t new_entries(std::span<const Run> runs, std::int64_t ratio) {
  check(ratio > 0, "compression ratio is positive");
  std::int64_t sum = 0;
  for (const Run& run : runs) sum += run.new_entries(ratio);
  return sum;
}

template <typename Rows>
void check_rows(std::span<const Rows> rows, std::span<const Run> runs, std::int64_t row_bytes) {
  check_equal(rows.size(), runs.size(), "row places, one per run");
  for (const Rows& place : rows) check_equal(place.row_bytes, row_bytes, "bytes of a cached row");
}

template <std::size_t Rank>
void check_shape(const std::array<std::int64_t, Rank>& found, const std::array<std::int64_t, Rank>& expected,
                 std::string_view what, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  for (std::size_t dimension = 0; dimension < Rank; ++dimension)
    check_equal(found[dimension], expected[dimension], what, file, line);
}

void check_expert_weights(const ExpertsArgs& args) {
  const std::int64_t channels = args.x.extent(1);
  check(args.selected.extent(1) > 0 && !args.experts.empty(), "every token has experts");
  for (const ExpertWeights& expert : args.experts) {
    check_equal(expert.w1->in, channels, "expert w1 columns");
    check_equal(expert.w3->in, channels, "expert w3 columns");
    check_equal(expert.w3->out, expert.w1->out, "expert w3 rows");
    check_equal(expert.w2->in, expert.w1->out, "expert w2 columns");
    check_equal(expert.w2->out, channels, "expert w2 rows");
    check_equal(expert.w1->out, args.experts.front().w1->out, "rows of every expert's w1");
  }
}

}  // namespace

void Backend::upload(std::span<const std::byte> host, std::byte* device) {
  if (!host.empty()) std::memcpy(device, host.data(), host.size());
}

void Backend::download(const std::byte* device, std::span<std::byte> host) {
  if (!host.empty()) std::memcpy(host.data(), device, host.size());
}

void Backend::copy(std::span<const std::byte> from, std::byte* to) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

void Backend::embed(const EmbedArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  check_equal(std::ssize(args.ids), tokens, "embed ids");
  check_equal(args.table.in, channels, "embed channels");
  for (const std::int32_t id : args.ids)
    if (id < 0 || id >= args.table.out)
      throw InputError("[model] token id {} is outside the vocabulary [0, {})", id, args.table.out);
  do_embed(args);
}

void Backend::linear(const LinearArgs& args) {
  const auto [rows, in] = args.x.shape();
  check_equal(in, args.weight.in, "linear input columns");
  check_shape(args.out.shape(), {rows, args.weight.out}, "linear output");
  if (rows > 0) do_linear(args);
}

void Backend::grouped_linear(const GroupedLinearArgs& args) {
  const auto [tokens, groups, in] = args.x.shape();
  check_equal(in, args.weight.in, "grouped linear input columns");
  check(groups > 0 && args.weight.out % groups == 0, "grouped linear rows divide into groups");
  check_shape(args.out.shape(), {tokens, groups, args.weight.out / groups}, "grouped linear output");
  if (tokens > 0) do_grouped_linear(args);
}

void check_rms_norm(const RmsNormArgs& args) {
  check_shape(args.out.shape(), args.x.shape(), "rms_norm output");
  if (!args.weight.empty()) check_equal(args.weight.size(), args.x.extent(1), "rms_norm weight");
}

void Backend::rms_norm(const RmsNormArgs& args) {
  check_rms_norm(args);
  do_rms_norm(args);
}

void Backend::rotary_table(const RotaryTableArgs& args) {
  const auto rows = std::ssize(args.positions);
  check_shape(args.cosine.shape(), {rows, args.frequencies.size()}, "rotary cosine");
  check_shape(args.sine.shape(), {rows, args.frequencies.size()}, "rotary sine");
  do_rotary_table(args);
}

void Backend::rotate(const RotateArgs& args) {
  const auto [rows, heads, head_dim] = args.x.shape();
  check_equal(args.cosine.extent(0), rows, "rotate rows");
  check_shape(args.sine.shape(), args.cosine.shape(), "rotate sine");
  check(2 * args.cosine.extent(1) <= head_dim, "rotate rope_dim fits head_dim");
  do_rotate(args);
}

void Backend::hadamard(const HadamardArgs& args) {
  const std::int64_t dim = args.x.extent(1);
  check(dim > 0 && (dim & (dim - 1)) == 0, "hadamard dim is a power of two");
  do_hadamard(args);
}

void Backend::round_index(const RoundIndexArgs& args) {
  check_equal(args.x.extent(1), args.format.index_dim, "round_index columns");
  if (args.format.storage == CacheStorage::released) do_round_index(args);
}

void Backend::encode_entries(const EncodeEntriesArgs& args) {
  check_equal(args.x.extent(1), args.format.head_dim, "encode_entries columns");
  check_shape(args.rows.shape(), {args.x.extent(0), args.format.row_bytes()}, "encode_entries rows");
  do_encode_entries(args);
}

void Backend::store_entries(const StoreEntriesArgs& args) {
  check_shape(args.x.shape(), {new_entries(args.runs, args.ratio), args.format.head_dim}, "store_entries rows");
  check_rows(args.entries, args.runs, args.format.row_bytes());
  do_store_entries(args);
}

void Backend::store_index_keys(const StoreIndexKeysArgs& args) {
  check_shape(args.x.shape(), {new_entries(args.runs, args.ratio), args.format.index_dim}, "store_index_keys rows");
  check_rows(args.keys, args.runs, args.format.row_bytes());
  do_store_index_keys(args);
}

void Backend::commit_rows(const CommitRowsArgs& args) {
  check_runs(args.runs, args.rows.extent(0));
  check_rows(args.rings, args.runs, args.rows.extent(1));
  do_commit_rows(args);
}

void check_gated_pool(const GatedPoolArgs& args) {
  const auto [tokens, columns] = args.kv.shape();
  const auto [entries, dim] = args.out.shape();
  check_runs(args.runs, tokens);
  check_equal(columns, args.overlap ? 2 * dim : dim, "gated_pool columns");
  check_shape(args.gate.shape(), args.kv.shape(), "gated_pool gate");
  check_shape(args.ape.shape(), {args.ratio, columns}, "gated_pool ape");
  check_equal(entries, new_entries(args.runs, args.ratio), "gated_pool entries");
  check_rows(args.kv_rings, args.runs, columns * 4);
  check_rows(args.gate_rings, args.runs, columns * 4);
  for (const Ring& ring : args.kv_rings)
    check(ring.capacity >= (args.overlap ? 2 : 1) * args.ratio, "a compressor ring holds its blocks");
}

void Backend::gated_pool(const GatedPoolArgs& args) {
  check_gated_pool(args);
  do_gated_pool(args);
}

void check_index_top_k(const IndexTopKArgs& args) {
  const auto [tokens, index_heads, index_dim] = args.q.shape();
  check_runs(args.runs, tokens);
  check_equal(index_dim, args.format.index_dim, "index_top_k columns");
  check_shape(args.weights.shape(), {tokens, index_heads}, "index_top_k weights");
  check_equal(args.selected.extent(0), tokens, "index_top_k rows");
  check(args.ratio > 0, "index_top_k ratio is positive");
  check_rows(args.keys, args.runs, args.format.row_bytes());
}

void Backend::index_top_k(const IndexTopKArgs& args) {
  check_index_top_k(args);
  do_index_top_k(args);
}

void check_sparse_attention(const SparseAttentionArgs& args) {
  const auto [tokens, heads, head_dim] = args.q.shape();
  check_runs(args.runs, tokens);
  check_equal(head_dim, args.format.head_dim, "sparse_attention head_dim");
  check_shape(args.fresh.shape(), {tokens, args.format.row_bytes()}, "sparse_attention fresh rows");
  check_equal(args.sink.size(), heads, "sparse_attention sink");
  check_shape(args.out.shape(), args.q.shape(), "sparse_attention output");
  check(args.window > 0, "sparse_attention window is positive");
  check_rows(args.windows, args.runs, args.format.row_bytes());
  for (const Ring& ring : args.windows) check(ring.capacity >= args.window, "a window ring holds the window");
  if (args.choice != EntryChoice::none) {
    check(args.ratio > 0, "sparse_attention ratio is positive");
    check_rows(args.entries, args.runs, args.format.row_bytes());
  }
  if (args.choice == EntryChoice::selected) check_equal(args.selected.extent(0), tokens, "sparse_attention selected");
}

void Backend::sparse_attention(const SparseAttentionArgs& args) {
  check_sparse_attention(args);
  do_sparse_attention(args);
}

void Backend::hyper_connection_gates(const HyperConnectionGatesArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  check_shape(args.mix.shape(), {tokens, (2 + streams) * streams}, "hyper_connection_gates mix");
  check_equal(args.scale.size(), 3, "hyper_connection_gates scale");
  check_equal(args.base.size(), (2 + streams) * streams, "hyper_connection_gates base");
  check_shape(args.pre.shape(), {tokens, streams}, "hyper_connection_gates pre");
  check_shape(args.post.shape(), {tokens, streams}, "hyper_connection_gates post");
  check_shape(args.comb.shape(), {tokens, streams, streams}, "hyper_connection_gates comb");
  do_hyper_connection_gates(args);
}

void Backend::hyper_connection_head(const HyperConnectionHeadArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  check_shape(args.mix.shape(), {tokens, streams}, "hyper_connection_head mix");
  check_equal(args.scale.size(), 1, "hyper_connection_head scale");
  check_equal(args.base.size(), streams, "hyper_connection_head base");
  check_shape(args.pre.shape(), {tokens, streams}, "hyper_connection_head pre");
  do_hyper_connection_head(args);
}

void Backend::collapse_streams(const CollapseStreamsArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  check_shape(args.pre.shape(), {tokens, streams}, "collapse_streams pre");
  check_shape(args.out.shape(), {tokens, channels}, "collapse_streams output");
  do_collapse_streams(args);
}

void check_expand_streams(const ExpandStreamsArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  check_shape(args.y.shape(), {tokens, channels}, "expand_streams y");
  check_shape(args.post.shape(), {tokens, streams}, "expand_streams post");
  check_shape(args.comb.shape(), {tokens, streams, streams}, "expand_streams comb");
}

void Backend::expand_streams(const ExpandStreamsArgs& args) {
  check_expand_streams(args);
  do_expand_streams(args);
}

void check_route(const RouteArgs& args) {
  const auto [tokens, experts] = args.logits.shape();
  const std::int64_t selected = args.selected.extent(1);
  check_shape(args.selected.shape(), {tokens, selected}, "route selected");
  check_shape(args.weights.shape(), {tokens, selected}, "route weights");
  check(selected > 0 && selected <= experts, "route chooses among the experts");
  if (args.hash.empty()) {
    check_equal(args.bias.size(), experts, "route bias");
  } else {
    check_equal(args.hash.extent(1), selected, "route hash columns");
    check_equal(std::ssize(args.ids), tokens, "route ids");
  }
}

void Backend::route(const RouteArgs& args) {
  check_route(args);
  do_route(args);
}

void Backend::swiglu(const SwigluArgs& args) {
  check_shape(args.up.shape(), args.gate.shape(), "swiglu up");
  check_shape(args.out.shape(), args.gate.shape(), "swiglu output");
  if (!args.weight.empty()) check_equal(args.weight.size(), args.gate.extent(0), "swiglu weight");
  do_swiglu(args);
}

void check_experts(const ExpertsArgs& args) {
  const auto [tokens, channels] = args.x.shape();
  check_shape(args.weights.shape(), args.selected.shape(), "experts weights");
  check_equal(args.selected.extent(0), tokens, "experts selected");
  check_shape(args.out.shape(), {tokens, channels}, "experts output");
  if (tokens > 0) check_expert_weights(args);
}

void Backend::experts(const ExpertsArgs& args) {
  check_experts(args);
  do_experts(args);
}

void Backend::add(const AddArgs& args) {
  check_shape(args.x.shape(), args.out.shape(), "add");
  do_add(args);
}

}  // namespace fathom
