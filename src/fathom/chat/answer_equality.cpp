#include "fathom/chat/answer_equality.h"

#include <algorithm>
#include <optional>
#include <string>

#include "fathom/chat/answer_parser.h"
#include "fathom/chat/json_equality.h"

namespace fathom {
namespace {

bool same_arguments(const std::string& one, const std::string& other) {
  if (one == other) return true;
  const std::optional<JsonValue> a = try_read_json(one);
  const std::optional<JsonValue> b = a ? try_read_json(other) : std::nullopt;
  return a && b && same_json(*a, *b);
}

bool same_call(const AnswerCall& made, const ToolCall& sent) {
  return made.complete && made.name == sent.name && same_arguments(made.arguments, sent.arguments);
}

}  // namespace

bool reads_as(std::string_view said, const ChatMessage& message, std::span<const Tool> tools) {
  const std::string_view content = message.content ? std::string_view(*message.content) : "";
  if (message.tool_calls.empty()) return said == content;
  if (!said.starts_with(content)) return false;
  AnswerParser parser({.thinking_mode = ThinkingMode::chat, .tools = {tools.begin(), tools.end()}});
  parser.feed(said);
  parser.finish();
  const Answer& answer = parser.answer();
  return answer.well_formed() && answer.content == content &&
         std::equal(answer.calls.begin(), answer.calls.end(), message.tool_calls.begin(), message.tool_calls.end(),
                    same_call);
}

}  // namespace fathom
