#include "fathom/api/call_pairing.h"

#include <algorithm>
#include <vector>

namespace fathom::api {

std::optional<UnpairedCall> find_unpaired_call(std::span<const ChatMessage> messages, ResultPlace place) {
  std::vector<std::string> open;    // calls of the latest assistant turn without a result yet
  std::vector<std::string> called;  // all its calls
  for (const ChatMessage& message : messages) {
    const bool closes =
        message.role == Role::assistant || (place == ResultPlace::right_behind && message.role != Role::tool);
    if (closes) {
      if (!open.empty()) return UnpairedCall{UnpairedCall::Fault::no_result, open.front()};
      called.clear();
      for (const ToolCall& call : message.tool_calls) called.push_back(call.id);
      open = called;
    } else if (message.role == Role::tool) {
      if (std::find(called.begin(), called.end(), message.tool_call_id) == called.end())
        return UnpairedCall{UnpairedCall::Fault::no_call, message.tool_call_id};
      std::erase(open, message.tool_call_id);
    }
  }
  if (!open.empty()) return UnpairedCall{UnpairedCall::Fault::no_result, open.front()};
  return std::nullopt;
}

}  // namespace fathom::api
