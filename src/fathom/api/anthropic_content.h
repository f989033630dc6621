// Anthropic's messages and system text, as turns (api.md 6.1, 6.2).
#pragma once

#include <string>

#include "fathom/api/turn_builder.h"
#include "fathom/chat/json_field.h"

namespace fathom::api {

// Text, or blocks whose texts are joined by "\n\n"; none for null. Blocks that are no text say so: "[Unsupported
// image]". The line with which Claude Code tells who pays is left out: it differs from one conversation to the next,
// and the prefix cache would find nothing again.
std::string read_anthropic_system(const JsonField& system);

// An array of messages with the roles user, assistant and system.
void read_anthropic_messages(const JsonField& messages, TurnBuilder& turns);

// ApiError if a call has no result, or a result no call.
void check_anthropic_calls(const std::vector<ChatMessage>& messages);

}  // namespace fathom::api
