// Tools in the prompt: how they are offered to the model, and how the calls it made are written back.
#pragma once

#include <span>
#include <string>

#include "fathom/chat/message.h"

namespace fathom {

// The "## Tools" block: how to call, then one schema a line.
void append_tools(std::string& out, std::span<const Tool> tools);

// "<｜DSML｜tool_calls> ... </｜DSML｜tool_calls>"; `calls` is not empty. Arguments that are no JSON object travel as
// the one parameter "arguments": text that is no JSON as a string, any other JSON value as that value.
void append_tool_calls(std::string& out, std::span<const ToolCall> calls);

}  // namespace fathom
