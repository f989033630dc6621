#include "fathom/bench/model_bench.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>

#include "fathom/bench/choice_observer.h"
#include "fathom/checkpoint/random_values.h"

namespace fathom::bench {
namespace {

std::string words_for(const Case& what) {
  if (what.phase == Phase::prefill) return fmt::format("prefill of {}", what.tokens);
  return fmt::format("decode at {}, batch {}", what.depth, what.batch);
}

void scale(ByStage<Work>& work, double factor) {
  for (Work& one : work) one = {.bytes = one.bytes * factor, .flops = one.flops * factor};
}

}  // namespace

struct ModelBench::Sequences {
  std::vector<SequenceCache> caches;
  std::vector<RandomValues> ids;  // what each says next
  std::vector<std::vector<std::int32_t>> step_ids;
};

ModelBench::ModelBench(Transformer& plain, Transformer& timed, StageTimer& timer, const BenchOptions& options)
    : plain_(plain),
      timed_(timed),
      timer_(timer),
      options_(options),
      step_work_(plain.config(), plain.cache_layout().entry.storage),
      random_cache_(plain.config(), plain.cache_layout(), plain.backend(), options.seed) {}

// The caches as they were, the tokens from the first.
void ModelBench::start(const Case& what, Sequences& sequences) const {
  sequences.ids.clear();
  for (std::int64_t sequence = 0; sequence < what.batch; ++sequence) {
    sequences.ids.emplace_back(options_.seed, fmt::format("ids of {}", sequence));
    random_cache_.rewind(sequences.caches[static_cast<std::size_t>(sequence)], what.depth, sequence);
  }
}

void ModelBench::step(Transformer& transformer, Sequences& sequences, std::int64_t tokens, Ends ends,
                      ByStage<Work>* counted) const {
  const bool logits = ends != Ends::nothing;
  std::vector<BatchRun> batch;
  std::vector<CountedRun> runs;
  sequences.step_ids.resize(sequences.caches.size());
  for (std::size_t sequence = 0; sequence < sequences.caches.size(); ++sequence) {
    std::vector<std::int32_t>& ids = sequences.step_ids[sequence];
    ids.resize(static_cast<std::size_t>(tokens));
    for (std::int32_t& id : ids)
      id = static_cast<std::int32_t>(sequences.ids[sequence].below(transformer.config().vocab));
    SequenceCache& cache = sequences.caches[sequence];
    runs.push_back({.start = cache.tokens(), .tokens = tokens, .logits = logits ? 1 : 0});
    batch.push_back({.cache = &cache, .ids = ids, .logits_from = logits ? tokens - 1 : tokens});
  }
  if (counted == nullptr) {
    if (ends == Ends::token) return sample(transformer, batch);
    transformer.forward(batch);
    return;
  }
  ChoiceObserver observer(transformer.backend(), transformer.config().layers);
  transformer.forward(batch, &observer);
  ByStage<Work> work = step_work_.count(runs, observer.choices());
  const std::int64_t read = transformer.shortlist_bytes(std::ssize(batch));
  if (ends == Ends::token && read > 0) {  // whole numbers are multiplied, which no peak is known of
    Work& head = work[static_cast<std::size_t>(Stage::head)];
    head.bytes += static_cast<double>(read) - step_work_.head().bytes;
    head.flops -= step_work_.head().flops * static_cast<double>(batch.size());
  }
  for (std::size_t stage = 0; stage < kStages; ++stage) (*counted)[stage] += work[stage];
}

void ModelBench::sample(Transformer& transformer, std::span<const BatchRun> batch) const {
  const Logits logits = transformer.forward_to_sample(batch);
  if (!logits.left) return;
  const auto rows = static_cast<std::size_t>(logits.rows.extent(0));
  std::vector<std::int64_t> wanted(rows);
  std::iota(wanted.begin(), wanted.end(), std::int64_t{0});
  const std::vector<ShortlistRow> by(rows);  // greedy
  std::vector<Shortlist> found(rows);
  transformer.backend().shortlist_product({.weight = logits.left->head,
                                           .x = logits.left->x,
                                           .ids = transformer.config().vocab,
                                           .wanted = wanted,
                                           .rows = by,
                                           .out = found});
  if (std::any_of(found.begin(), found.end(), [](const Shortlist& list) { return list.count <= 0; }))
    transformer.backend().linear({.weight = logits.left->head, .x = logits.left->x, .out = logits.left->out});
}

// One prompt, or several steps: seconds of a prompt or of one step, and their work, added to `counted`.
double ModelBench::seconds_of_repeat(Transformer& transformer, const Case& what, Sequences& sequences,
                                     ByStage<Work>* counted) const {
  const bool prefill = what.phase == Phase::prefill;
  if (prefill) start(what, sequences);
  const std::int64_t steps = prefill ? (what.tokens + options_.chunk - 1) / options_.chunk : options_.decode_steps;
  const auto begin = std::chrono::steady_clock::now();
  for (std::int64_t number = 0; number < steps; ++number) {
    const std::int64_t read = number * options_.chunk;
    const std::int64_t tokens = prefill ? std::min(options_.chunk, what.tokens - read) : 1;
    const Ends last = !prefill && options_.sampled ? Ends::token : Ends::logits;
    step(transformer, sequences, tokens, !prefill || number + 1 == steps ? last : Ends::nothing, counted);
    // A step's end, on a device too, is when something of it can be read.
    float first = 0.0F;
    transformer.backend().download(reinterpret_cast<const std::byte*>(transformer.final_streams().data()),
                                   std::as_writable_bytes(std::span(&first, 1)));
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return prefill ? taken.count() : taken.count() / static_cast<double>(steps);
}

StageSeconds ModelBench::stage_seconds(const Case& what, Sequences& sequences,
                                       const std::function<void()>& tick) const {
  ByStage<std::vector<double>> stages;
  std::vector<double> rest;
  const double share = what.phase == Phase::prefill ? 1.0 : 1.0 / static_cast<double>(options_.decode_steps);
  start(what, sequences);
  for (std::int64_t repeat = 0; repeat < options_.repeats; ++repeat) {
    timer_.take();
    const double all = seconds_of_repeat(timed_, what, sequences, nullptr);
    ByStage<double> taken = timer_.take();
    for (double& seconds : taken) seconds *= share;
    rest.push_back(std::max(0.0, all - std::accumulate(taken.begin(), taken.end(), 0.0)));
    for (std::size_t stage = 0; stage < kStages; ++stage) stages[stage].push_back(taken[stage]);
    tick();
  }
  StageSeconds result;
  for (std::size_t stage = 0; stage < kStages; ++stage) result.stages[stage] = spread_of(stages[stage]);
  result.rest = spread_of(rest);
  return result;
}

Measurement ModelBench::measure(const Case& what, int threads) const {
  const bool prefill = what.phase == Phase::prefill;
  const std::string words = words_for(what);
  const std::int64_t counted_repeats = prefill ? 1 : options_.repeats;
  const std::int64_t all = counted_repeats + options_.repeats * (options_.stages ? 2 : 1);
  std::int64_t done = 0;
  const auto tick = [&] { options_.progress(words, static_cast<double>(++done) / static_cast<double>(all)); };
  options_.progress(words, 0.0);

  Sequences sequences;
  const std::int64_t longest = prefill ? what.tokens : what.depth + options_.repeats * options_.decode_steps;
  for (std::int64_t sequence = 0; sequence < what.batch; ++sequence) {
    SequenceCache& cache = sequences.caches.emplace_back(plain_.make_cache());
    cache.reserve(longest);
    random_cache_.fill(cache, what.depth, sequence);
  }

  Measurement result{.what = what, .threads = threads, .seconds = {}, .work = {}, .stages = std::nullopt};
  start(what, sequences);
  for (std::int64_t repeat = 0; repeat < counted_repeats; ++repeat) {
    seconds_of_repeat(plain_, what, sequences, &result.work);
    tick();
  }
  scale(result.work, 1.0 / static_cast<double>(counted_repeats * (prefill ? 1 : options_.decode_steps)));

  if (!prefill) {  // what is recorded of steps that nobody observes is recorded here
    start(what, sequences);
    seconds_of_repeat(plain_, what, sequences, nullptr);
  }
  start(what, sequences);
  std::vector<double> seconds;
  for (std::int64_t repeat = 0; repeat < options_.repeats; ++repeat) {
    seconds.push_back(seconds_of_repeat(plain_, what, sequences, nullptr));
    tick();
  }
  result.seconds = spread_of(seconds);
  if (options_.stages) result.stages = stage_seconds(what, sequences, tick);
  return result;
}

}  // namespace fathom::bench
