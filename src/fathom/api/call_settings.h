// What a request's fields settle together with the operator's policy, on the Anthropic and the Responses surface: the
// model that is served, the mode and the effort, and what the hosted API refuses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"
#include "fathom/chat/json_field.h"

namespace fathom::api {

struct ModelChoice {
  std::string id;                             // the one that is served
  std::optional<ThinkingMode> thinking = {};  // what an old name stands for
};

// "[1m]" at the end is not part of the name. On the Anthropic surface claude-opus* is Pro, and any other name that
// nobody knows is Flash, as the preview had it; ApiError 400 elsewhere, and for old names after their time (api.md 2).
// A model that is not loaded is stood in for by the first that is.
ModelChoice choose_model(std::string_view name, Surface surface, const Policy& policy, std::int64_t now);
const ServedModel& served_model(const Policy& policy, std::string_view id);

// How the client wants to be answered; InputError from the field of an effort that nobody knows.
struct ThinkingWish {
  std::optional<ThinkingMode> mode = {};
  JsonField effort{nullptr, "effort"};
};

// Mode, effort and sampling. Thinking is the default; an agent with tools thinks as hard as it can (api.md 3); in
// thinking mode temperature and top_p count for nothing. Needs the call's tools and sampling.
void settle_thinking(Call& call, const ModelChoice& model, const ThinkingWish& wish, const Policy& policy,
                     const RequestContext& context);

// ApiError where the policy is as strict as the hosted API: a tool_choice in thinking mode, reasoning that was not
// passed back (`reasoning_field` names it).
void check_hosted_limits(const Call& call, const Policy& policy, std::string_view reasoning_field);

}  // namespace fathom::api
