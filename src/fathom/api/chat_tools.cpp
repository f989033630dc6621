#include "fathom/api/chat_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "fathom/api/body_fields.h"
#include "fathom/api/hosted_errors.h"
#include "fathom/chat/message_json.h"

namespace fathom::api {
namespace {

using Kind = JsonValue::Kind;

void check_name(const JsonField& name) {
  constexpr std::size_t kLongest = 64;
  const std::string& text = required_text(name);
  const bool fits = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (fits && !text.empty() && text.size() <= kLongest) return;
  throw invalid_request(
      fmt::format("Invalid '{}': string does not match pattern. Expected a string that matches the pattern "
                  "'^[a-zA-Z0-9_-]{{1,{}}}$'.",
                  name.place(), kLongest));
}

void check_type(const JsonField& type, std::string_view name) {
  if (!type.is_none() && !(type.is(Kind::string) && type.value().text == name)) type.fail_names({name});
}

ToolSchema read_schema(const JsonField& tool) {
  tool.expect(Kind::object);
  check_type(tool.member("type"), "function");
  const JsonField function = tool.member("function");
  function.expect(Kind::object);
  check_name(function.member("name"));
  const JsonField description = function.member("description");
  if (!description.is_none()) description.expect(Kind::string);
  ToolSchema schema{.name = function.member("name").value().text, .parameters = "{}"};
  const JsonField parameters = function.member("parameters");
  if (!parameters.is_none()) {
    parameters.expect(Kind::object);
    schema.parameters = write_json(parameters.value());
  }
  schema.strict = function.member("strict").truth_or(false);
  return schema;
}

}  // namespace

ChatTools read_chat_tools(const JsonField& tools) {
  constexpr std::size_t kMost = 128;
  ChatTools read;
  if (tools.is_none()) return read;
  tools.expect(Kind::array);
  const std::size_t count = tools.value().elements.size();
  if (count > kMost)
    throw invalid_request(
        fmt::format("Invalid '{}': array too long. Expected an array with maximum length {}, but got "
                    "an array with length {} instead.",
                    tools.place(), kMost, count));
  std::set<std::string> names;
  for (const JsonField& tool : tools.elements()) {
    read.schemas.push_back(read_schema(tool));
    if (!names.insert(read.schemas.back().name).second) throw repeated_tool_name();
  }
  read.prompt = read_tools(tools);
  return read;
}

ToolChoice read_chat_choice(const JsonField& choice, const ChatTools& tools) {
  using Choice = ToolChoice::Kind;
  ToolChoice read{.kind = tools.schemas.empty() ? Choice::none : Choice::automatic, .name = {}};
  if (choice.is_none()) return read;
  if (!choice.is(Kind::object)) {
    constexpr std::array<std::pair<std::string_view, Choice>, 3> kinds = {
        {{"none", Choice::none}, {"auto", Choice::automatic}, {"required", Choice::required}}};
    const Choice kind = choice.one_of<Choice>(kinds);
    if (kind == Choice::required && tools.schemas.empty())
      throw invalid_request("Invalid tool_choice value, `required` needs tools to choose from");
    if (!tools.schemas.empty()) read.kind = kind;
    return read;
  }
  check_type(choice.member("type"), "function");
  const JsonField function = choice.member("function");
  function.expect(Kind::object);
  read.name = required_text(function.member("name"));
  read.kind = Choice::named;
  for (const ToolSchema& tool : tools.schemas)
    if (tool.name == read.name) return read;
  throw invalid_request(fmt::format("Invalid tool_choice value, no tool is named {}", text_start(read.name, 64)));
}

ResponseFormat read_chat_format(const JsonField& format, const Policy& policy) {
  using Form = ResponseFormat::Kind;
  ResponseFormat read;
  if (format.is_none()) return read;
  format.expect(Kind::object);
  constexpr std::array<std::pair<std::string_view, Form>, 3> kinds = {
      {{"text", Form::text}, {"json_object", Form::json_object}, {"json_schema", Form::json_schema}}};
  read.kind = format.member("type").one_of<Form>(kinds);
  if (read.kind != Form::json_schema) return read;
  if (policy.strict_hosted) throw no_such_format();
  const JsonField wrapper = format.member("json_schema");
  wrapper.expect(Kind::object);
  const JsonField schema = wrapper.member("schema");
  schema.expect(Kind::object);
  read.schema = write_json(schema.value());
  return read;
}

}  // namespace fathom::api
