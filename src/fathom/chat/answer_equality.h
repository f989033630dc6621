// Whether a client sends back what it was told (docs/exact_replay.md).
#pragma once

#include <span>
#include <string_view>

#include "fathom/chat/message.h"

namespace fathom {

// Whether what the model wrote behind its reasoning reads as that message's content and calls: content to the byte,
// calls by name, in order, their arguments equal as JSON. Markup that must be repaired to be read reads as nothing.
// `tools`: those that were offered.
bool reads_as(std::string_view said, const ChatMessage& message, std::span<const Tool> tools);

}  // namespace fathom
