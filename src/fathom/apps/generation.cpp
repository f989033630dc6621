#include "fathom/apps/generation.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <random>

#include "fathom/chat/stop_strings.h"

namespace fathom {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A sequence in the engine for as long as this lives: an answer that an exception ends leaves nothing running.
class Submitted {
 public:
  Submitted(Engine& engine, GenerationRequest request) : engine_(engine), id_(engine.submit(std::move(request))) {}
  ~Submitted() { engine_.cancel(id_); }
  Submitted(const Submitted&) = delete;
  Submitted& operator=(const Submitted&) = delete;
  SequenceId id() const { return id_; }

 private:
  Engine& engine_;
  SequenceId id_;
};

}  // namespace

CLI::Option* add_seed_option(CLI::App& command, std::uint64_t& seed, const std::string& description) {
  const auto check = [](const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole ? "" : fmt::format("found {}, expected a number from 0 to {}", text, ~std::uint64_t{0});
  };
  return command.add_option("--seed", seed, description)->check(CLI::Validator(check, ""));
}

void add_generation_options(CLI::App& command, GenerationOptions& options) {
  SamplingParams& sampling = options.sampling;
  command.add_option("--temperature,-t", sampling.temperature, "0: always the most likely token")
      ->capture_default_str()
      ->group("Sampling");
  command.add_option("--top-p", sampling.top_p, "smallest set of best tokens that reaches this probability")
      ->capture_default_str()
      ->group("Sampling");
  command.add_option("--top-k", sampling.top_k, "so many best tokens; 0: all")
      ->capture_default_str()
      ->group("Sampling");
  command.add_option("--min-p", sampling.min_p, "tokens at least this share as likely as the best")
      ->capture_default_str()
      ->group("Sampling");
  add_seed_option(command, sampling.seed, "same seed, same answer; drawn when not given")->group("Sampling");
  command.add_option("--max-tokens,-n", sampling.max_tokens, "tokens to answer with, at most")
      ->capture_default_str()
      ->group("Sampling");
  command.add_option("--stop", options.stop, "text that ends the answer; may be given several times")
      ->take_all()
      ->group("Sampling");
}

void settle(GenerationOptions& options, const CLI::App& command) {
  if (command.get_option("--seed")->count() == 0) options.sampling.seed = std::random_device{}();
  options.sampling.validate();
}

Generation generate(ModelSession& session, std::vector<std::int32_t> prompt, const GenerationOptions& options,
                    const Interrupt& interrupt, const GenerationListener& listener) {
  const auto start = std::chrono::steady_clock::now();
  const auto eos = static_cast<std::int32_t>(session.config().eos_token);
  Generation result;
  result.prompt_tokens = std::ssize(prompt);
  GenerationRequest request{.prompt = std::move(prompt), .sampling = options.sampling};
  request.sampling.stop_tokens.push_back(eos);
  const Submitted sequence(session.engine(), std::move(request));

  StreamDecoder decoder(session.tokenizer());
  StopStrings stops(options.stop);
  const auto emit = [&](const std::string& text) {
    if (text.empty()) return;
    result.text += text;
    listener.text(text);
  };
  while (result.finish.empty()) {
    if (interrupt.requested()) {
      result.finish = "interrupted";
      break;
    }
    const auto events = session.engine().step();
    if (result.tokens.empty()) listener.progress(session.engine().tokens_read(sequence.id()), result.prompt_tokens);
    for (const TokenEvent& event : events) {
      if (event.finish == FinishReason::overloaded) throw InternalError("{}", event.fault);
      if (result.tokens.empty()) result.first_token_seconds = seconds_since(start);
      result.tokens.push_back(event.token);
      result.cached_tokens = event.cached_tokens;
      if (event.token.token != eos) emit(stops.feed(decoder.push(event.token.token)));
      if (event.finish == FinishReason::stop) result.finish = "stop";
      if (event.finish == FinishReason::length) result.finish = "length";
      if (stops.matched()) break;  // a step may have given more
    }
    if (stops.matched()) {
      result.finish = "stop";
      result.stop_string = stops.match();
    }
  }
  if (!stops.matched()) {
    emit(stops.feed(decoder.finish()));
    emit(stops.finish());
  }
  result.seconds = seconds_since(start);
  return result;
}

std::function<void(std::int64_t, std::int64_t)> prompt_progress() {
  if (isatty(STDERR_FILENO) == 0) return [](std::int64_t, std::int64_t) {};
  return [shown = false](std::int64_t read, std::int64_t total) mutable {
    constexpr std::int64_t kWidth = 30;  // columns of the bar
    if (read > 0 && read < total) {
      const std::int64_t filled = kWidth * read / total;
      fmt::print(stderr, "\rreading the prompt [{:=<{}}{: <{}}] {}/{}", "", filled, "", kWidth - filled, read, total);
      shown = true;
    } else if (shown) {
      fmt::print(stderr, "\r\033[K");
      shown = false;
    }
    std::fflush(stderr);
  };
}

}  // namespace fathom
