// What drafting gains on Flash's shape, whose weights do not fit this machine: random weights of its first layers, and
// an oracle that is right as often as was measured on a model that was trained.
//   bench_oracle_drafts LAYERS EXPERTS RIGHT [RIGHT_LATER] [THREADS] [ROUNDS] [cpu|cuda]
// RIGHT of first drafted tokens, RIGHT_LATER (the same) of those behind. The MTP block does its work, then the oracle
// speaks. Plain and drafting in turn; the tokens must be the same.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "fathom/apps/backend_choice.h"
#include "fathom/checkpoint/random_weights.h"
#include "fathom/engine/engine.h"
#include "fathom/spec/model_config.h"

namespace fathom {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t kPrompt = 64;
constexpr std::int64_t kTokens = 96;

struct Run {
  double seconds_per_token = 0.0;
  std::vector<std::int32_t> tokens;
  EngineFigures figures;
};

Run run(Transformer& transformer, const DraftConfig& drafts) {
  Engine engine(transformer, {.max_batch_tokens = 128, .drafts = drafts});
  GenerationRequest request{.prompt = {}, .sampling = {}};
  for (std::int64_t place = 0; place < kPrompt; ++place)
    request.prompt.push_back(static_cast<std::int32_t>((place * 7919 + 13) % transformer.config().vocab));
  request.sampling.max_tokens = kTokens;
  request.sampling.seed = 9;
  engine.submit(request);
  Run result;
  Clock::time_point first;
  while (!engine.idle())
    for (const TokenEvent& event : engine.step()) {
      if (result.tokens.empty()) first = Clock::now();
      result.tokens.push_back(event.token.token);
    }
  result.seconds_per_token = std::chrono::duration<double>(Clock::now() - first).count() / (kTokens - 1);
  result.figures = engine.figures();
  return result;
}

int main_of(std::span<char*> words) {
  if (words.size() < 4) {
    fmt::print(stderr, "bench_oracle_drafts LAYERS EXPERTS RIGHT [RIGHT_LATER] [THREADS] [ROUNDS] [cpu|cuda]\n");
    return 2;
  }
  ModelConfig config = preset_model_config("deepseek-v4-flash");
  const std::int64_t layers = std::atoll(words[1]);
  const std::int64_t mtp_ratio = config.compress_ratios.back();
  config.layers = layers;
  config.compress_ratios.resize(static_cast<std::size_t>(layers));
  config.compress_ratios.push_back(mtp_ratio);
  config.experts = std::atoll(words[2]);
  config.hash_layers = std::min(config.hash_layers, layers);
  config.validate();
  const double right = std::atof(words[3]);
  const double later = words.size() > 4 ? std::atof(words[4]) : right;
  const int threads = words.size() > 5 ? std::atoi(words[5]) : 2;
  const int rounds = words.size() > 6 ? std::atoi(words[6]) : 3;
  const auto backend = make_backend({.threads = threads, .device = words.size() > 7 ? words[7] : "cpu"});
  Transformer transformer(std::make_shared<const RandomWeights>(config, 1), *backend, {.rollback_tokens = kMostDrafts});

  const std::vector<std::int32_t> answer = run(transformer, {}).tokens;  // and all is warm
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    const auto oracle = [&](std::int64_t place, std::int64_t depth) {
      const auto index = static_cast<std::size_t>(place - kPrompt);
      const bool hits = uniform_of(static_cast<std::uint64_t>(round), place, 0) < (depth == 1 ? right : later);
      const std::int32_t true_token = index < answer.size() ? answer[index] : 0;
      return hits ? true_token : static_cast<std::int32_t>((true_token + 1) % config.vocab);
    };
    Run sides[2];
    for (const int side : {round % 2, 1 - round % 2})
      sides[side] = run(transformer, side == 0 ? DraftConfig{} : DraftConfig{.most = kMostDrafts, .oracle = oracle});
    if (sides[0].tokens != answer || sides[1].tokens != answer) {
      fmt::print("ANOTHER ANSWER\n");
      return 1;
    }
    const EngineFigures& figures = sides[1].figures;
    ratios.push_back(sides[0].seconds_per_token / sides[1].seconds_per_token);
    fmt::print(
        "plain {:.1f} ms a token, drafting {:.1f}: {:.2f} times as fast; {} of {} drafts right, {:.2f} tokens a step\n",
        1e3 * sides[0].seconds_per_token, 1e3 * sides[1].seconds_per_token, ratios.back(), figures.accepted,
        figures.drafted, static_cast<double>(kTokens) / static_cast<double>(kTokens - figures.accepted));
    std::fflush(stdout);
  }
  std::sort(ratios.begin(), ratios.end());
  fmt::print("{} layers, {} experts, median {:.2f}\n", layers, config.experts, ratios[ratios.size() / 2]);
  return 0;
}

}  // namespace
}  // namespace fathom

int main(int count, char** words) {
  try {
    return fathom::main_of({words, static_cast<std::size_t>(count)});
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
