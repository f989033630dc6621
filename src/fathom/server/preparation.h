// From a Call to what a generator takes: prompt text, tokens, limits, seed, constraint. Pure but for the seed that is
// drawn; it may take seconds on a book, so workers run it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"
#include "fathom/api/shown_prompt.h"
#include "fathom/engine/generator.h"
#include "fathom/server/exact_replay.h"
#include "fathom/server/hosted_model.h"

namespace fathom::server {

struct PreparedCall {
  GenerationRequest request;
  bool in_thinking = false;  // the answer begins inside its reasoning
};

// Prompt text as the model reads it: a conversation's, or that of a completion with or without its suffix.
MarkedPrompt prompt_of(const api::Call& call);
// Whether the answer to this prompt begins inside its reasoning.
bool begins_in_thinking(const api::Call& call, std::string_view prompt);
struct Preparation {
  const api::Policy& policy;
  const std::string& owner;         // account of the key; goes before the client's user
  AnswerMemory* memory = nullptr;   // of answers that may come back; null: none
  std::int64_t context_tokens = 0;  // that the key may use, where that is less than the model's; 0: no limit
};

// Throws api::ApiError: beyond the context, no fill-in-the-middle in this vocabulary, a schema that cannot be obeyed.
PreparedCall prepare(const api::Call& call, const HostedModel& model, const Preparation& preparation);
// Tokens of the prompt alone, the same that prepare() makes.
std::int64_t count_tokens(const api::Call& call, const HostedModel& model, const Preparation& preparation);

// A wish as POST /tokenize and /apply-template answer it; refused is what prepare() refuses.
std::string tokenized(const api::PromptWish& wish, const HostedModel& model, const Preparation& preparation);
std::string templated(const api::PromptWish& wish, const HostedModel& model, const Preparation& preparation);

// Whose prefixes and answers this call may find: the account's and the user's, nobody else's.
std::string cache_scope(const api::Call& call, const std::string& owner);
Replay replay_of(const api::Call& call, const HostedModel& model, const Preparation& preparation);

}  // namespace fathom::server
