#include "fathom/api/call_limits.h"

#include <algorithm>

#include "fathom/api/body_fields.h"
#include "fathom/api/hosted_errors.h"

namespace fathom::api {

std::optional<std::int64_t> read_max_tokens(const JsonField& field, const ServedModel& model, const Policy& policy,
                                            std::int64_t hosted) {
  const std::int64_t most = model.max_output_tokens;
  const std::optional<std::int64_t> asked =
      integer_in(field, 1, policy.clip_max_tokens ? std::max(most, hosted) : most);
  if (!asked) return std::nullopt;
  return std::min(*asked, most);
}

std::int64_t default_max_tokens(const Call& call) {
  constexpr std::int64_t kChat = 8192;
  constexpr std::int64_t kThinking = 65'536;
  constexpr std::int64_t kMaxEffort = 131'072;
  if (call.completion) return kCompletionMaxTokens;
  if (call.prompt.thinking_mode == ThinkingMode::chat) return kChat;
  return call.prompt.reasoning_effort == ReasoningEffort::max ? kMaxEffort : kThinking;
}

std::int64_t settle_max_tokens(const Call& call, const ServedModel& model, const Policy& policy,
                               std::int64_t prompt_tokens) {
  const std::int64_t wanted =
      std::min(call.sampling.max_tokens.value_or(default_max_tokens(call)), model.max_output_tokens);
  const std::int64_t room = model.context_tokens - prompt_tokens;
  const bool may_clip = policy.clip_max_tokens || !call.sampling.max_tokens;
  if (room < 1 || (wanted > room && !may_clip)) throw beyond_context(model.context_tokens, prompt_tokens, wanted);
  return std::min(wanted, room);
}

}  // namespace fathom::api
