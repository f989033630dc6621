// Many prompts through the engine at once, each answered greedily. What one is answered does not depend on the others.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fathom/engine/engine.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom {

// What is evaluated.
struct EvaluatedModel {
  Transformer& transformer;
  Engine& engine;
  const Tokenizer& tokenizer;
  EngineConfig limits;  // the engine's own, its sampled_vocab the tokenizer's
  int threads = 0;      // for what is no operation of the model; 0: one per core
};

struct Question {
  std::vector<std::int32_t> prompt;
  std::int64_t max_tokens = 1;
};

struct Reply {
  std::string text;         // whole characters, broken ones as U+FFFD, without the end of sentence
  std::int64_t tokens = 0;  // with it
  bool stopped = false;     // by the end of sentence, not by max_tokens
};

// Answers in the order of the questions; `progress` hears of each one that is complete.
std::vector<Reply> ask(const EvaluatedModel& model, std::vector<Question> questions,
                       const std::function<void(std::int64_t)>& progress);

}  // namespace fathom
