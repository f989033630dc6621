#include "fathom/chat/turns.h"

#include <algorithm>
#include <map>

namespace fathom {
namespace {

// What Python's format() makes of a null content; the released encoder lets it through for tool results.
constexpr std::string_view kPythonNone = "None";

void merge_message(const ChatMessage& message, std::vector<Turn>& turns) {
  const bool after_user = !turns.empty() && turns.back().role == Role::user;
  if (message.role == Role::tool) {
    const TurnBlock block{true, message.content ? std::string_view(*message.content) : kPythonNone,
                          message.tool_call_id};
    if (!after_user) turns.push_back({.role = Role::user, .message = nullptr, .blocks = {}, .task = {}});
    turns.back().blocks.push_back(block);
    return;
  }
  if (message.role != Role::user) {
    turns.push_back({.role = message.role, .message = &message, .blocks = {}, .task = message.task});
    return;
  }
  // A turn that ends in a task is closed to further text. Text that joins a turn leaves its own task behind: so does
  // the released encoder.
  const TurnBlock block{false, message.content ? std::string_view(*message.content) : "", {}};
  if (!after_user || turns.back().task)
    turns.push_back({.role = Role::user, .message = &message, .blocks = {}, .task = message.task});
  turns.back().blocks.push_back(block);
}

using CallOrder = std::map<std::string_view, std::int64_t>;

// Results change places among themselves; text between them stays where it is. A result that answers no known call
// sorts as if it answered the first.
void sort_results(Turn& turn, const CallOrder& order) {
  std::vector<TurnBlock> results;
  std::copy_if(turn.blocks.begin(), turn.blocks.end(), std::back_inserter(results),
               [](const TurnBlock& block) { return block.is_tool_result; });
  const auto place = [&order](const TurnBlock& block) {
    const auto found = order.find(block.tool_call_id);
    return found == order.end() ? 0 : found->second;
  };
  std::stable_sort(results.begin(), results.end(),
                   [&](const TurnBlock& left, const TurnBlock& right) { return place(left) < place(right); });
  auto next = results.begin();
  for (TurnBlock& block : turn.blocks)
    if (block.is_tool_result) block = *next++;
}

}  // namespace

std::vector<Turn> merge_turns(std::span<const ChatMessage> messages) {
  std::vector<Turn> turns;
  for (const ChatMessage& message : messages) merge_message(message, turns);

  CallOrder order;  // of the latest assistant turn that made calls
  for (Turn& turn : turns) {
    if (turn.role == Role::user) {
      sort_results(turn, order);
    } else if (turn.role == Role::assistant && !turn.message->tool_calls.empty()) {
      order.clear();
      std::int64_t place = 0;
      for (const ToolCall& call : turn.message->tool_calls) {
        if (!call.id.empty()) order[call.id] = place;
        ++place;
      }
    }
  }
  return turns;
}

std::int64_t last_user_turn(std::span<const Turn> turns) {
  for (auto turn = static_cast<std::int64_t>(turns.size()) - 1; turn >= 0; --turn) {
    const Role role = turns[static_cast<std::size_t>(turn)].role;
    if (role == Role::user || role == Role::developer) return turn;
  }
  return -1;
}

}  // namespace fathom
