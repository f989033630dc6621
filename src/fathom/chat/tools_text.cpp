#include "fathom/chat/tools_text.h"

#include <string_view>

#include "fathom/chat/json_text.h"
#include "fathom/chat/markers.h"

namespace fathom {
namespace {

constexpr std::string_view kToolsHead = R"(## Tools

You have access to a set of tools to help answer the user's question. You can invoke tools by writing a "<｜DSML｜tool_calls>" block like the following:

<｜DSML｜tool_calls>
<｜DSML｜invoke name="$TOOL_NAME">
<｜DSML｜parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</｜DSML｜parameter>
...
</｜DSML｜invoke>
<｜DSML｜invoke name="$TOOL_NAME2">
...
</｜DSML｜invoke>
</｜DSML｜tool_calls>

String parameters should be specified as is and set `string="true"`. For all other types (numbers, booleans, arrays, objects), pass the value in JSON format and set `string="false"`.

If thinking_mode is enabled (triggered by <think>), you MUST output your complete reasoning inside <think>...</think> BEFORE any tool calls or final response.

Otherwise, output directly after </think> with tool calls or final response.

### Available Tool Schemas

)";

constexpr std::string_view kToolsTail = R"(

You MUST strictly follow the above defined tool name and parameter schemas to invoke tool calls.
)";

void append_parameter(std::string& out, std::string_view name, const JsonValue& value) {
  const bool is_string = value.is(JsonValue::Kind::string);
  out += marker::parameter_named;
  out += name;
  out += is_string ? "\" string=\"true\">" : "\" string=\"false\">";
  if (is_string) {
    out += value.text;
  } else {
    append_json(out, value);
  }
  out += marker::parameter_close;
  out += '>';
}

void append_arguments(std::string& out, const std::string& arguments) {
  const std::optional<JsonValue> parsed = try_read_json(arguments);
  if (!parsed) {
    JsonValue text;
    text.kind = JsonValue::Kind::string;
    text.text = arguments;
    append_parameter(out, "arguments", text);
    return;
  }
  if (!parsed->is(JsonValue::Kind::object)) {
    append_parameter(out, "arguments", *parsed);
    return;
  }
  std::string_view between;
  for (const JsonMember& member : parsed->members) {
    out += between;
    append_parameter(out, member.key, member.value);
    between = "\n";
  }
}

}  // namespace

void append_tools(std::string& out, std::span<const Tool> tools) {
  out += kToolsHead;
  std::string_view between;
  for (const Tool& tool : tools) {
    out += between;
    out += tool.schema;
    between = "\n";
  }
  out += kToolsTail;
}

void append_tool_calls(std::string& out, std::span<const ToolCall> calls) {
  out += marker::calls_open;
  out += ">\n";
  for (const ToolCall& call : calls) {
    out += marker::invoke_named;
    out += call.name;
    out += "\">\n";
    append_arguments(out, call.arguments);
    out += '\n';
    out += marker::invoke_close;
    out += ">\n";
  }
  out += marker::calls_close;
  out += '>';
}

}  // namespace fathom
