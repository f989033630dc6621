// POST /chat/completions: a body to a Call. docs/api.md says what becomes of each field.
#pragma once

#include <string_view>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"

namespace fathom::api {

// ApiError for what the hosted API refuses.
Call read_chat(std::string_view body, const Policy& policy, const RequestContext& context);

}  // namespace fathom::api
