// The way out: pieces of an answer become the surface's bytes. One writer an answer, made by its surface's file; pure
// but for what it has written so far. A stream gets frames from every call; without a stream all is the body that
// finish() returns, and the other calls return nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fathom/api/api_error.h"
#include "fathom/chat/answer.h"

namespace fathom::api {

struct AnswerIdentity {
  std::string id;            // a UUID
  std::string model;         // the id that is served
  std::string fingerprint;   // of model and numerics
  std::int64_t created = 0;  // seconds since 1970
};

// One sampled token with its text, when logprobs were asked for.
struct TokenText {
  struct Choice {
    std::string bytes;
    double logprob = 0.0;
  };
  std::string bytes;  // may be part of a character
  double logprob = 0.0;
  std::vector<Choice> top;  // best first
  bool reasoning = false;
};

struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;  // of the prompt
  std::int64_t completion_tokens = 0;
  std::int64_t reasoning_tokens = 0;  // of the completion
  std::int64_t drafted_tokens = 0;    // that were guessed for it (docs/speculation.md)
  std::int64_t accepted_tokens = 0;   // of them, those that were right
};

enum class EndReason : std::uint8_t { stop, stop_string, length, tool_calls, overloaded };

struct AnswerEnding {
  EndReason reason = EndReason::stop;
  std::string stop_string;  // the one that ended it
  Usage usage;
};

class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;

  // Once, when the request is accepted.
  virtual std::string begin(const Usage& so_far) = 0;
  // While nothing else is to be said.
  virtual std::string keep_alive() = 0;
  virtual std::string piece(const AnswerDelta& delta) = 0;
  // Tokens of the pieces since the last call; only when the call asked for logprobs.
  virtual std::string tokens(std::span<const TokenText> tokens) = 0;
  virtual std::string finish(const AnswerEnding& ending) = 0;
  // In place of finish(), once begin() has been called.
  virtual std::string fail(const ApiError& error) = 0;
};

}  // namespace fathom::api
