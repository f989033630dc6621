// What the fused operations mean, and their doors.
#include "fathom/ops/backend.h"
#include "fathom/ops/hyper_connection_gates.h"

namespace fathom {
namespace {

View<const std::byte, 2> as_byte_rows(View<const float, 2> rows) {
  return {reinterpret_cast<const std::byte*>(rows.data()),
          {rows.extent(0), rows.extent(1) * static_cast<std::int64_t>(sizeof(float))}};
}

void check_output(const LinearsArgs& args, const LinearOutput& output) {
  check_equal(args.x.extent(1), output.weight.in, "linears input columns");
  check_equal(output.out.extent(0), args.x.extent(0), "linears output rows");
  check_equal(output.out.extent(1), output.weight.out, "linears output columns");
}

void check_angles(View<const float, 2> cosine, View<const float, 2> sine, std::int64_t rows, std::int64_t dim) {
  check_equal(cosine.extent(0), rows, "rows of angles");
  check_equal(sine.extent(0), rows, "rows of angles");
  check_equal(sine.extent(1), cosine.extent(1), "columns of angles");
  check(2 * cosine.extent(1) <= dim, "rope_dim fits the columns that turn");
}

void check_norm_rotate(const NormRotateArgs& args) {
  const auto [rows, heads, head_dim] = args.x.shape();
  check_angles(args.cosine, args.sine, rows, head_dim);
  if (!args.weight.empty()) check_equal(args.weight.size(), head_dim, "norm_rotate weight");
}

void check_new_keys(const NewKeysArgs& args) {
  const auto [tokens, head_dim] = args.x.shape();
  check_angles(args.cosine, args.sine, tokens, head_dim);
  check_equal(args.weight.size(), head_dim, "new_keys weight");
  check_equal(args.format.head_dim, head_dim, "new_keys columns");
  check_equal(args.rows.extent(0), tokens, "new_keys rows");
  check_equal(args.rows.extent(1), args.format.row_bytes(), "new_keys row bytes");
}

void check_hyper_connection(const HyperConnectionArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  check_equal(args.fn.in, streams * channels, "hyper_connection fn columns");
  check_equal(args.fn.out, (2 + streams) * streams, "hyper_connection fn rows");
  check_equal(args.scale.size(), 3, "hyper_connection scale");
  check_equal(args.base.size(), args.fn.out, "hyper_connection base");
  check_equal(args.norm.size(), channels, "hyper_connection norm");
  check_equal(args.pre.size(), tokens * streams, "hyper_connection pre");
  check_equal(args.post.size(), tokens * streams, "hyper_connection post");
  check_equal(args.comb.size(), tokens * streams * streams, "hyper_connection comb");
  check_equal(args.out.extent(0), tokens, "hyper_connection output rows");
  check_equal(args.out.extent(1), channels, "hyper_connection output columns");
}

void check_between_sublayers(const BetweenSublayersArgs& args) {
  check_expand_streams(args.into);
  if (args.next == nullptr) return;
  check_hyper_connection(*args.next);
  check(args.next->streams.data() == args.into.streams.data(), "between_sublayers has the streams of both");
  check_equal(args.next->streams.extent(0), args.into.streams.extent(0), "between_sublayers rows");
}

// The shared expert is clamped too, and carries no weight.
SharedExpertArgs shared_expert_of(const FeedForwardArgs& args) {
  const ExpertsArgs& experts = args.experts;
  return {.x = experts.x, .weights = args.shared, .limit = experts.limit, .arena = experts.arena, .out = experts.out};
}

void check_shared_expert(const SharedExpertArgs& args) {
  check_equal(args.weights.w1->in, args.x.extent(1), "shared_expert w1 columns");
  check_equal(args.weights.w3->out, args.weights.w1->out, "shared_expert w3 rows");
  check_equal(args.weights.w2->in, args.weights.w1->out, "shared_expert w2 columns");
  check_equal(args.weights.w2->out, args.out.extent(1), "shared_expert w2 rows");
  check_equal(args.out.extent(0), args.x.extent(0), "shared_expert output rows");
}

void check_feed_forward(const FeedForwardArgs& args) {
  check_experts(args.experts);
  if (args.shared.w1 != nullptr) check_shared_expert(shared_expert_of(args));
  check_between_sublayers({.into = args.into, .next = args.next});
  check(args.into.y.data() == args.experts.out.data(), "feed_forward expands what experts leave");
}

void check_complete_entries(const CompleteEntriesArgs& args) {
  check_gated_pool(args.pool);
  const auto [entries, dim] = args.pool.out.shape();
  const bool as_entries = args.as == CompletedAs::entries;
  check_angles(args.cosine, args.sine, entries, dim);
  check_equal(args.weight.size(), dim, "complete_entries weight");
  check_equal(as_entries ? args.entry.head_dim : args.key.index_dim, dim, "complete_entries columns");
  check_equal(std::ssize(args.pages), std::ssize(args.pool.runs), "complete_entries pages");
}

void check_attend(const AttendArgs& args) {
  check_norm_rotate(args.rows.queries);
  check_new_keys(args.rows.keys);
  check_sparse_attention(args.attention);
  const auto [tokens, heads, head_dim] = args.attention.q.shape();
  const std::int64_t groups = args.latent.extent(1);
  check(args.attention.q.data() == args.rows.queries.x.data(), "attend's attention is of its queries");
  check(args.attention.fresh.data() == args.rows.keys.rows.data(), "attend's attention sees its keys");
  check(groups > 0 && heads % groups == 0, "attend's heads divide into groups");
  check_equal(args.wo_a.in, heads / groups * head_dim, "attend wo_a columns");
  check_equal(args.latent.extent(0), tokens, "attend latent rows");
  check_equal(groups * args.latent.extent(2), args.wo_a.out, "attend latent columns");
  check_equal(args.wo_b.in, args.wo_a.out, "attend wo_b columns");
  check_equal(args.out.extent(0), tokens, "attend output rows");
  check_equal(args.out.extent(1), args.wo_b.out, "attend output columns");
}

// What begins it, beside.
void check_begin_attend(const AttendArgs& args) {
  check_attend(args);
  const std::int64_t tokens = args.attention.q.extent(0);
  check_equal(args.rows.keys.x.extent(0), tokens, "attend keys");
  for (const LinearOutput& output : args.products.outputs) check_output(args.products, output);
  if (args.norm.has_value()) {
    check(args.norm->x.data() == args.products.x.data() && args.norm->out.data() == args.products.x.data(),
          "attend norms the products' x in place");
    check_rms_norm(*args.norm);
    check_equal(args.norm->x.extent(0), args.products.x.extent(0), "attend norm rows");
    check_equal(args.norm->x.extent(1), args.products.x.extent(1), "attend norm columns");
  }
  for (const CompleteEntriesArgs& completed : args.completed) {
    check_complete_entries(completed);
    check_equal(completed.pool.kv.extent(0), tokens, "attend's completed tokens");
    check_equal(std::ssize(completed.pool.runs), std::ssize(args.attention.runs), "attend's completed runs");
  }
}

void check_index_queries(const IndexQueriesArgs& args) {
  const auto [tokens, heads, index_dim] = args.x.shape();
  check_angles(args.cosine, args.sine, tokens, index_dim);
  check_equal(args.format.index_dim, index_dim, "index_queries columns");
}

}  // namespace

FeedForwardArgs feed_forward_of(const MixtureArgs& args) {
  return {.experts = {.x = args.x,
                      .selected = args.route.selected,
                      .weights = args.route.weights,
                      .experts = args.experts,
                      .limit = args.limit,
                      .arena = args.arena,
                      .out = args.out},
          .shared = args.shared,
          .into = args.into,
          .next = args.next};
}

void Backend::linears(const LinearsArgs& args) {
  for (const LinearOutput& output : args.outputs) check_output(args, output);
  if (args.x.extent(0) > 0) do_linears(args);
}

void Backend::do_linears(const LinearsArgs& args) {
  for (const LinearOutput& output : args.outputs) linear({.weight = output.weight, .x = args.x, .out = output.out});
}

void Backend::hyper_connection(const HyperConnectionArgs& args) {
  check_hyper_connection(args);
  if (args.streams.extent(0) > 0) do_hyper_connection(args);
}

void Backend::do_hyper_connection(const HyperConnectionArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  const Arena::Scope scope(args.arena);
  const auto mix = args.arena.take<float, 2>({tokens, args.fn.out});
  linear({.weight = args.fn, .x = args.streams.reshape<2>({tokens, streams * channels}), .out = mix});
  hyper_connection_gates(gates_of(args, mix));
  collapse_streams({.streams = args.streams, .pre = args.pre, .out = args.out});
  rms_norm({.x = args.out, .weight = args.norm, .eps = args.norm_eps, .out = args.out});
}

void Backend::between_sublayers(const BetweenSublayersArgs& args) {
  check_between_sublayers(args);
  if (args.into.streams.extent(0) > 0) do_between_sublayers(args);
}

void Backend::do_between_sublayers(const BetweenSublayersArgs& args) {
  expand_streams(args.into);
  if (args.next != nullptr) hyper_connection(*args.next);
}

void Backend::norm_rotate(const NormRotateArgs& args) {
  check_norm_rotate(args);
  do_norm_rotate(args);
}

void Backend::do_norm_rotate(const NormRotateArgs& args) {
  const auto [rows, heads, head_dim] = args.x.shape();
  const auto flat = args.x.reshape<2>({rows * heads, head_dim});
  rms_norm({.x = flat, .weight = args.weight, .eps = args.eps, .out = flat});
  rotate({.x = args.x, .cosine = args.cosine, .sine = args.sine});
}

void Backend::new_keys(const NewKeysArgs& args) {
  check_new_keys(args);
  if (args.x.extent(0) > 0) do_new_keys(args);
}

void Backend::do_new_keys(const NewKeysArgs& args) {
  const auto [tokens, head_dim] = args.x.shape();
  norm_rotate({.x = args.x.reshape<3>({tokens, 1, head_dim}),
               .weight = args.weight,
               .eps = args.eps,
               .cosine = args.cosine,
               .sine = args.sine});
  encode_entries({.format = args.format, .x = args.x, .rows = args.rows});
}

void Backend::queries_and_keys(const QueriesAndKeysArgs& args) {
  check_norm_rotate(args.queries);
  check_new_keys(args.keys);
  check_equal(args.queries.x.extent(0), args.keys.x.extent(0), "queries_and_keys rows");
  if (args.keys.x.extent(0) > 0) do_queries_and_keys(args);
}

void Backend::do_queries_and_keys(const QueriesAndKeysArgs& args) {
  norm_rotate(args.queries);
  new_keys(args.keys);
}

void Backend::complete_entries(const CompleteEntriesArgs& args) {
  check_complete_entries(args);
  do_complete_entries(args);
}

void Backend::do_complete_entries(const CompleteEntriesArgs& args) {
  const GatedPoolArgs& pool = args.pool;
  const auto [entries, dim] = pool.out.shape();
  gated_pool(pool);
  commit_tails(
      {.kv = pool.kv, .gate = pool.gate, .runs = pool.runs, .kv_rings = pool.kv_rings, .gate_rings = pool.gate_rings});
  norm_rotate({.x = pool.out.reshape<3>({entries, 1, dim}),
               .weight = args.weight,
               .eps = args.eps,
               .cosine = args.cosine,
               .sine = args.sine});
  if (args.as == CompletedAs::entries) {
    store_entries({.format = args.entry, .x = pool.out, .ratio = pool.ratio, .runs = pool.runs, .entries = args.pages});
    return;
  }
  hadamard({.x = pool.out});
  store_index_keys({.format = args.key, .x = pool.out, .ratio = pool.ratio, .runs = pool.runs, .keys = args.pages});
}

void Backend::begin_attend(const AttendArgs& args) {
  check_begin_attend(args);
  if (!args.attention.q.empty()) do_begin_attend(args);
}

void Backend::do_begin_attend(const AttendArgs& args) {
  if (args.norm.has_value()) rms_norm(*args.norm);
  linears(args.products);
  queries_and_keys(args.rows);
  for (const CompleteEntriesArgs& completed : args.completed) complete_entries(completed);
}

void Backend::attend(const AttendArgs& args) {
  check_attend(args);
  if (!args.attention.q.empty()) do_attend(args);
}

void Backend::do_attend(const AttendArgs& args) {
  const SparseAttentionArgs& attention = args.attention;
  const auto [tokens, heads, head_dim] = attention.out.shape();
  const std::int64_t groups = args.latent.extent(1);
  sparse_attention(attention);
  // Only now may the newest rows replace those that early queries of the run still had to see.
  commit_rows({.rows = attention.fresh, .runs = attention.runs, .rings = attention.windows});
  rotate({.x = attention.out, .cosine = args.rows.queries.cosine, .sine = args.rows.queries.sine, .inverse = true});
  grouped_linear({.weight = args.wo_a,
                  .x = attention.out.reshape<3>({tokens, groups, heads / groups * head_dim}),
                  .out = args.latent,
                  .next = &args.wo_b});
  linear({.weight = args.wo_b, .x = args.latent.reshape<2>({tokens, args.wo_a.out}), .out = args.out});
}

void Backend::index_queries(const IndexQueriesArgs& args) {
  check_index_queries(args);
  if (args.x.extent(0) > 0) do_index_queries(args);
}

void Backend::select_entries(const SelectEntriesArgs& args) {
  check_index_queries(args.queries);
  check_index_top_k(args.choice);
  check(args.choice.q.data() == args.queries.x.data(), "select_entries chooses by its queries");
  if (args.queries.x.extent(0) > 0) do_select_entries(args);
}

void Backend::do_select_entries(const SelectEntriesArgs& args) {
  index_queries(args.queries);
  index_top_k(args.choice);
}

void Backend::do_index_queries(const IndexQueriesArgs& args) {
  const auto [tokens, heads, index_dim] = args.x.shape();
  const auto rows = args.x.reshape<2>({tokens * heads, index_dim});
  rotate({.x = args.x, .cosine = args.cosine, .sine = args.sine});
  hadamard({.x = rows});
  round_index({.x = rows, .format = args.format});
}

void Backend::commit_tails(const CommitTailsArgs& args) {
  check_equal(args.gate.extent(0), args.kv.extent(0), "commit_tails rows");
  check_equal(args.gate.extent(1), args.kv.extent(1), "commit_tails columns");
  check_equal(args.gate_rings.size(), args.kv_rings.size(), "commit_tails rings");
  do_commit_tails(args);
}

void Backend::do_commit_tails(const CommitTailsArgs& args) {
  commit_rows({.rows = as_byte_rows(args.kv), .runs = args.runs, .rings = args.kv_rings});
  commit_rows({.rows = as_byte_rows(args.gate), .runs = args.runs, .rings = args.gate_rings});
}

void Backend::shortlist_product(const ShortlistProductArgs& args) {
  const auto wanted = std::ssize(args.wanted);
  check_equal(args.x.extent(1), args.weight.in, "shortlist_product columns");
  check_equal(std::ssize(args.rows), wanted, "shortlist_product rows to be sampled");
  check_equal(std::ssize(args.out), wanted, "shortlist_product lists");
  check(args.ids >= 0 && args.ids <= args.weight.out, "shortlist_product ids are of the vocabulary");
  for (const std::int64_t row : args.wanted)
    check(row >= 0 && row < args.x.extent(0), "shortlist_product's wanted rows are of x");
  if (wanted > 0) do_shortlist_product(args);
}

void Backend::do_shortlist_product(const ShortlistProductArgs& /*args*/) {
  throw InternalError("[{}] logits are computed, not shortlisted from a product", name());
}

void Backend::shared_expert(const SharedExpertArgs& args) {
  check_shared_expert(args);
  if (args.x.extent(0) > 0) do_shared_expert(args);
}

void Backend::feed_forward(const FeedForwardArgs& args) {
  check_feed_forward(args);
  if (args.experts.x.extent(0) > 0) do_feed_forward(args);
}

void Backend::do_feed_forward(const FeedForwardArgs& args) {
  experts(args.experts);
  if (args.shared.w1 != nullptr) shared_expert(shared_expert_of(args));
  between_sublayers({.into = args.into, .next = args.next});
}

void Backend::do_shared_expert(const SharedExpertArgs& args) {
  const Arena::Scope scope(args.arena);
  const std::int64_t tokens = args.x.extent(0);
  const std::int64_t expert_dim = args.weights.w1->out;
  const auto gate = args.arena.take<float, 2>({tokens, expert_dim});
  const auto up = args.arena.take<float, 2>({tokens, expert_dim});
  const auto down = args.arena.take<float, 2>({tokens, args.out.extent(1)});
  const LinearOutput outputs[] = {{.weight = *args.weights.w1, .out = gate}, {.weight = *args.weights.w3, .out = up}};
  linears({.x = args.x, .outputs = outputs});
  swiglu({.gate = gate, .up = up, .limit = args.limit, .weight = {}, .out = gate});
  linear({.weight = *args.weights.w2, .x = gate, .out = down});
  add({.x = down, .out = args.out});
}

void Backend::mixture(const MixtureArgs& args) {
  check_equal(args.gate.in, args.x.extent(1), "mixture gate columns");
  check_equal(args.logits.extent(0), args.x.extent(0), "mixture rows of logits");
  check_equal(args.logits.extent(1), args.gate.out, "mixture columns of logits");
  check(args.route.logits.data() == args.logits.data(), "mixture's route is by its logits");
  check_route(args.route);
  check_feed_forward(feed_forward_of(args));
  if (args.x.extent(0) > 0) do_mixture(args);
}

void Backend::do_mixture(const MixtureArgs& args) {
  linear({.weight = args.gate, .x = args.x, .out = args.logits});
  route(args.route);
  feed_forward(feed_forward_of(args));
}

}  // namespace fathom
