#include "fathom/api/turn_builder.h"

#include <utility>

namespace fathom::api {

void join_text(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty()) text += "\n\n";
  text += more;
}

void TurnBuilder::system(std::string_view text) {
  if (turns_.empty()) {
    join_text(system_text_, text);
  } else {
    user(text);
  }
}

void TurnBuilder::user(std::string_view text) { add(Role::user).content = text; }

void TurnBuilder::result(std::string_view call_id, std::string_view text) {
  ChatMessage& message = add(Role::tool);
  message.tool_call_id = call_id;
  message.content = text;
}

void TurnBuilder::reasoning(std::string_view text) {
  ChatMessage& turn = assistant();
  if (!turn.reasoning_content) turn.reasoning_content.emplace();
  join_text(*turn.reasoning_content, text);
}

void TurnBuilder::answer(std::string_view text) {
  ChatMessage& turn = assistant();
  if (!turn.content) turn.content.emplace();
  join_text(*turn.content, text);
}

void TurnBuilder::call(ToolCall call) { assistant().tool_calls.push_back(std::move(call)); }

std::string TurnBuilder::take_system_text() {
  settle();
  return std::exchange(system_text_, {});
}

std::vector<ChatMessage> TurnBuilder::take_turns() {
  settle();
  std::vector<ChatMessage> turns;
  for (ChatMessage& turn : turns_) {
    const bool says = turn.role != Role::assistant || turn.content || !turn.tool_calls.empty();
    if (says || &turn == &turns_.back()) turns.push_back(std::move(turn));
  }
  turns_.clear();
  if (!turns.empty() && turns.back().role == Role::assistant) turns.back().open_end = true;
  return turns;
}

ChatMessage& TurnBuilder::add(Role role) {
  turns_.emplace_back();
  turns_.back().role = role;
  return turns_.back();
}

ChatMessage& TurnBuilder::assistant() {
  if (!turns_.empty() && turns_.back().role == Role::assistant) return turns_.back();
  return add(Role::assistant);
}

void TurnBuilder::settle() {
  if (turns_.empty() && !system_text_.empty()) user(std::exchange(system_text_, {}));
}

}  // namespace fathom::api
