#include "fathom/api/responses_input.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "fathom/api/api_error.h"
#include "fathom/api/call_pairing.h"
#include "fathom/api/json_object.h"
#include "fathom/chat/json_text.h"

namespace fathom::api {
namespace {

using Kind = JsonValue::Kind;

std::string required_text(const JsonField& field) {
  field.expect(Kind::string);
  return field.value().text;
}

std::string read_part(const JsonField& part) {
  part.expect(Kind::object);
  const std::string type = required_text(part.member("type"));
  if (type == "input_text" || type == "output_text" || type == "text") return required_text(part.member("text"));
  if (type == "refusal") return part.member("refusal").text_or_none().value_or("");
  return fmt::format("[Unsupported {}]", type);
}

// A string or parts, joined by "\n\n".
std::string read_parts(const JsonField& content) {
  if (content.is(Kind::string)) return content.value().text;
  if (!content.is(Kind::array)) content.fail("a string or an array of parts");
  std::string joined;
  std::string_view between;
  for (const JsonField& part : content.elements()) {
    joined += between;
    joined += read_part(part);
    between = "\n\n";
  }
  return joined;
}

void read_message(const JsonField& item, bool continues, TurnBuilder& turns) {
  enum class Speaker { user, assistant, system };
  constexpr std::array<std::pair<std::string_view, Speaker>, 4> speakers = {{{"user", Speaker::user},
                                                                             {"assistant", Speaker::assistant},
                                                                             {"system", Speaker::system},
                                                                             {"developer", Speaker::system}}};
  const Speaker speaker = item.member("role").one_of<Speaker>(speakers);
  const std::string text = read_parts(item.member("content"));
  if (speaker == Speaker::assistant) {
    turns.answer(text);
  } else if (speaker == Speaker::system && !continues) {
    turns.system(text);
  } else {
    turns.user(text);
  }
}

void read_reasoning(const JsonField& item, TurnBuilder& turns) {
  const JsonField content = item.member("content");
  if (content.is_none()) return;
  content.expect(Kind::array);
  std::string text;
  for (const JsonField& part : content.elements()) {
    part.expect(Kind::object);
    if (part.member("type").text_or_none() == "reasoning_text") join_text(text, required_text(part.member("text")));
  }
  if (!text.empty()) turns.reasoning(text);
}

std::string read_arguments(const JsonField& arguments) {
  if (arguments.is_none()) return "{}";
  if (arguments.is(Kind::object)) return write_json(arguments.value());
  return required_text(arguments);
}

void read_call(const JsonField& item, bool custom, const ResponsesTools& tools, TurnBuilder& turns) {
  ToolCall call;
  call.id = required_text(item.member("call_id"));
  call.name =
      tools.shown_name(item.member("namespace").text_or_none().value_or(""), required_text(item.member("name")));
  call.arguments = custom ? JsonObject().text("input", required_text(item.member("input"))).close()
                          : read_arguments(item.member("arguments"));
  turns.call(std::move(call));
}

void read_output(const JsonField& item, TurnBuilder& turns) {
  const JsonField output = item.member("output");
  turns.result(required_text(item.member("call_id")), output.is_none() ? "" : read_parts(output));
}

}  // namespace

void read_input_tools(const JsonField& input, ResponsesTools& tools) {
  if (!input.is(Kind::array)) return;
  for (const JsonField& item : input.elements())
    if (item.is(Kind::object) && item.member("type").text_or_none() == "additional_tools")
      tools.add(item.member("tools"));
}

void read_responses_input(const JsonField& input, const ResponsesTools& tools, bool continues, TurnBuilder& turns) {
  if (input.is(Kind::string)) {
    turns.user(input.value().text);
    return;
  }
  if (!input.is(Kind::array)) input.fail("a string or an array of items");
  for (const JsonField& item : input.elements()) {
    item.expect(Kind::object);
    const std::string type = item.member("type").text_or_none().value_or("message");
    if (type == "message") {
      read_message(item, continues, turns);
    } else if (type == "reasoning") {
      read_reasoning(item, turns);
    } else if (type == "function_call" || type == "custom_tool_call") {
      read_call(item, type == "custom_tool_call", tools, turns);
    } else if (type == "function_call_output" || type == "custom_tool_call_output") {
      read_output(item, turns);
    }
  }
}

void check_response_calls(const std::vector<ChatMessage>& messages) {
  const std::optional<UnpairedCall> alone = find_unpaired_call(messages);
  if (!alone) return;
  throw ApiError(400, "invalid_request_error",
                 alone->fault == UnpairedCall::Fault::no_call
                     ? fmt::format("No tool call found for function call output with call_id {}.", alone->id)
                     : fmt::format("No tool output found for function call {}.", alone->id));
}

}  // namespace fathom::api
