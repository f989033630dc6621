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

// What the assistant wrote, as far as the prompt has it: reasoning, </think>, content, calls and the end of sentence.
// Not what hands the word to it.
struct PromptAnswer {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t message = 0;  // which one
  // Without the markers; the first is empty where the prompt leaves the reasoning out.
  PromptStretch reasoning;
  PromptStretch said;  // content and calls
};

struct MarkedPrompt {
  std::string text;
  std::vector<PromptAnswer> answers;  // one a message of the assistant, in order
  std::size_t instructions_end = 0;   // of system text and tools, where the first other turn begins; 0: there are none
};

MarkedPrompt render_marked_prompt(std::span<const ChatMessage> messages, const PromptOptions& options);

}  // namespace fathom
