// POST /anthropic/v1/messages and /count_tokens: a body to a Call. docs/api_anthropic.md says what becomes of each
// field.
#pragma once

#include <string_view>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"

namespace fathom::api {

// ApiError for what the hosted API refuses.
Call read_anthropic(std::string_view body, const Policy& policy, const RequestContext& context);

}  // namespace fathom::api
