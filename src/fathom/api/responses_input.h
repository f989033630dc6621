// The Responses surface's input as turns (api.md 7).
#pragma once

#include <vector>

#include "fathom/api/responses_tools.h"
#include "fathom/api/turn_builder.h"
#include "fathom/chat/json_field.h"

namespace fathom::api {

// Tools that stand among the items (type additional_tools), as newer Codex has them.
void read_input_tools(const JsonField& input, ResponsesTools& tools);

// A text, or items: messages, reasoning, calls and their outputs; other kinds are passed over. `continues`: a stored
// conversation comes before it, so that what the system says is no longer at the start.
void read_responses_input(const JsonField& input, const ResponsesTools& tools, bool continues, TurnBuilder& turns);

// ApiError if a call has no output, or an output no call.
void check_response_calls(const std::vector<ChatMessage>& messages);

}  // namespace fathom::api
