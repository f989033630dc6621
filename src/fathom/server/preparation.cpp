#include "fathom/server/preparation.h"

#include <fmt/format.h>

#include <algorithm>

#include "fathom/api/call_limits.h"
#include "fathom/api/hosted_errors.h"
#include "fathom/api/model_names.h"
#include "fathom/chat/markers.h"
#include "fathom/chat/prompt.h"
#include "fathom/server/call_constraint.h"
#include "fathom/server/identifiers.h"

namespace fathom::server {
namespace {

constexpr std::string_view kFimBegin = "<｜fim▁begin｜>";
constexpr std::string_view kFimHole = "<｜fim▁hole｜>";
constexpr std::string_view kFimEnd = "<｜fim▁end｜>";

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

}  // namespace

MarkedPrompt prompt_of(const api::Call& call) {
  if (call.completion) return {.text = completion_text(*call.completion), .answers = {}};
  return render_marked_prompt(call.messages, call.prompt);
}

bool begins_in_thinking(const api::Call& call, std::string_view prompt) {
  const bool goes_on = !call.messages.empty() && call.messages.back().open_end;  // from behind </think>
  return !call.completion && !goes_on && prompt.ends_with(marker::think_start);
}

PreparedCall prepare(const api::Call& call, const HostedModel& model, const Preparation& preparation) {
  const Tokenizer& tokenizer = *model.tokenizer;
  if (call.completion && call.completion->suffix)
    for (const std::string_view token : {kFimBegin, kFimHole, kFimEnd})
      if (!tokenizer.added_token(token))
        throw api::invalid_request(
            fmt::format("{} cannot fill in the middle: its vocabulary has no {}", model.id, token));
  PreparedCall prepared;
  const MarkedPrompt prompt = prompt_of(call);
  prepared.in_thinking = begins_in_thinking(call, prompt.text);
  GenerationRequest& request = prepared.request;
  PromptIds ids = replayed_ids(prompt, call, tokenizer, replay_of(call, model, preparation));
  request.prompt = std::move(ids.ids);
  if (ids.instructions > 0) request.snapshot_at = {ids.instructions};  // for the next session of this client
  api::ServedModel served = api::served_model(preparation.policy, model.id);
  if (preparation.context_tokens > 0)
    served.context_tokens = std::min(served.context_tokens, preparation.context_tokens);
  const api::CallSampling& sampling = call.sampling;
  request.sampling = {
      .temperature = sampling.temperature,
      .top_p = sampling.top_p,
      .top_k = sampling.top_k,
      .min_p = sampling.min_p,
      .seed = sampling.seed ? *sampling.seed : draw_seed(),
      .max_tokens = api::settle_max_tokens(call, served, preparation.policy, std::ssize(request.prompt)),
      .top_logprobs = sampling.top_logprobs,
      .stop_tokens = {model.end_of_sentence}};
  request.constraint = constrain(call, model, prepared.in_thinking);
  request.user = preparation.owner.empty() ? call.user : preparation.owner + "/" + call.user;
  request.account = preparation.owner;
  request.cache_scope = cache_scope(call, preparation.owner);
  return prepared;
}

std::int64_t count_tokens(const api::Call& call, const HostedModel& model, const Preparation& preparation) {
  return std::ssize(replayed_ids(prompt_of(call), call, *model.tokenizer, replay_of(call, model, preparation)).ids);
}

std::string tokenized(const api::PromptWish& wish, const HostedModel& model, const Preparation& preparation) {
  const std::vector<std::int32_t> ids = prepare(wish.call, model, preparation).request.prompt;
  api::ShownPrompt prompt{.text = model.tokenizer->decode(ids),
                          .ids = ids,
                          .pieces = {},
                          .context_tokens = api::served_model(preparation.policy, model.id).context_tokens};
  if (wish.token_texts)
    for (const std::int32_t id : ids) prompt.pieces.push_back(model.tokenizer->piece(id));
  return api::tokenized_body(prompt);
}

std::string templated(const api::PromptWish& wish, const HostedModel& model, const Preparation& preparation) {
  const std::vector<std::int32_t> ids = prepare(wish.call, model, preparation).request.prompt;
  return api::templated_body({.text = model.tokenizer->decode(ids), .ids = ids, .pieces = {}});
}

// With the owner's length before it, so that no two pairs make one scope.
std::string cache_scope(const api::Call& call, const std::string& owner) {
  return fmt::format("{}:{}/{}", owner.size(), owner, call.user);
}

Replay replay_of(const api::Call& call, const HostedModel& model, const Preparation& preparation) {
  const std::string& identity = model.identity.empty() ? model.fingerprint : model.identity;
  return {.memory = preparation.memory, .scope = fmt::format("{} {}", identity, cache_scope(call, preparation.owner))};
}

}  // namespace fathom::server
