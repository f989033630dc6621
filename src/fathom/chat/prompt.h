// Messages to prompt text, byte for byte as DeepSeek-V4's released encoder writes it. The rules and their evidence are
// in docs/chat_format.md.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "fathom/chat/message.h"

namespace fathom {

// Pure, and total: every list of messages has a prompt, the empty one included.
std::string render_prompt(std::span<const ChatMessage> messages, const PromptOptions& options);

// Bytes [begin, end) of a prompt.
struct PromptStretch {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct MarkedPrompt {
  std::string text;
  // What the assistant wrote, a stretch a message: reasoning, </think>, content, calls and the end of sentence, as far
  // as the prompt has them. Not what hands the word to it.
  std::vector<PromptStretch> answers;
};

MarkedPrompt render_marked_prompt(std::span<const ChatMessage> messages, const PromptOptions& options);

}  // namespace fathom
