// What a request's fields settle together with the operator's policy, on every surface with messages: the mode and the
// effort (api.md 3), and what the hosted API refuses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fathom/api/call.h"
#include "fathom/api/model_names.h"
#include "fathom/api/policy.h"
#include "fathom/chat/json_field.h"

namespace fathom::api {

// How the client wants to be answered; InputError from the field of an effort that nobody knows.
struct ThinkingWish {
  std::optional<ThinkingMode> mode = {};
  JsonField effort{nullptr, "effort"};
};

// Mode, effort and sampling. Thinking is the default; an agent with tools thinks as hard as it can, and agent_effort
// says by what it was known; in thinking mode temperature and top_p count for nothing. Needs the call's tools and
// sampling.
void settle_thinking(Call& call, const ModelChoice& model, const ThinkingWish& wish, const Policy& policy,
                     const RequestContext& context);

// ApiError where the policy is as strict as the hosted API: a tool_choice in thinking mode, reasoning that was not
// passed back (`reasoning_field` names it).
void check_hosted_limits(const Call& call, const Policy& policy, std::string_view reasoning_field);

}  // namespace fathom::api
