// fathom bench: how fast a model of some shape runs here, beside what the machine can do.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fathom/apps/backend_choice.h"
#include "fathom/apps/bench_report.h"
#include "fathom/apps/commands.h"
#include "fathom/apps/free_memory.h"
#include "fathom/apps/generation.h"
#include "fathom/backends/cpu/machine_peak.h"
#include "fathom/base/error.h"
#include "fathom/base/output_file.h"
#include "fathom/base/processors.h"
#include "fathom/base/progress_bar.h"
#include "fathom/bench/copy_speed.h"
#include "fathom/bench/csv.h"
#include "fathom/bench/model_bench.h"
#include "fathom/bench/plot.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/checkpoint/random_weights.h"
#include "fathom/spec/layer_choice.h"
#include "fathom/spec/model_size.h"

namespace fathom {
namespace {

using Numbers = std::vector<std::int64_t>;

constexpr std::int64_t kMostTokens = std::int64_t{1} << 24;

struct BenchCommand {
  std::string shape;
  std::string model;
  Numbers layers;
  Numbers prefill;
  Numbers decode_depth;
  Numbers batch = {1};
  std::vector<int> threads = {0};
  std::string cache = "released";
  BackendChoice backend;
  bench::BenchOptions bench;
  std::string csv;
  std::string svg;
};

// "flash" is short for "deepseek-v4-flash"; a path ends in .json.
ModelConfig config_of(const std::string& shape) {
  if (shape.ends_with(".json")) return load_model_config(shape);
  const std::string released = "deepseek-v4-" + shape;
  for (const std::string_view name : preset_names())
    if (name == released) return preset_model_config(released);
  return preset_model_config(shape);
}

ModelConfig chosen_layers(const ModelConfig& config, const Numbers& layers) {
  if (layers.empty()) return config;
  return layers.size() == 1 ? with_first_layers(config, layers.front()) : with_layers(config, layers);
}

std::vector<bench::Case> cases_of(const BenchCommand& command) {
  std::vector<bench::Case> cases;
  const bool nothing = command.prefill.empty() && command.decode_depth.empty();
  for (const std::int64_t tokens : nothing ? Numbers{256} : command.prefill)
    cases.push_back({.phase = bench::Phase::prefill, .tokens = tokens});
  for (const std::int64_t depth : nothing ? Numbers{256} : command.decode_depth)
    for (const std::int64_t batch : command.batch)
      cases.push_back({.phase = bench::Phase::decode, .depth = depth, .batch = batch});
  return cases;
}

// Positions that a sequence reaches.
std::int64_t positions_of(const bench::Case& one, const bench::BenchOptions& options) {
  return one.phase == bench::Phase::prefill ? one.tokens : one.depth + options.repeats * options.decode_steps;
}

std::int64_t most_positions_of(const std::vector<bench::Case>& cases, const bench::BenchOptions& options) {
  std::int64_t most = 0;
  for (const bench::Case& one : cases) most = std::max(most, positions_of(one, options));
  return most;
}

// Of the largest case.
std::int64_t cache_bytes_of(const BenchCommand& command, const ModelConfig& config,
                            const std::vector<bench::Case>& cases) {
  const CacheCost cost = make_cache_layout(config, cache_storage(command.cache)).cost();
  std::int64_t most = 0;
  for (const bench::Case& one : cases) most = std::max(most, one.batch * cost.bytes(positions_of(one, command.bench)));
  return most;
}

// Of the largest step of any case.
std::int64_t step_tokens_of(const BenchCommand& command, const std::vector<bench::Case>& cases) {
  std::int64_t most = 1;
  for (const bench::Case& one : cases)
    most = std::max(most, one.phase == bench::Phase::prefill ? std::min(command.bench.chunk, one.tokens) : one.batch);
  return command.bench.stages ? 2 * most : most;  // whoever times stages has memory of its own
}

void require_memory(const BenchCommand& command, const ModelConfig& config, const std::vector<bench::Case>& cases) {
  const std::int64_t needed = model_size(config).stored.bytes + cache_bytes_of(command, config, cases);
  const std::int64_t free = free_memory_bytes();
  if (free > 0 && needed > free)
    throw InputError(
        "[bench] weights and caches take {} MB, {} MB of memory are free: fewer --layers, or another --shape",
        needed / 1'000'000, free / 1'000'000);
}

std::shared_ptr<const WeightSource> source_of(const BenchCommand& command, const std::vector<bench::Case>& cases) {
  const std::int64_t positions = most_positions_of(cases, command.bench);
  if (!command.model.empty()) {
    auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(command.model));
    if (positions > checkpoint->config().max_positions)
      throw InputError("[bench] the cases reach position {}, expected no more than the model's {}", positions,
                       checkpoint->config().max_positions);
    return checkpoint;
  }
  ModelConfig config = without_mtp(chosen_layers(config_of(command.shape), command.layers));
  config.max_positions = std::max(config.max_positions, positions);
  config.validate();
  if (!is_on_gpu(command.backend)) require_memory(command, config, cases);
  return std::make_shared<const RandomWeights>(config, command.bench.seed);
}

std::string subject_of(const BenchCommand& command) {
  std::string subject = command.model.empty() ? command.shape : command.model;
  if (command.layers.size() == 1) subject += fmt::format(", first {} layers", command.layers.front());
  if (command.layers.size() > 1) subject += fmt::format(", layers {}", fmt::join(command.layers, ","));
  return subject;
}

bench::Yardstick cpu_yardstick(int threads) {
  return {.read_bytes = read_gigabytes_per_second(threads).median * 1e9,
          .flops = fused_gigaflops(threads).median * 1e9};
}

bench::Yardstick device_yardstick(Backend& backend) {
  constexpr std::int64_t kCopiedBytes = std::int64_t{1} << 30;
  const std::int64_t room = backend.free_bytes().value_or(4 * kCopiedBytes) / 4;  // twice in it
  return {.read_bytes = bench::copy_bytes_per_second(backend, std::min(kCopiedBytes, room)), .flops = 0.0};
}

// A bar for each case.
class CaseBar {
 public:
  void show(std::string_view what, double share) {
    if (what != what_) {
      bar_.reset();
      what_ = what;
      bar_.emplace(what_);
    }
    bar_->show(share);
  }
  void hide() {
    bar_.reset();
    what_.clear();
  }

 private:
  std::string what_;
  std::optional<ProgressBar> bar_;
};

struct Place {
  Backend& backend;
  const bench::StageTimer& prepared;
  const Transformer& loaded;
  int threads = 0;  // 0: a device
};

// All cases in one place, the machine measured around each.
std::vector<bench::Measurement> run_cases(const Place& place, const std::vector<bench::Case>& cases,
                                          bench::BenchOptions options) {
  CaseBar bar;
  options.progress = [&](std::string_view what, double share) { bar.show(what, share); };
  const auto yardstick = [&] {
    bar.show("the machine", 0.0);
    return place.threads > 0 ? cpu_yardstick(place.threads) : device_yardstick(place.backend);
  };
  bench::StageTimer timer(place.backend, place.prepared);
  Transformer plain = place.loaded.with_backend(place.backend);
  Transformer timed = place.loaded.with_backend(timer);
  const bench::ModelBench bench(plain, timed, timer, options);
  std::vector<bench::Measurement> measurements;
  bench::Yardstick before = yardstick();
  for (const bench::Case& one : cases) {
    measurements.push_back(bench.measure(one, place.threads));
    const bench::Yardstick after = yardstick();
    measurements.back().machine = better(before, after);
    before = after;
  }
  return measurements;
}

void write_file(const std::string& name, std::string_view text) {
  OutputFile file(name);
  file.write(text);
  file.close();
  file.publish();
}

void run_bench(const BenchCommand& command) {
  const std::vector<bench::Case> cases = cases_of(command);
  const bool on_gpu = is_on_gpu(command.backend);
  const std::shared_ptr<const WeightSource> source = source_of(command, cases);
  const std::unique_ptr<Backend> loading = make_backend(command.backend);  // with all threads
  bench::StageTimer prepared(*loading);
  fmt::print(stderr, "{}: {} MB of weights\n", subject_of(command),
             model_size(source->config()).stored.bytes / 1'000'000);
  const Transformer loaded(source, prepared,
                           {.storage = cache_storage(command.cache),
                            .rollback_tokens = 0,
                            .step_tokens = step_tokens_of(command, cases),
                            .cache_bytes = cache_bytes_of(command, source->config(), cases)});
  const auto say_free = [&](std::string_view when) {
    if (const auto free = loading->free_bytes())
      fmt::print(stderr, "{} MB of the GPU's memory are free {}\n", *free / 1'000'000, when);
  };
  say_free("beside them");

  bench::Report report{.subject = subject_of(command), .device = std::string(loading->name()), .measurements = {}};
  for (const int wanted : on_gpu ? std::vector<int>{0} : command.threads) {
    BackendChoice choice = command.backend;
    choice.threads = wanted > 0 ? wanted : usable_processors().threads();
    const std::unique_ptr<Backend> own = on_gpu ? nullptr : make_backend(choice);
    const Place place{.backend = on_gpu ? *loading : *own,
                      .prepared = prepared,
                      .loaded = loaded,
                      .threads = on_gpu ? 0 : choice.threads};
    const std::vector<bench::Measurement> measurements = run_cases(place, cases, command.bench);
    fmt::print("{} on {}; {}\n\n", report.subject, report.device, machine_line(measurements));
    for (const Table& table : bench_tables(measurements)) fmt::print("{}\n", plain_table(table));
    if (const std::string line = bus_line(loading->figures()); !line.empty()) fmt::print("{}\n\n", line);
    report.measurements.insert(report.measurements.end(), measurements.begin(), measurements.end());
    std::fflush(stdout);
  }
  say_free("at the end");
  if (!command.csv.empty()) write_file(command.csv, bench::csv(report));
  if (!command.svg.empty()) write_file(command.svg, curves_svg(bench::plot(report)));
}

void add_case_options(CLI::App& command, BenchCommand& options) {
  command.add_option("--prefill", options.prefill, "prompts to read, in tokens (256 where nothing else is asked)")
      ->delimiter(',')
      ->check(CLI::Range(std::int64_t{1}, kMostTokens));
  command
      .add_option("--decode-depth", options.decode_depth,
                  "positions before the tokens to decode, of random entries (256 where nothing else is asked)")
      ->delimiter(',')
      ->check(CLI::Range(std::int64_t{0}, kMostTokens));
  command.add_option("--batch", options.batch, "sequences that decode together (1)")
      ->delimiter(',')
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{4096}));
  command.add_option("--chunk", options.bench.chunk, "tokens of a prompt that one step reads")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20))
      ->capture_default_str();
  command.add_option("--repeats", options.bench.repeats, "times that everything is done; medians count")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--decode-steps", options.bench.decode_steps, "steps of one repeat of a decode")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
}

}  // namespace

void add_bench_command(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("bench", "measure prefill and decode beside what the machine can do, by stage");
  command->footer(
      R"(Shapes get random weights in the released format, in memory, without touching the disk. Rates are of the bytes
that must be read and the multiply-adds that must be done, counted from the shape and from the router's choices; "% of
bound" is the time that the longer of the two takes at this machine's own speed, measured before and after each, over
the time taken (docs/bench.md).

  fathom bench --shape flash --layers 3                       # prefill of 256, decode behind 256
  fathom bench --shape flash --layers 0,2,3 --decode-depth 4096,1048576 --stages
  fathom bench --shape flash --layers 3 --decode-depth 256 --sampled
  fathom bench --shape minnow --decode-depth 256 --batch 1,16 --threads 1,2 --csv speed.csv --svg speed.svg
  fathom bench --model models/minnow --prefill 512,4096 --chunk 4096)");
  const auto options = std::make_shared<BenchCommand>();
  CLI::Option_group* source = command->add_option_group("source", "one of these");
  source->add_option("--shape", options->shape,
                     fmt::format("random weights: {}, with or without deepseek-v4-, or a config.json",
                                 fmt::join(preset_names(), ", ")));
  CLI::Option* model = source->add_option("--model", options->model, "a checkpoint's weights");
  source->require_option(1);
  command->add_option("--layers", options->layers, "keep the first N layers of the shape, or these: 0,2,3")
      ->delimiter(',')
      ->excludes(model);
  add_case_options(*command, *options);
  command->add_flag("--sampled", options->bench.sampled,
                    "end a decoded step with its token, greedily, leaving out logits that cannot win");
  command->add_flag("--stages", options->bench.stages, "time every stage too, in a pass of its own");
  add_device_options(*command, options->backend);
  command
      ->add_option("--threads", options->threads,
                   "compute threads; 0: as many as this process may run at a time; one report for each number")
      ->delimiter(',')
      ->check(CLI::Range(0, 1024))
      ->envname("FATHOM_THREADS");
  command->add_option("--cache", options->cache, "how keys and values are kept: released (584-byte entries) or float32")
      ->check(CLI::IsMember({"released", "float32"}))
      ->envname("FATHOM_CACHE")
      ->capture_default_str();
  add_seed_option(*command, options->bench.seed, "of weights, caches and tokens (1)");
  command->add_option("--csv", options->csv, "file to write every figure to, with least and most");
  command->add_option("--svg", options->svg, "file to draw speeds and shares of the bound to");
  command->callback([options] { run_bench(*options); });
}

}  // namespace fathom
