// What the tests of the surfaces share: an operator's policy, and a body's fault.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"

namespace fathom::api::test {

Policy policy();               // flash and pro, 1,048,576 tokens of context, 393,216 of answer
RequestContext context();      // of 2026-06-01, a client that is no agent
RequestContext claude_code();  // with its headers

Call chat(std::string_view body);
Call anthropic(std::string_view body);
Call responses(std::string_view body);

std::string prompt_of(const Call& call);

// Message of the ApiError that `read` throws, which must be a 400 invalid_request_error; or "none".
std::string refusal(const std::function<void()>& read);
// The same, with "~ " for the words that open faults of the body, and without the line and column that end them.
std::string body_refusal(const std::function<void()>& read);

}  // namespace fathom::api::test
