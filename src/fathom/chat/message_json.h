// JSON to a typed chat request. Unknown keys are ignored, as the public API does; a known key of the wrong kind is an
// InputError that names it: "[chat] messages[3].role: found "function", expected one of system, ...".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/chat/json_field.h"
#include "fathom/chat/json_text.h"
#include "fathom/chat/message.h"

namespace fathom {

// A request is an array of messages or an object:
//   messages              required
//   thinking_mode         "chat" | "thinking" (default)
//   thinking              {"type": "enabled" | "adaptive" | "disabled"}, the public API's switch
//   reasoning_effort      none turns thinking off; minimal, low, medium, high -> high; xhigh, max, ultra -> max
//   drop_thinking         default true
//   tools, tool_choice    hang on the first message, a system message put there if it is none; "none" offers none
//   response_format       likewise; {"type": "text"} asks for nothing, {"type": "json_schema"} for its schema
ChatRequest read_chat_request(const JsonValue& request);
// `place` opens the errors about JSON itself. A byte-order mark is skipped.
ChatRequest read_chat_request(std::string_view json, std::string_view place);

// A message's content, reasoning and calls as the public API has them; "tool_call_id" too. What only the released
// encoder knows ("tools", "task", "wo_eos" ...) is an unknown key here.
ChatMessage read_message(const JsonField& message, Role role);

// An array of {"type": "function", "function": {...}}, or null.
std::vector<Tool> read_tools(const JsonField& tools);
std::vector<Tool> read_tools(const JsonValue& tools, std::string_view place);
// What the prompt says of OpenAI's response_format: its schema; nothing for plain text.
std::optional<std::string> read_format(const JsonField& format);
// One name of the union above; InputError for any other. Nothing, or false, when it turns thinking off.
std::optional<ReasoningEffort> read_effort(const JsonField& effort);
bool read_effort(std::string_view name, std::string_view place, ReasoningEffort& effort);
ThinkingMode read_thinking_mode(const JsonValue& value, std::string_view place);

// Hangs what stands beside "messages" on the first of them, a system message put there if it is none.
void hang_on_system(std::vector<ChatMessage>& messages, std::vector<Tool> tools, std::optional<std::string> format);

// All tools that any message offers.
std::vector<Tool> offered_tools(const ChatRequest& request);

}  // namespace fathom
