// Time to first token of a long prompt: read by the model, found in memory, found on disk after a restart.
//   bench_first_token MODEL TOKENS FOLDER [THREADS]      FOLDER: an empty one, of the disk that is meant
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/checkpoint/checkpoint_identity.h"
#include "fathom/engine/engine.h"

namespace fathom {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

struct Asked {
  double seconds = 0.0;
  double processor_seconds = 0.0;  // of all threads: what a busy machine lengthens less
  std::int64_t cached = 0;
  SampledToken token;
};

Asked ask(Engine& engine, const std::vector<std::int32_t>& prompt) {
  GenerationRequest request{.prompt = prompt, .sampling = {}};
  request.sampling.max_tokens = 1;
  const auto begin = Clock::now();
  const std::clock_t processor_begin = std::clock();
  engine.submit(std::move(request));
  Asked asked;
  while (!engine.idle())
    for (const TokenEvent& event : engine.step())
      asked = {.seconds = seconds_since(begin),
               .processor_seconds = static_cast<double>(std::clock() - processor_begin) / CLOCKS_PER_SEC,
               .cached = event.cached_tokens,
               .token = event.token};
  return asked;
}

void say(const char* what, const Asked& asked, const Asked& cold) {
  const bool same = asked.token.token == cold.token.token && asked.token.logprob == cold.token.logprob;
  fmt::print("{:<10} {:9.3f} s  {:7.3f} %  {:9.3f} s of processors  {:7} tokens found{}\n", what, asked.seconds,
             100.0 * asked.seconds / cold.seconds, asked.processor_seconds, asked.cached,
             same ? "" : "  ANOTHER ANSWER");
  std::fflush(stdout);
}

EngineConfig config_of(const Checkpoint& checkpoint, const char* folder) {
  EngineConfig config{.max_batch_tokens = 512, .prefix = {.on = true}};
  config.prefix.disk = {
      .store = std::make_shared<store::BlobStore>(store::StoreOptions{
          .folder = folder, .limits = {}, .warn = [](auto text) { fmt::print("{}\n", text); }, .now = {}}),
      .identity = to_hex(checkpoint_identity(checkpoint)),
      .warn = [](auto text) { fmt::print("{}\n", text); }};
  return config;
}

int run(const char* model, std::int64_t tokens, const char* folder, int threads) {
  const auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(model));
  CpuBackend backend({.threads = threads});
  Transformer transformer(checkpoint, backend, {.rollback_tokens = 1});
  std::mt19937_64 random(1);
  std::vector<std::int32_t> prompt;
  while (std::ssize(prompt) < tokens)
    prompt.push_back(static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(checkpoint->config().vocab)));
  Asked cold;
  {
    Engine engine(transformer, config_of(*checkpoint, folder));
    cold = ask(engine, prompt);
    say("cold", cold, cold);
    for (int go = 0; go < 3; ++go) say("in memory", ask(engine, prompt), cold);
  }
  for (int go = 0; go < 3; ++go) {
    ::sync();
    std::ofstream("/proc/sys/vm/drop_caches") << "3";  // root alone; without it reads come from the system's memory
    const auto begin = Clock::now();
    Engine engine(transformer, config_of(*checkpoint, folder));
    fmt::print("store opened, checkpoint named: {:.3f} s\n", seconds_since(begin));
    say("from disk", ask(engine, prompt), cold);
    const store::StoreFigures figures = engine.config().prefix.disk.store->figures();
    fmt::print("{} blobs, {:.1f} MB; {:.1f} MB read\n", figures.blobs, static_cast<double>(figures.bytes) / 1e6,
               static_cast<double>(figures.read_bytes) / 1e6);
  }
  return 0;
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "bench_first_token MODEL TOKENS FOLDER [THREADS]\n");
    return 2;
  }
  try {
    return fathom::run(argv[1], std::atoll(argv[2]), argv[3], argc > 4 ? std::atoi(argv[4]) : 0);
  } catch (const fathom::InputError& error) {
    fmt::print(stderr, "bench_first_token: {}\n", error.what());
    return 1;
  }
}
