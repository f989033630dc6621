#include <CLI/CLI.hpp>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "fathom/apps/commands.h"
#include "fathom/apps/generation.h"

namespace fathom {
namespace {

struct GenerateOptions {
  ModelOptions model;
  GenerationOptions generation;
  std::string prompt;
  std::string prompt_file;
  bool no_bos = false;
  bool json = false;
  bool stats = false;
};

std::string read_prompt(const GenerateOptions& options, const CLI::App& command) {
  if (command.get_option("--prompt")->count() > 0) return options.prompt;
  if (!options.prompt_file.empty() && options.prompt_file != "-") return read_text_file(options.prompt_file);
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

nlohmann::ordered_json logprob_json(const Tokenizer& tokenizer, const SampledToken& token) {
  const auto one = [&](std::int32_t id, float logprob) {
    const std::string_view piece = tokenizer.piece(id);
    return nlohmann::ordered_json{{"token", std::string(piece)},
                                  {"id", id},
                                  {"logprob", logprob},
                                  {"bytes", std::vector<unsigned char>(piece.begin(), piece.end())}};
  };
  nlohmann::ordered_json result = one(token.token, token.logprob);
  result["top_logprobs"] = nlohmann::ordered_json::array();
  for (const TokenLogprob& top : token.top_logprobs) result["top_logprobs"].push_back(one(top.token, top.logprob));
  return result;
}

void print_json(const ModelSession& session, const GenerateOptions& options, const Generation& result) {
  nlohmann::ordered_json json{{"text", result.text},
                              {"finish_reason", result.finish},
                              {"stop_string", result.stop_string},
                              {"seed", options.generation.sampling.seed},
                              {"token_ids", nlohmann::ordered_json::array()},
                              {"usage",
                               {{"prompt_tokens", result.prompt_tokens},
                                {"completion_tokens", std::ssize(result.tokens)},
                                {"total_tokens", result.prompt_tokens + std::ssize(result.tokens)}}},
                              {"seconds", {{"first_token", result.first_token_seconds}, {"total", result.seconds}}}};
  for (const SampledToken& token : result.tokens) json["token_ids"].push_back(token.token);
  if (options.generation.sampling.top_logprobs >= 0) {
    json["logprobs"] = nlohmann::ordered_json::array();
    for (const SampledToken& token : result.tokens)
      json["logprobs"].push_back(logprob_json(session.tokenizer(), token));
  }
  fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void print_logprobs(const Tokenizer& tokenizer, const Generation& result) {
  const auto quoted = [&](std::int32_t id) {
    return nlohmann::json(std::string(tokenizer.piece(id)))
        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  for (const SampledToken& token : result.tokens) {
    fmt::print("{:>8.4f}  {:<20}", token.logprob, quoted(token.token));
    for (const TokenLogprob& top : token.top_logprobs) fmt::print("  {} {:.4f}", quoted(top.token), top.logprob);
    fmt::print("\n");
  }
}

void run_generate(GenerateOptions& options, const CLI::App& command) {
  settle(options.generation, command);
  const std::string prompt = read_prompt(options, command);
  ModelSession session(options.model);
  std::vector<std::int32_t> ids = session.tokenizer().encode(prompt);
  const auto bos = static_cast<std::int32_t>(session.config().bos_token);
  if (!options.no_bos && (ids.empty() || ids.front() != bos)) ids.insert(ids.begin(), bos);

  const Interrupt interrupt;
  GenerationListener listener;
  listener.progress = prompt_progress();
  if (!options.json)
    listener.text = [](std::string_view text) {
      std::fwrite(text.data(), 1, text.size(), stdout);
      std::fflush(stdout);
    };
  const Generation result = generate(session, ids, options.generation, interrupt, listener);
  if (options.json) {
    print_json(session, options, result);
  } else {
    fmt::print("\n");
    if (options.generation.sampling.top_logprobs >= 0) print_logprobs(session.tokenizer(), result);
  }
  if (options.stats)
    fmt::print(stderr, "{} prompt tokens, first token after {:.2f} s; {} tokens in {:.2f} s ({:.1f} per second); {}\n",
               result.prompt_tokens, result.first_token_seconds, result.tokens.size(), result.seconds,
               static_cast<double>(result.tokens.size()) / std::max(result.seconds, 1e-9), result.finish);
}

}  // namespace

void add_generate_command(CLI::App& program) {
  auto* command = program.add_subcommand("generate", "continue a text");
  command->footer(
      R"(The prompt is taken as it is, after a begin-of-sentence token; no chat format is added (see `fathom chat`, and
`fathom prompt` to render one). Same seed, same text.

  fathom generate --model models/sprat --prompt "In the beginning" -n 40 --seed 7
  fathom prompt request.json | fathom generate --model DIR --temperature 0 -
  fathom generate --model DIR --prompt "1 2 3" --json --logprobs 5)");
  auto options = std::make_shared<GenerateOptions>();
  add_model_options(*command, options->model);
  command->add_option("--prompt,-p", options->prompt, "the text to continue");
  command->add_option("file", options->prompt_file, "a file with the prompt; - or nothing: standard input");
  command->add_flag("--no-bos", options->no_bos, "do not begin with the begin-of-sentence token");
  add_generation_options(*command, options->generation);
  command
      ->add_option("--logprobs", options->generation.sampling.top_logprobs,
                   "show the log-probability of every token and of so many best ones")
      ->check(CLI::Range(0, 20))
      ->group("Sampling");
  command->add_flag("--json", options->json, "print one JSON object at the end: text, ids, finish_reason, usage");
  command->add_flag("--stats", options->stats, "print counts and times on standard error");
  command->callback([options, command] { run_generate(*options, *command); });
}

}  // namespace fathom
