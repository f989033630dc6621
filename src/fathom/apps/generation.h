// One answer from ids to text, as a person at a terminal wants it: pieces as they come, stop strings, Ctrl-C.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fathom/apps/interrupt.h"
#include "fathom/apps/model_session.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace fathom {

struct GenerationOptions {
  SamplingParams sampling;
  std::vector<std::string> stop;  // strings that end the text and are not part of it
  bool random_seed = true;        // draw the seed, unless --seed gave one
};

// --seed, from 0 to 2^64 - 1; the flags' library by itself takes -1 for the largest number there is.
CLI::Option* add_seed_option(CLI::App& command, std::uint64_t& seed, const std::string& description);
// The table of sampling flags, shared by every command that generates.
void add_generation_options(CLI::App& command, GenerationOptions& options);
// Settles what the flags left open: the seed.
void settle(GenerationOptions& options, const CLI::App& command);

struct Generation {
  std::string text;
  std::vector<SampledToken> tokens;  // the end-of-sentence token included, when it was sampled
  std::string finish;                // "stop", "length" or "interrupted"
  std::string stop_string;           // the one that matched, or empty
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;  // of the prompt, that need not be read
  double first_token_seconds = 0.0;
  double seconds = 0.0;
};

struct GenerationListener {
  std::function<void(std::string_view)> text = [](std::string_view) {};
  std::function<void(std::int64_t read, std::int64_t total)> progress = [](std::int64_t, std::int64_t) {};
};

Generation generate(ModelSession& session, std::vector<std::int32_t> prompt, const GenerationOptions& options,
                    const Interrupt& interrupt, const GenerationListener& listener);

// A progress bar on standard error while a long prompt is read; silent when that is no terminal.
std::function<void(std::int64_t, std::int64_t)> prompt_progress();

}  // namespace fathom
