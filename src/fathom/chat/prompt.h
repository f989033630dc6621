// Messages to prompt text, byte for byte as DeepSeek-V4's released encoder writes it. The rules and their evidence are
// in docs/chat_format.md.
#pragma once

#include <span>
#include <string>

#include "fathom/chat/message.h"

namespace fathom {

// Pure, and total: every list of messages has a prompt, the empty one included.
std::string render_prompt(std::span<const ChatMessage> messages, const PromptOptions& options);

}  // namespace fathom
