#include "fathom/server/preparation.h"

#include <fmt/format.h>

#include <algorithm>

#include "fathom/api/api_error.h"
#include "fathom/chat/markers.h"
#include "fathom/chat/prompt.h"
#include "fathom/server/identifiers.h"

namespace fathom::server {
namespace {

constexpr std::string_view kFimBegin = "<｜fim▁begin｜>";
constexpr std::string_view kFimHole = "<｜fim▁hole｜>";
constexpr std::string_view kFimEnd = "<｜fim▁end｜>";

constexpr std::int64_t kMaxTokens = 8192;
constexpr std::int64_t kMaxTokensThinking = 65536;
constexpr std::int64_t kMaxTokensMaxEffort = 131072;
constexpr std::int64_t kMaxTokensCompletion = 4096;

api::ApiError invalid(const std::string& message) { return {400, "invalid_request_error", message}; }

std::string completion_text(const api::Completion& completion) {
  std::string text(marker::begin_of_sentence);
  if (!completion.suffix) return text + completion.prompt;
  text += kFimBegin;
  text += completion.prompt;
  text += kFimHole;
  text += *completion.suffix;
  text += kFimEnd;
  return text;
}

// What is left of the context for the answer.
std::int64_t settle_max_tokens(const api::Call& call, const HostedModel& model, const api::Policy& policy,
                               std::int64_t prompt_tokens) {
  const std::int64_t wanted = std::min(call.sampling.max_tokens.value_or(default_max_tokens(call)),
                                       call.sampling.max_tokens ? model.context_tokens : model.max_output_tokens);
  const std::int64_t asked = call.sampling.max_tokens.value_or(wanted);
  const std::int64_t room = model.context_tokens - prompt_tokens;
  const bool may_clip = policy.clip_max_tokens || !call.sampling.max_tokens;
  if (room < 1 || (asked > room && !may_clip))
    throw invalid(
        fmt::format("This model's maximum context length is {} tokens. However, you requested {} tokens ({} in "
                    "the messages, {} in the completion). Please reduce the length of the messages or "
                    "completion.",
                    model.context_tokens, prompt_tokens + asked, prompt_tokens, asked));
  return std::min(wanted, room);
}

}  // namespace

std::string prompt_text(const api::Call& call) {
  return call.completion ? completion_text(*call.completion) : render_prompt(call.messages, call.prompt);
}

bool begins_in_thinking(const api::Call& call, std::string_view prompt) {
  const bool goes_on = !call.messages.empty() && call.messages.back().open_end;  // from behind </think>
  return !call.completion && !goes_on && prompt.ends_with(marker::think_start);
}

std::int64_t default_max_tokens(const api::Call& call) {
  if (call.completion) return kMaxTokensCompletion;
  if (call.prompt.thinking_mode == ThinkingMode::chat) return kMaxTokens;
  return call.prompt.reasoning_effort == ReasoningEffort::max ? kMaxTokensMaxEffort : kMaxTokensThinking;
}

PreparedCall prepare(const api::Call& call, const HostedModel& model, const Preparation& preparation) {
  const Tokenizer& tokenizer = *model.tokenizer;
  if (call.completion && call.completion->suffix)
    for (const std::string_view token : {kFimBegin, kFimHole, kFimEnd})
      if (!tokenizer.added_token(token))
        throw invalid(fmt::format("{} cannot fill in the middle: its vocabulary has no {}", model.id, token));
  PreparedCall prepared;
  const std::string text = prompt_text(call);
  prepared.in_thinking = begins_in_thinking(call, text);
  GenerationRequest& request = prepared.request;
  request.prompt = tokenizer.encode(text);
  const api::CallSampling& sampling = call.sampling;
  request.sampling = {.temperature = sampling.temperature,
                      .top_p = sampling.top_p,
                      .top_k = sampling.top_k,
                      .min_p = sampling.min_p,
                      .seed = sampling.seed ? *sampling.seed : draw_seed(),
                      .max_tokens = settle_max_tokens(call, model, preparation.policy, std::ssize(request.prompt)),
                      .top_logprobs = sampling.top_logprobs,
                      .stop_tokens = {model.end_of_sentence}};
  if (preparation.constraint) request.constraint = preparation.constraint(call, model, prepared.in_thinking);
  request.user = preparation.owner.empty() ? call.user : preparation.owner + "/" + call.user;
  return prepared;
}

std::int64_t count_tokens(const api::Call& call, const HostedModel& model) {
  return std::ssize(model.tokenizer->encode(prompt_text(call)));
}

}  // namespace fathom::server
