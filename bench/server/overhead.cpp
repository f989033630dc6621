// What the server costs: the same requests asked of the bare engine and over HTTP, in turn, in one process.
//
//   server_overhead MODEL [STREAMS] [TOKENS] [ROUNDS]
//
// STREAMS requests of TOKENS tokens each run at the same time, streamed where there is HTTP; clients read and count, no
// more. Prints tokens per second of either side round by round, the median of the rounds' ratios, and the CPU time that
// a token took beyond the engine's.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include "fathom/apps/model_host.h"
#include "fathom/base/error.h"
#include "fathom/server/config.h"
#include "tests/server/http_client_support.h"

namespace {

using Clock = std::chrono::steady_clock;
using fathom::testing::HttpClient;
using fathom::testing::request_text;

struct Load {
  std::string model;
  int streams = 64;
  std::int64_t tokens = 200;
  int rounds = 7;
};

struct Cost {
  double seconds = 0.0;
  double cpu_seconds = 0.0;
};

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto in_seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return in_seconds(used.ru_utime) + in_seconds(used.ru_stime);
}

template <typename Work>
Cost cost_of(const Work& work) {
  const double cpu = cpu_seconds();
  const auto start = Clock::now();
  work();
  return {std::chrono::duration<double>(Clock::now() - start).count(), cpu_seconds() - cpu};
}

std::string prompt_of(int stream) { return fmt::format("Story number {}: once upon a time", stream); }

// Both return the tokens that were sampled: the same ones, so as many.
std::int64_t ask_engine(fathom::ModelSession& session, const Load& load) {
  for (int stream = 0; stream < load.streams; ++stream) {
    fathom::GenerationRequest request{
        .prompt = session.tokenizer().encode("<｜begin▁of▁sentence｜>" + prompt_of(stream)), .sampling = {}};
    request.sampling.temperature = 1.0;
    request.sampling.max_tokens = load.tokens;
    request.sampling.seed = static_cast<std::uint64_t>(stream);
    request.sampling.stop_tokens = {static_cast<std::int32_t>(session.config().eos_token)};
    session.engine().submit(std::move(request));
  }
  std::int64_t sampled = 0;
  while (!session.engine().idle()) sampled += std::ssize(session.engine().step());
  return sampled;
}

std::int64_t ask_server(int port, const Load& load) {
  std::vector<std::int64_t> tokens(static_cast<std::size_t>(load.streams));
  std::vector<std::thread> clients;
  for (int stream = 0; stream < load.streams; ++stream)
    clients.emplace_back([&, stream] {
      HttpClient client(port);
      client.send(request_text(
          "POST", "/v1/completions",
          fmt::format(R"({{"model": "deepseek-v4-flash", "stream": true, "stream_options": {{"include_usage": true}},)"
                      R"( "max_tokens": {}, "seed": {}, "prompt": "{}"}})",
                      load.tokens, stream, prompt_of(stream))));
      const std::string body = client.read_answer().body;
      const std::size_t at = body.rfind("\"completion_tokens\":");
      if (at != std::string::npos) tokens[static_cast<std::size_t>(stream)] = std::strtoll(&body[at + 20], nullptr, 10);
    });
  for (std::thread& client : clients) client.join();
  std::int64_t sum = 0;
  for (const std::int64_t count : tokens) sum += count;
  return sum;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void run(const Load& load) {
  fathom::server::ServerConfig config;
  config.models = {load.model};
  config.engine.sequences = load.streams;
  config.engine.queue_per_user = 10'000;
  config.http.port = 0;
  config.log = "error";
  fathom::ModelSession bare({.directory = load.model, .backend = {}, .cache = "released", .engine = {}});
  const fathom::ModelHost host(config);
  fathom::server::ServerParts parts = fathom::server::parts_of(config);
  parts.models = host.models();
  const fathom::server::Server server(std::move(parts));
  std::vector<double> ratios;
  std::vector<double> microseconds;
  for (int round = 0; round < load.rounds; ++round) {
    std::int64_t bare_tokens = 0;
    std::int64_t http_tokens = 0;
    const Cost engine = cost_of([&] { bare_tokens = ask_engine(bare, load); });
    const Cost http = cost_of([&] { http_tokens = ask_server(server.port(), load); });
    if (http_tokens != bare_tokens)
      throw fathom::InternalError("the engine gave {} tokens, the server {}", bare_tokens, http_tokens);
    const auto tokens = static_cast<double>(bare_tokens);
    ratios.push_back(engine.seconds / http.seconds);
    microseconds.push_back(1e6 * (http.cpu_seconds - engine.cpu_seconds) / tokens);
    fmt::print("{}: engine {:.0f} tokens/s, HTTP {:.0f}, ratio {:.3f}, {:.1f} us of CPU a token more\n", round,
               tokens / engine.seconds, tokens / http.seconds, ratios.back(), microseconds.back());
    std::fflush(stdout);
  }
  fmt::print("median ratio {:.3f}, {:.1f} us of CPU a token more, clients included\n", median(ratios),
             median(microseconds));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: server_overhead MODEL [STREAMS] [TOKENS] [ROUNDS]\n";
    return 2;
  }
  Load load{.model = argv[1]};
  if (argc > 2) load.streams = std::stoi(argv[2]);
  if (argc > 3) load.tokens = std::stoll(argv[3]);
  if (argc > 4) load.rounds = std::stoi(argv[4]);
  try {
    run(load);
  } catch (const fathom::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
