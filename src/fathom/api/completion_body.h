// POST /completions: a body to a Call: a text to go on with, or the two sides of a hole to fill (api.md 5). The model
// does not think here.
#pragma once

#include <string_view>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"

namespace fathom::api {

// ApiError for what the hosted API refuses.
Call read_completion(std::string_view body, const Policy& policy, const RequestContext& context);

}  // namespace fathom::api
