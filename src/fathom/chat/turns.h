// The first half of the prompt encoding: V4 has no tool role, so results travel inside user turns. Neighbouring user
// and tool messages become one turn, whose results stand in the order in which the assistant made the calls.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "fathom/chat/message.h"

namespace fathom {

// One part of a user turn: what the user wrote, or what a tool answered.
struct TurnBlock {
  bool is_tool_result = false;
  std::string_view text;
  std::string_view tool_call_id;
};

// Views into the messages it was made from.
struct Turn {
  Role role = Role::user;                // never Role::tool
  const ChatMessage* message = nullptr;  // null for a user turn that a tool message opened
  std::vector<TurnBlock> blocks;         // of a user turn
  std::optional<Task> task;
};

std::vector<Turn> merge_turns(std::span<const ChatMessage> messages);

// The place of the last user or developer turn, or -1.
std::int64_t last_user_turn(std::span<const Turn> turns);

}  // namespace fathom
