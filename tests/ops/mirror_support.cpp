#include "tests/ops/mirror_support.h"

#include <vector>

#include "fathom/tensor/arena.h"
#include "tests/ops/mirrored_arrays.h"

namespace fathom::op_test {
namespace {

class MirroredBackend final : public Backend {
 public:
  explicit MirroredBackend(std::unique_ptr<Backend> inner) : inner_(std::move(inner)) {}
  std::string_view name() const override { return inner_->name(); }
  std::unique_ptr<PreparedWeight> prepare(const WeightView& weight) override { return inner_->prepare(weight); }
  std::unique_ptr<PreparedWeight> prepare_table(const WeightView& weight) override {
    return inner_->prepare_table(weight);
  }

 protected:
  // call(copies), then what it wrote comes back.
  template <typename Call>
  void mirrored(const Call& call) {
    Copies copies(*inner_);
    call(copies);
    copies.back();
  }

  void do_embed(const EmbedArgs& args) override {
    mirrored(
        [&](Copies& on) { inner_->embed({.table = args.table, .ids = args.ids, .streams = on.of(args.streams)}); });
  }
  void do_linear(const LinearArgs& args) override {
    mirrored([&](Copies& on) { inner_->linear({.weight = args.weight, .x = on.of(args.x), .out = on.of(args.out)}); });
  }
  void do_grouped_linear(const GroupedLinearArgs& args) override {
    mirrored([&](Copies& on) {
      inner_->grouped_linear({.weight = args.weight, .x = on.of(args.x), .out = on.of(args.out)});
    });
  }
  void do_rms_norm(const RmsNormArgs& args) override {
    mirrored([&](Copies& on) {
      inner_->rms_norm({.x = on.of(args.x), .weight = on.of(args.weight), .eps = args.eps, .out = on.of(args.out)});
    });
  }
  void do_rotary_table(const RotaryTableArgs& args) override {
    mirrored([&](Copies& on) {
      inner_->rotary_table({.positions = args.positions,
                            .frequencies = on.of(args.frequencies),
                            .cosine = on.of(args.cosine),
                            .sine = on.of(args.sine)});
    });
  }
  void do_rotate(const RotateArgs& args) override {
    mirrored([&](Copies& on) {
      inner_->rotate(
          {.x = on.of(args.x), .cosine = on.of(args.cosine), .sine = on.of(args.sine), .inverse = args.inverse});
    });
  }
  void do_hadamard(const HadamardArgs& args) override {
    mirrored([&](Copies& on) { inner_->hadamard({.x = on.of(args.x)}); });
  }
  void do_round_index(const RoundIndexArgs& args) override {
    mirrored([&](Copies& on) { inner_->round_index({.x = on.of(args.x), .format = args.format}); });
  }
  void do_encode_entries(const EncodeEntriesArgs& args) override {
    mirrored([&](Copies& on) {
      inner_->encode_entries({.format = args.format, .x = on.of(args.x), .rows = on.of(args.rows)});
    });
  }
  void do_store_entries(const StoreEntriesArgs& args) override {
    mirrored([&](Copies& on) {
      const auto entries = on.paged(args.entries, args.runs, args.ratio, true);
      inner_->store_entries(
          {.format = args.format, .x = on.of(args.x), .ratio = args.ratio, .runs = args.runs, .entries = entries});
    });
  }
  void do_store_index_keys(const StoreIndexKeysArgs& args) override {
    mirrored([&](Copies& on) {
      const auto keys = on.paged(args.keys, args.runs, args.ratio, true);
      inner_->store_index_keys(
          {.format = args.format, .x = on.of(args.x), .ratio = args.ratio, .runs = args.runs, .keys = keys});
    });
  }
  void do_commit_rows(const CommitRowsArgs& args) override {
    mirrored([&](Copies& on) {
      const auto rings = on.rings(args.rings, true);
      inner_->commit_rows({.rows = on.of(args.rows), .runs = args.runs, .rings = rings});
    });
  }
  void do_gated_pool(const GatedPoolArgs& args) override {
    mirrored([&](Copies& on) {
      const auto kv_rings = on.rings(args.kv_rings, false);
      const auto gate_rings = on.rings(args.gate_rings, false);
      inner_->gated_pool({.kv = on.of(args.kv),
                          .gate = on.of(args.gate),
                          .ape = on.of(args.ape),
                          .ratio = args.ratio,
                          .overlap = args.overlap,
                          .runs = args.runs,
                          .kv_rings = kv_rings,
                          .gate_rings = gate_rings,
                          .out = on.of(args.out)});
    });
  }
  void do_index_top_k(const IndexTopKArgs& args) override {
    mirrored([&](Copies& on) {
      const auto keys = on.paged(args.keys, args.runs, args.ratio, false);
      inner_->index_top_k({.q = on.of(args.q),
                           .weights = on.of(args.weights),
                           .format = args.format,
                           .ratio = args.ratio,
                           .runs = args.runs,
                           .keys = keys,
                           .selected = on.of(args.selected)});
    });
  }
  static SparseAttentionArgs attention_of(Copies& on, const SparseAttentionArgs& args, std::span<const Ring> windows,
                                          std::span<const PagedRows> entries) {
    return {.q = on.of(args.q),
            .format = args.format,
            .window = args.window,
            .fresh = on.of(args.fresh),
            .choice = args.choice,
            .ratio = args.ratio,
            .selected = on.of(args.selected),
            .sink = on.of(args.sink),
            .scale = args.scale,
            .runs = args.runs,
            .windows = windows,
            .entries = entries,
            .out = on.of(args.out)};
  }
  void do_sparse_attention(const SparseAttentionArgs& args) override {
    mirrored([&](Copies& on) {
      const auto windows = on.rings(args.windows, false);
      std::vector<PagedRows> entries;
      if (args.choice != EntryChoice::none) entries = on.paged(args.entries, args.runs, args.ratio, false);
      inner_->sparse_attention(attention_of(on, args, windows, entries));
    });
  }
  void do_hyper_connection_gates(const HyperConnectionGatesArgs& args) override {
    mirrored([&](Copies& on) {
      inner_->hyper_connection_gates({.streams = on.of(args.streams),
                                      .mix = on.of(args.mix),
                                      .scale = on.of(args.scale),
                                      .base = on.of(args.base),
                                      .iterations = args.iterations,
                                      .eps = args.eps,
                                      .norm_eps = args.norm_eps,
                                      .pre = on.of(args.pre),
                                      .post = on.of(args.post),
                                      .comb = on.of(args.comb)});
    });
  }
  void do_hyper_connection_head(const HyperConnectionHeadArgs& args) override {
    mirrored([&](Copies& on) {
      inner_->hyper_connection_head({.streams = on.of(args.streams),
                                     .mix = on.of(args.mix),
                                     .scale = on.of(args.scale),
                                     .base = on.of(args.base),
                                     .eps = args.eps,
                                     .norm_eps = args.norm_eps,
                                     .pre = on.of(args.pre)});
    });
  }
  void do_collapse_streams(const CollapseStreamsArgs& args) override {
    mirrored([&](Copies& on) {
      inner_->collapse_streams({.streams = on.of(args.streams), .pre = on.of(args.pre), .out = on.of(args.out)});
    });
  }
  void do_expand_streams(const ExpandStreamsArgs& args) override {
    mirrored([&](Copies& on) { inner_->expand_streams(on.of(args)); });
  }
  void do_route(const RouteArgs& args) override {
    mirrored([&](Copies& on) { inner_->route(on.of(args)); });
  }
  void do_swiglu(const SwigluArgs& args) override {
    mirrored([&](Copies& on) {
      inner_->swiglu({.gate = on.of(args.gate),
                      .up = on.of(args.up),
                      .limit = args.limit,
                      .weight = on.of(args.weight),
                      .out = on.of(args.out)});
    });
  }
  void do_add(const AddArgs& args) override {
    mirrored([&](Copies& on) { inner_->add({.x = on.of(args.x), .out = on.of(args.out)}); });
  }
  void do_experts(const ExpertsArgs& args) override {
    mirrored([&](Copies& on) {
      Arena arena(inner_->allocator());
      inner_->experts({.x = on.of(args.x),
                       .selected = on.of(args.selected),
                       .weights = on.of(args.weights),
                       .experts = args.experts,
                       .limit = args.limit,
                       .arena = arena,
                       .out = on.of(args.out)});
    });
  }
  void do_feed_forward(const FeedForwardArgs& args) override {
    mirrored([&](Copies& on) {
      Arena arena(inner_->allocator());
      const auto out = on.of(args.experts.out);
      const auto next = on.of(args.next, arena);
      inner_->feed_forward({.experts = {.x = on.of(args.experts.x),
                                        .selected = on.of(args.experts.selected),
                                        .weights = on.of(args.experts.weights),
                                        .experts = args.experts.experts,
                                        .limit = args.experts.limit,
                                        .arena = arena,
                                        .out = out},
                            .shared = args.shared,
                            .into = on.of(args.into),
                            .next = next.has_value() ? &*next : nullptr});
    });
  }
  void do_linears(const LinearsArgs& args) override {
    mirrored([&](Copies& on) {
      std::vector<LinearOutput> outputs;
      for (const LinearOutput& output : args.outputs)
        outputs.push_back({.weight = output.weight, .out = on.of(output.out)});
      inner_->linears({.x = on.of(args.x), .outputs = outputs});
    });
  }
  void do_hyper_connection(const HyperConnectionArgs& args) override {
    mirrored([&](Copies& on) {
      Arena arena(inner_->allocator());
      inner_->hyper_connection(on.of(args, arena));
    });
  }
  void do_between_sublayers(const BetweenSublayersArgs& args) override {
    mirrored([&](Copies& on) {
      Arena arena(inner_->allocator());
      const auto next = on.of(args.next, arena);
      inner_->between_sublayers({.into = on.of(args.into), .next = next.has_value() ? &*next : nullptr});
    });
  }
  void do_norm_rotate(const NormRotateArgs& args) override {
    mirrored([&](Copies& on) { inner_->norm_rotate(on.of(args)); });
  }
  void do_new_keys(const NewKeysArgs& args) override {
    mirrored([&](Copies& on) { inner_->new_keys(on.of(args)); });
  }
  void do_queries_and_keys(const QueriesAndKeysArgs& args) override {
    mirrored([&](Copies& on) { inner_->queries_and_keys({.queries = on.of(args.queries), .keys = on.of(args.keys)}); });
  }
  void do_complete_entries(const CompleteEntriesArgs& args) override {
    mirrored([&](Copies& on) { inner_->complete_entries(Completed(on, args).args); });
  }
  void do_begin_attend(const AttendArgs& args) override {
    mirrored_attend(args, [this](const AttendArgs& there) { inner_->begin_attend(there); });
  }
  void do_attend(const AttendArgs& args) override {
    mirrored_attend(args, [this](const AttendArgs& there) { inner_->attend(there); });
  }
  template <typename Call>
  void mirrored_attend(const AttendArgs& args, const Call& call) {
    mirrored([&](Copies& on) {
      const SparseAttentionArgs& attention = args.attention;
      const auto windows = on.rings(attention.windows, true);
      std::vector<PagedRows> entries;
      if (attention.choice != EntryChoice::none)
        entries = on.paged(attention.entries, attention.runs, attention.ratio, false);
      std::deque<Completed> kept;
      std::vector<CompleteEntriesArgs> completed;
      for (const CompleteEntriesArgs& one : args.completed) completed.push_back(kept.emplace_back(on, one).args);
      std::vector<LinearOutput> products;
      for (const LinearOutput& output : args.products.outputs)
        products.push_back({.weight = output.weight, .out = on.of(output.out)});
      std::optional<RmsNormArgs> norm;
      if (args.norm.has_value())
        norm = {.x = on.of(args.norm->x),
                .weight = on.of(args.norm->weight),
                .eps = args.norm->eps,
                .out = on.of(args.norm->out)};
      call(AttendArgs{.products = {.x = on.of(args.products.x), .outputs = products},
                      .rows = {.queries = on.of(args.rows.queries), .keys = on.of(args.rows.keys)},
                      .norm = norm,
                      .completed = completed,
                      .attention = attention_of(on, attention, windows, entries),
                      .wo_a = args.wo_a,
                      .latent = on.of(args.latent),
                      .wo_b = args.wo_b,
                      .out = on.of(args.out)});
    });
  }
  void do_index_queries(const IndexQueriesArgs& args) override {
    mirrored([&](Copies& on) {
      inner_->index_queries(
          {.x = on.of(args.x), .cosine = on.of(args.cosine), .sine = on.of(args.sine), .format = args.format});
    });
  }
  void do_select_entries(const SelectEntriesArgs& args) override {
    mirrored([&](Copies& on) {
      const IndexTopKArgs& choice = args.choice;
      const auto keys = on.paged(choice.keys, choice.runs, choice.ratio, false);
      const auto q = on.of(args.queries.x);
      inner_->select_entries({.queries = {.x = q,
                                          .cosine = on.of(args.queries.cosine),
                                          .sine = on.of(args.queries.sine),
                                          .format = args.queries.format},
                              .choice = {.q = q,
                                         .weights = on.of(choice.weights),
                                         .format = choice.format,
                                         .ratio = choice.ratio,
                                         .runs = choice.runs,
                                         .keys = keys,
                                         .selected = on.of(choice.selected)}});
    });
  }
  void do_commit_tails(const CommitTailsArgs& args) override {
    mirrored([&](Copies& on) {
      const auto kv_rings = on.rings(args.kv_rings, true);
      const auto gate_rings = on.rings(args.gate_rings, true);
      inner_->commit_tails({.kv = on.of(args.kv),
                            .gate = on.of(args.gate),
                            .runs = args.runs,
                            .kv_rings = kv_rings,
                            .gate_rings = gate_rings});
    });
  }
  void do_shared_expert(const SharedExpertArgs& args) override {
    mirrored([&](Copies& on) {
      Arena arena(inner_->allocator());
      inner_->shared_expert(
          {.x = on.of(args.x), .weights = args.weights, .limit = args.limit, .arena = arena, .out = on.of(args.out)});
    });
  }
  void do_mixture(const MixtureArgs& args) override {
    mirrored([&](Copies& on) {
      Arena arena(inner_->allocator());
      const auto next = on.of(args.next, arena);
      inner_->mixture({.x = on.of(args.x),
                       .gate = args.gate,
                       .logits = on.of(args.logits),
                       .route = on.of(args.route),
                       .experts = args.experts,
                       .shared = args.shared,
                       .limit = args.limit,
                       .arena = arena,
                       .out = on.of(args.out),
                       .into = on.of(args.into),
                       .next = next.has_value() ? &*next : nullptr});
    });
  }

 private:
  std::unique_ptr<Backend> inner_;
};

}  // namespace

std::unique_ptr<Backend> make_mirrored(std::unique_ptr<Backend> inner) {
  return std::make_unique<MirroredBackend>(std::move(inner));
}

}  // namespace fathom::op_test
