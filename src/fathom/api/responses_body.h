// POST /responses: a body to a Call. docs/api_responses.md says what becomes of each field.
#pragma once

#include <string_view>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"

namespace fathom::api {

// ApiError for what the hosted API refuses. With a previous_response the call has only its own turns yet:
// continue_response (response_store.h) puts the others before them, and checks that calls are answered.
Call read_responses(std::string_view body, const Policy& policy, const RequestContext& context);

}  // namespace fathom::api
