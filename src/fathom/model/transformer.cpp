#include "fathom/model/transformer.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>

#include "fathom/model/block.h"
#include "fathom/spec/rotary.h"
#include "fathom/spec/step_size.h"

namespace fathom {

// The batch laid end to end.
struct Transformer::Plan {
  std::vector<Run> runs;
  std::vector<SequenceCache*> caches;
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> positions;
};

namespace {

std::vector<std::int64_t> distinct_ratios(const ModelConfig& config) {
  std::set<std::int64_t> ratios(config.compress_ratios.begin(), config.compress_ratios.end());
  ratios.erase(0);
  return {ratios.begin(), ratios.end()};
}

ExpertUse counted_by(const Backend& backend, const ModelConfig& config) {
  return backend.memory_is_hosts() ? ExpertUse(config.layers + config.mtp_layers, config.experts) : ExpertUse();
}

ExpectedMemory memory_beside_weights(const ModelConfig& config, const CacheLayout& layout,
                                     const TransformerOptions& options) {
  return {.step = step_bytes(config, options.step_tokens),
          .step_tokens = options.step_tokens,
          .caches = options.cache_bytes,
          .usual_caches = options.usual_sequences * layout.cost().bytes(config.max_positions)};
}

}  // namespace

Transformer::Transformer(std::shared_ptr<const WeightSource> source, Backend& backend,
                         const TransformerOptions& options)
    : source_(std::move(source)),
      config_(source_->config()),
      ratios_(distinct_ratios(config_)),
      backend_(backend),
      layout_(
          std::make_shared<const CacheLayout>(make_cache_layout(config_, options.storage, options.rollback_tokens))),
      weights_(std::make_shared<const ModelWeights>(
          load_weights(*source_, backend, memory_beside_weights(config_, *layout_, options)))),
      plain_frequencies_(backend, rotary_frequencies(config_.rope_dim, config_.rope_theta)),
      compressed_frequencies_(backend, yarn_frequencies(config_.rope_dim, config_.compress_rope_theta, config_.yarn)),
      expert_use_(counted_by(backend, config_)),
      arena_(backend.allocator()),
      streams_arena_(backend.allocator()),
      gathered_arena_(backend.allocator()) {}

Transformer::Transformer(const Transformer& other, Backend& backend)
    : source_(other.source_),
      config_(source_->config()),
      ratios_(other.ratios_),
      backend_(backend),
      layout_(other.layout_),
      weights_(other.weights_),
      plain_frequencies_(backend, rotary_frequencies(config_.rope_dim, config_.rope_theta)),
      compressed_frequencies_(backend, yarn_frequencies(config_.rope_dim, config_.compress_rope_theta, config_.yarn)),
      expert_use_(counted_by(backend, config_)),
      arena_(backend.allocator()),
      streams_arena_(backend.allocator()),
      gathered_arena_(backend.allocator()) {}

// Steps of few tokens that launch alike: the runs' lengths, the logits wanted, and how many entries are completed.
std::uint64_t Transformer::pattern(const Plan& plan, std::span<const BatchRun> batch, bool mtp) const {
  constexpr std::int64_t kMostTokens = 64;  // more do not wait for launches
  if (std::ssize(plan.ids) > kMostTokens) return 0;
  std::vector<std::int64_t> facts = {reinterpret_cast<std::intptr_t>(this), mtp ? 1 : 0};
  for (const BatchRun& run : batch) {
    facts.push_back(std::ssize(run.ids));
    facts.push_back(run.logits_from);
  }
  for (const std::int64_t ratio : ratios_) {
    if (mtp && ratio != config_.ratio(config_.layers)) continue;
    std::int64_t entries = 0;
    for (const Run& run : plan.runs) entries += run.new_entries(ratio);
    facts.push_back(entries);
  }
  const auto bytes = std::as_bytes(std::span(facts));
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) | 1;
}

Transformer::Plan Transformer::make_plan(std::span<const BatchRun> batch, bool mtp) const {
  Plan plan;
  for (const BatchRun& run : batch) {
    const auto tokens = std::ssize(run.ids);
    const std::int64_t start = mtp ? run.cache->mtp_tokens() : run.cache->tokens();
    check(tokens > 0, "a batch run has tokens");
    check(run.logits_from >= 0 && run.logits_from <= tokens, "logits_from lies in its run");
    check(std::find(plan.caches.begin(), plan.caches.end(), run.cache) == plan.caches.end(),
          "a sequence appears once in a batch");
    if (start + tokens > config_.max_positions)
      throw InputError("[model] {} tokens, the model's positions end at {}", start + tokens, config_.max_positions);
    if (!mtp || config_.ratio(config_.layers) > 0) run.cache->reserve(start + tokens);
    plan.runs.push_back({.first_row = std::ssize(plan.ids), .tokens = tokens, .start = start});
    plan.caches.push_back(run.cache);
    plan.ids.insert(plan.ids.end(), run.ids.begin(), run.ids.end());
    for (std::int64_t token = 0; token < tokens; ++token) plan.positions.push_back(start + token);
  }
  return plan;
}

RotaryAngles Transformer::angles(std::span<const std::int64_t> positions, const Floats& frequencies) {
  const std::int64_t rows = std::ssize(positions);
  const auto cosine = arena_.take<float, 2>({rows, frequencies.size()});
  const auto sine = arena_.take<float, 2>({rows, frequencies.size()});
  backend_.rotary_table({.positions = positions, .frequencies = frequencies.view(), .cosine = cosine, .sine = sine});
  return {cosine, sine};
}

Step Transformer::begin_step(const Plan& plan, ForwardObserver* observer) {
  Step step{.backend = backend_,
            .arena = arena_,
            .runs = plan.runs,
            .caches = plan.caches,
            .ids = plan.ids,
            .plain = angles(plan.positions, plain_frequencies_),
            .compressed = angles(plan.positions, compressed_frequencies_),
            .entry_angles = {},
            .observer = observer,
            .expert_use = expert_use_.blocks() > 0 ? &expert_use_ : nullptr};
  for (const std::int64_t ratio : ratios_) {
    std::vector<std::int64_t> positions;  // of each completed block's first token
    for (const Run& run : plan.runs)
      for (std::int64_t entry = 0; entry < run.new_entries(ratio); ++entry)
        positions.push_back((run.first_entry(ratio) + entry) * ratio);
    step.entry_angles.push_back(
        {.ratio = ratio, .entries = std::ssize(positions), .angles = angles(positions, compressed_frequencies_)});
  }
  return step;
}

Logits Transformer::logits(const Step& step, const Wanted& of) {
  const auto& [batch, head, streams, product] = of;
  std::int64_t wanted = 0;
  for (const BatchRun& run : batch) wanted += std::ssize(run.ids) - run.logits_from;
  const auto result = arena_.take<float, 2>({wanted, config_.vocab});
  const auto rows = arena_.take<float, 3>({wanted, config_.streams, config_.channels});
  std::int64_t row = 0;
  for (std::size_t run = 0; run < batch.size(); ++run) {
    const std::int64_t count = std::ssize(batch[run].ids) - batch[run].logits_from;
    const auto source = streams.rows(step.runs[run].first_row + batch[run].logits_from, count);
    backend_.copy(std::as_bytes(source.span()), reinterpret_cast<std::byte*>(rows.rows(row, count).data()));
    row += count;
  }

  const auto mix = arena_.take<float, 2>({wanted, config_.streams});
  const auto pre = arena_.take<float, 2>({wanted, config_.streams});
  const auto x = arena_.take<float, 2>({wanted, config_.channels});
  backend_.linear(
      {.weight = *head.hc_head.fn, .x = rows.reshape<2>({wanted, config_.streams * config_.channels}), .out = mix});
  backend_.hyper_connection_head({.streams = rows,
                                  .mix = mix,
                                  .scale = head.hc_head.scale.view(),
                                  .base = head.hc_head.base.view(),
                                  .eps = config_.hc_eps,
                                  .norm_eps = config_.norm_eps,
                                  .pre = pre});
  backend_.collapse_streams({.streams = rows, .pre = pre, .out = x});
  backend_.rms_norm({.x = x, .weight = head.norm.view(), .eps = config_.norm_eps, .out = x});
  if (product == HeadProduct::may_be_left && shortlist_bytes(wanted) > 0)
    return {.rows = result, .left = LeftProduct{.head = *weights_->head, .x = x, .out = result}};
  backend_.linear({.weight = *weights_->head, .x = x, .out = result});
  return {.rows = result, .left = std::nullopt};
}

View<const float, 2> Transformer::forward(std::span<const BatchRun> batch, ForwardObserver* observer) {
  return forward(batch, observer, HeadProduct::computed).rows;
}

Logits Transformer::forward_to_sample(std::span<const BatchRun> batch) {
  return forward(batch, nullptr, HeadProduct::may_be_left);
}

View<const float, 2> Transformer::draft(std::span<const BatchRun> batch, View<const float, 3> trunk_streams) {
  return draft(batch, trunk_streams, HeadProduct::computed).rows;
}

Logits Transformer::draft_to_sample(std::span<const BatchRun> batch, View<const float, 3> trunk_streams) {
  return draft(batch, trunk_streams, HeadProduct::may_be_left);
}

Logits Transformer::forward(std::span<const BatchRun> batch, ForwardObserver* observer, HeadProduct product) {
  const Plan plan = make_plan(batch, false);
  arena_.clear();
  streams_arena_.clear();
  backend_.begin_step(observer == nullptr ? pattern(plan, batch, false) : 0);
  const Step step = begin_step(plan, observer);
  const auto streams = streams_arena_.take<float, 3>({step.tokens(), config_.streams, config_.channels});
  backend_.embed({.table = *weights_->embed, .ids = step.ids, .streams = streams});
  run_blocks(step, streams);
  const Logits result = logits(step, {.batch = batch, .head = weights_->final, .streams = streams, .product = product});
  backend_.end_step();
  for (const BatchRun& run : batch) run.cache->set_tokens(run.cache->tokens() + std::ssize(run.ids));
  final_streams_ = streams;
  return result;
}

void Transformer::run_blocks(const Step& step, View<float, 3> streams) const {
  std::vector<Block> blocks;
  for (std::int64_t layer = 0; layer < config_.layers; ++layer)
    blocks.emplace_back(config_, *layout_, layer, weights_->layers[static_cast<std::size_t>(layer)]);
  const Arena::Scope scope(step.arena);
  const Residual residual = take_residual(step, streams);
  blocks.front().begin(step, residual);
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
    const Block* block = &blocks[static_cast<std::size_t>(layer)];
    block->forward(step, residual, layer + 1 < config_.layers ? block + 1 : nullptr);
    if (step.observer != nullptr) step.observer->on_streams(layer, streams);
  }
}

Logits Transformer::draft(std::span<const BatchRun> batch, View<const float, 3> trunk_streams, HeadProduct product) {
  check(!weights_->mtp.empty(), "the checkpoint has an MTP block");
  const MtpWeights& mtp = weights_->mtp.front();
  const Plan plan = make_plan(batch, true);
  arena_.clear();
  backend_.begin_step(pattern(plan, batch, true));
  const Step step = begin_step(plan, nullptr);
  const std::int64_t tokens = step.tokens();
  check_equal(trunk_streams.extent(0), tokens, "trunk streams of a draft");
  const std::int64_t rows = tokens * config_.streams;

  // streams = h_proj(hnorm(trunk streams)) + e_proj(enorm(embedding)), the embedding repeated over the streams
  const auto streams = arena_.take<float, 3>({tokens, config_.streams, config_.channels});
  const auto stream_rows = streams.reshape<2>({rows, config_.channels});
  const auto x = arena_.take<float, 3>({tokens, config_.streams, config_.channels});
  const auto x_rows = x.reshape<2>({rows, config_.channels});
  const auto embedded = arena_.take<float, 2>({rows, config_.channels});
  backend_.rms_norm({.x = trunk_streams.reshape<2>({rows, config_.channels}),
                     .weight = mtp.hnorm.view(),
                     .eps = config_.norm_eps,
                     .out = x_rows});
  backend_.linear({.weight = *mtp.h_proj, .x = x_rows, .out = stream_rows});
  backend_.embed({.table = *weights_->embed, .ids = step.ids, .streams = x});
  backend_.rms_norm({.x = x_rows, .weight = mtp.enorm.view(), .eps = config_.norm_eps, .out = x_rows});
  backend_.linear({.weight = *mtp.e_proj, .x = x_rows, .out = embedded});
  backend_.add({.x = embedded, .out = stream_rows});

  Block(config_, *layout_, config_.layers, mtp.block).forward(step, streams);
  const Logits result = logits(step, {.batch = batch, .head = mtp.head, .streams = streams, .product = product});
  backend_.end_step();
  for (const BatchRun& run : batch) run.cache->set_mtp_tokens(run.cache->mtp_tokens() + std::ssize(run.ids));
  draft_streams_ = streams;
  return result;
}

View<const float, 3> Transformer::gather_streams(std::span<const View<const float, 3>> parts) {
  std::int64_t rows = 0;
  for (const auto& part : parts) rows += part.extent(0);
  gathered_arena_.clear();
  const auto gathered = gathered_arena_.take<float, 3>({rows, config_.streams, config_.channels});
  std::int64_t row = 0;
  for (const auto& part : parts) {
    backend_.copy(std::as_bytes(part.span()), reinterpret_cast<std::byte*>(gathered.rows(row, part.extent(0)).data()));
    row += part.extent(0);
  }
  return gathered;
}

}  // namespace fathom
