#include "fathom/server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace fathom::server {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

const Histogram::BucketBoundaries kWaits = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600};
const Histogram::BucketBoundaries kSteps = {0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 5};
const Histogram::BucketBoundaries kWrites = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 1};

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;
  Family<Counter>& requests =
      BuildCounter().Name("fathom_requests_total").Help("Requests answered, by surface and status").Register(registry);
  Family<Counter>& finishes = BuildCounter()
                                  .Name("fathom_answers_total")
                                  .Help("Answers of a model, by surface and how they ended")
                                  .Register(registry);
  Family<Counter>& tokens = BuildCounter()
                                .Name("fathom_tokens_total")
                                .Help(
                                    "Tokens of finished requests: prompt (cached ones included), cached, output, "
                                    "reasoning (part of output)")
                                .Register(registry);
  Counter& prompt = tokens.Add({{"kind", "prompt"}});
  Counter& cached = tokens.Add({{"kind", "cached"}});
  Counter& output = tokens.Add({{"kind", "output"}});
  Counter& reasoning = tokens.Add({{"kind", "reasoning"}});
  Histogram& queue = BuildHistogram()
                         .Name("fathom_queue_seconds")
                         .Help("From acceptance to the first step")
                         .Register(registry)
                         .Add({}, kWaits);
  Histogram& first_token = BuildHistogram()
                               .Name("fathom_first_token_seconds")
                               .Help("From a request's last byte to its first token")
                               .Register(registry)
                               .Add({}, kWaits);
  Histogram& between = BuildHistogram()
                           .Name("fathom_between_tokens_seconds")
                           .Help("Between two tokens of one answer")
                           .Register(registry)
                           .Add({}, kSteps);
  Histogram& written = BuildHistogram()
                           .Name("fathom_token_written_seconds")
                           .Help("From a token's sampling until the socket took its bytes")
                           .Register(registry)
                           .Add({}, kWrites);
  Family<Gauge>& engine =
      BuildGauge()
          .Name("fathom_engine")
          .Help(
              "Each loaded model now: running, waiting and queue_limit sequences; cache_bytes and "
              "cache_bytes_limit; since the start prompt_tokens read, cached_tokens found, "
              "sampled_tokens, steps; draining; prefixes kept: prefix_bytes, prefix_snapshots; since "
              "the start prefix_hits, prefix_evictions; on disk: disk_bytes, disk_blobs; since the start "
              "disk_written_bytes, disk_read_bytes, disk_dropped, disk_damaged, disk_hits, disk_tokens, disk_forgone; "
              "drafted_tokens, "
              "accepted_tokens; on a GPU "
              "experts_on_host, experts_lent (that have a copy in memory of the GPU that caches do not want yet) and "
              "since the start expert_swaps, experts_chosen, experts_chosen_on_host")
          .Register(registry);
  Family<Gauge>& http = BuildGauge()
                            .Name("fathom_http")
                            .Help(
                                "Connections open and bodies_bytes being received now; since the start connections "
                                "accepted, refused and cut_off for not reading, bytes_in, bytes_out")
                            .Register(registry);

  void set(Family<Gauge>& family, const std::string& model, const std::string& figure, std::int64_t value) {
    prometheus::Labels labels{{"figure", figure}};
    if (!model.empty()) labels.emplace("model", model);
    family.Add(labels).Set(static_cast<double>(value));
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::request(const RequestRecord& record) {
  state_->requests.Add({{"surface", record.surface}, {"status", std::to_string(record.status)}}).Increment();
  if (record.finish.empty()) return;
  state_->finishes.Add({{"surface", record.surface}, {"finish", record.finish}}).Increment();
  state_->prompt.Increment(static_cast<double>(record.prompt_tokens));
  state_->cached.Increment(static_cast<double>(record.cached_tokens));
  state_->output.Increment(static_cast<double>(record.output_tokens));
  state_->reasoning.Increment(static_cast<double>(record.reasoning_tokens));
  if (record.queue_seconds >= 0.0) state_->queue.Observe(record.queue_seconds);
  if (record.first_token_seconds >= 0.0) state_->first_token.Observe(record.first_token_seconds);
}

void Metrics::between_tokens(double seconds) { state_->between.Observe(seconds); }
void Metrics::token_written(double seconds) { state_->written.Observe(seconds); }

std::string Metrics::write(const std::vector<ModelLoad>& models, const HttpFigures* http) {
  State& state = *state_;
  for (const auto& [model, load] : models) {
    state.set(state.engine, model, "running", load.running);
    state.set(state.engine, model, "waiting", load.waiting);
    state.set(state.engine, model, "queue_limit", load.queue_limit);
    state.set(state.engine, model, "cache_bytes", load.cache_bytes);
    state.set(state.engine, model, "cache_bytes_limit", load.cache_bytes_limit);
    state.set(state.engine, model, "prompt_tokens", load.prompt_tokens);
    state.set(state.engine, model, "cached_tokens", load.cached_tokens);
    state.set(state.engine, model, "sampled_tokens", load.sampled_tokens);
    state.set(state.engine, model, "steps", load.steps);
    state.set(state.engine, model, "prefix_hits", load.prefix_hits);
    state.set(state.engine, model, "prefix_bytes", load.prefix_bytes);
    state.set(state.engine, model, "prefix_snapshots", load.prefix_snapshots);
    state.set(state.engine, model, "prefix_evictions", load.prefix_evictions);
    state.set(state.engine, model, "disk_bytes", load.disk_bytes);
    state.set(state.engine, model, "disk_blobs", load.disk_blobs);
    state.set(state.engine, model, "disk_written_bytes", load.disk_written_bytes);
    state.set(state.engine, model, "disk_read_bytes", load.disk_read_bytes);
    state.set(state.engine, model, "disk_dropped", load.disk_dropped);
    state.set(state.engine, model, "disk_damaged", load.disk_damaged);
    state.set(state.engine, model, "disk_hits", load.disk_hits);
    state.set(state.engine, model, "disk_tokens", load.disk_tokens);
    state.set(state.engine, model, "disk_forgone", load.disk_forgone);
    state.set(state.engine, model, "drafted_tokens", load.drafted_tokens);
    state.set(state.engine, model, "accepted_tokens", load.accepted_tokens);
    state.set(state.engine, model, "draining", load.draining ? 1 : 0);
    for (const BackendFigure& figure : load.backend)
      state.set(state.engine, model, std::string(figure.name), static_cast<std::int64_t>(figure.value));
  }
  if (http != nullptr) {
    state.set(state.http, "", "open", http->open);
    state.set(state.http, "", "accepted", http->accepted);
    state.set(state.http, "", "refused", http->refused);
    state.set(state.http, "", "cut_off", http->cut_off);
    state.set(state.http, "", "bytes_in", http->bytes_in);
    state.set(state.http, "", "bytes_out", http->bytes_out);
    state.set(state.http, "", "bodies_bytes", http->bodies_bytes);
  }
  return prometheus::TextSerializer().Serialize(state.registry.Collect());
}

}  // namespace fathom::server
