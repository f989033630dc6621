// Messages as the encoding wants them, out of the pieces that the Anthropic and the Responses surface send: a system
// text that stands in front, and one message an assistant turn.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fathom/chat/message.h"

namespace fathom::api {

// Puts "\n\n" between what is there and what comes.
void join_text(std::string& text, std::string_view more);

class TurnBuilder {
 public:
  // Before the first turn it is part of the system text, later of the user's turn: the encoding writes a system message
  // in the middle as bare text, and hands the word to nobody after one at the end (api.md 6.2).
  void system(std::string_view text);
  void user(std::string_view text);
  void result(std::string_view call_id, std::string_view text);
  // Pieces of the assistant's turn; they join the one that is open.
  void reasoning(std::string_view text);
  void answer(std::string_view text);
  void call(ToolCall call);

  // What system() said before the first turn. Where no turn came, nothing: it is the user's turn then.
  std::string take_system_text();
  // An assistant's turn at the end is left open, so that the answer goes on from there. Before it, one that has nothing
  // but reasoning was broken off, and is left out.
  std::vector<ChatMessage> take_turns();

 private:
  ChatMessage& add(Role role);
  ChatMessage& assistant();
  void settle();

  std::string system_text_;
  std::vector<ChatMessage> turns_;
};

}  // namespace fathom::api
