#include "fathom/chat/message_json.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/chat/json_field.h"

namespace fathom {
namespace {

using Kind = JsonValue::Kind;

constexpr std::array<std::pair<std::string_view, Role>, 6> kRoles = {{{"system", Role::system},
                                                                      {"developer", Role::developer},
                                                                      {"user", Role::user},
                                                                      {"assistant", Role::assistant},
                                                                      {"tool", Role::tool},
                                                                      {"latest_reminder", Role::latest_reminder}}};
constexpr std::array<std::pair<std::string_view, Task>, 6> kTasks = {{{"action", Task::action},
                                                                      {"query", Task::query},
                                                                      {"authority", Task::authority},
                                                                      {"domain", Task::domain},
                                                                      {"title", Task::title},
                                                                      {"read_url", Task::read_url}}};

// One part of a content list. Only text reaches the model; anything else is named where it stood.
std::string read_part(const JsonField& part) {
  part.expect(Kind::object);
  const JsonField type = part.member("type");
  if (type.text_or_none() == "text") return part.member("text").text_or_none().value_or("");
  return fmt::format("[Unsupported {}]", type.text_or_none().value_or("None"));
}

std::optional<std::string> read_content(const JsonField& content) {
  if (content.is_none()) return std::nullopt;
  if (!content.is(Kind::array)) {
    if (!content.is(Kind::string)) content.fail("a string, an array of parts or null");
    return content.value().text;
  }
  std::string joined;
  std::string_view between;
  for (const JsonField& part : content.elements()) {
    joined += between;
    joined += read_part(part);
    between = "\n\n";
  }
  return joined;
}

// The API has arguments as JSON text. An object in its place is taken for what it says; nothing, for no arguments.
std::string read_arguments(const JsonField& arguments) {
  if (arguments.is_none()) return "{}";
  if (arguments.is(Kind::object)) return write_json(arguments.value());
  if (!arguments.is(Kind::string)) arguments.fail("JSON in a string");
  return arguments.value().text;
}

ToolCall read_tool_call(const JsonField& call) {
  call.expect(Kind::object);
  const JsonField function = call.member("function");
  function.expect(Kind::object);
  ToolCall read;
  read.id = call.member("id").text_or_none().value_or("");
  if (read.id.empty()) read.id = function.member("id").text_or_none().value_or("");
  const JsonField name = function.member("name");
  name.expect(Kind::string);
  read.name = name.value().text;
  read.arguments = read_arguments(function.member("arguments"));
  return read;
}

Tool read_tool(const JsonField& tool) {
  tool.expect(Kind::object);
  const JsonField function = tool.member("function");
  function.expect(Kind::object);
  Tool read;
  const JsonField name = function.member("name");
  if (name.is(Kind::string)) read.name = name.value().text;
  const JsonField parameters = function.member("parameters");
  if (parameters.is(Kind::object)) {
    const JsonField properties = parameters.member("properties");
    if (properties.is(Kind::object))
      for (const JsonMember& property : properties.value().members) read.parameters.push_back(property.key);
  }
  read.schema = write_json(function.value());
  return read;
}

ChatMessage read_released_message(const JsonField& message, bool is_last) {
  message.expect(Kind::object);
  ChatMessage read = read_message(message, message.member("role").one_of<Role>(kRoles));
  read.tools = read_tools(message.member("tools"));
  const JsonField format = message.member("response_format");
  if (!format.is_none() && format.value().truthy()) read.response_format = write_json(format.value());
  const JsonField task = message.member("task");
  if (!task.is_none()) read.task = task.one_of<Task>(kTasks);
  // "wo_eos" is the released encoder's word; "prefix" is the public API's, for the last message alone.
  read.open_end = message.member("wo_eos").truth_or(false) || (message.member("prefix").truth_or(false) && is_last);
  return read;
}

void read_thinking(const JsonField& request, PromptOptions& options) {
  const JsonField thinking = request.member("thinking");
  if (thinking.is(Kind::object)) {
    const JsonField type = thinking.member("type");
    constexpr std::array<std::pair<std::string_view, ThinkingMode>, 3> types = {
        {{"enabled", ThinkingMode::thinking}, {"adaptive", ThinkingMode::thinking}, {"disabled", ThinkingMode::chat}}};
    if (!type.is_none()) options.thinking_mode = type.one_of<ThinkingMode>(types);
  } else if (!thinking.is_none()) {
    thinking.fail("an object such as {\"type\": \"enabled\"}");
  }
  const JsonField mode = request.member("thinking_mode");
  if (!mode.is_none()) options.thinking_mode = read_thinking_mode(mode.value(), mode.place());
  const JsonField effort = request.member("reasoning_effort");
  if (effort.is_none()) return;
  if (const std::optional<ReasoningEffort> read = read_effort(effort)) {
    options.reasoning_effort = *read;
  } else {
    options.thinking_mode = ThinkingMode::chat;
  }
}

}  // namespace

ThinkingMode read_thinking_mode(const JsonValue& value, std::string_view place) {
  constexpr std::array<std::pair<std::string_view, ThinkingMode>, 2> modes = {
      {{"chat", ThinkingMode::chat}, {"thinking", ThinkingMode::thinking}}};
  return JsonField(&value, std::string(place)).one_of<ThinkingMode>(modes);
}

std::optional<ReasoningEffort> read_effort(const JsonField& field) {
  using Effort = std::optional<ReasoningEffort>;
  constexpr std::array<std::pair<std::string_view, Effort>, 8> efforts = {{{"none", std::nullopt},
                                                                           {"minimal", ReasoningEffort::high},
                                                                           {"low", ReasoningEffort::high},
                                                                           {"medium", ReasoningEffort::high},
                                                                           {"high", ReasoningEffort::high},
                                                                           {"xhigh", ReasoningEffort::max},
                                                                           {"max", ReasoningEffort::max},
                                                                           {"ultra", ReasoningEffort::max}}};
  field.expect(Kind::string);
  return field.one_of<Effort>(efforts);
}

bool read_effort(std::string_view name, std::string_view place, ReasoningEffort& effort) {
  JsonValue value;
  value.kind = Kind::string;
  value.text = name;
  const std::optional<ReasoningEffort> read = read_effort(JsonField(&value, std::string(place)));
  if (read) effort = *read;
  return read.has_value();
}

ChatMessage read_message(const JsonField& message, Role role) {
  ChatMessage read;
  read.role = role;
  read.content = read_content(message.member("content"));
  // The released encoder takes a tool message without content for an empty result, but prints null as "None".
  if (read.role == Role::tool && message.member("content").is_absent()) read.content = "";
  read.reasoning_content = message.member("reasoning_content").text_or_none();
  const JsonField tool_calls = message.member("tool_calls");
  if (!tool_calls.is_none()) {
    tool_calls.expect(Kind::array);
    for (const JsonField& call : tool_calls.elements()) read.tool_calls.push_back(read_tool_call(call));
  }
  read.tool_call_id = message.member("tool_call_id").text_or_none().value_or("");
  return read;
}

std::vector<Tool> read_tools(const JsonField& tools) {
  std::vector<Tool> read;
  if (tools.is_none()) return read;
  tools.expect(Kind::array);
  for (const JsonField& tool : tools.elements()) read.push_back(read_tool(tool));
  return read;
}

std::vector<Tool> read_tools(const JsonValue& tools, std::string_view place) {
  return read_tools(JsonField(&tools, std::string(place)));
}

std::optional<std::string> read_format(const JsonField& format) {
  if (format.is_none() || !format.value().truthy()) return std::nullopt;
  if (!format.is(Kind::object)) return write_json(format.value());
  const std::optional<std::string> type = format.member("type").text_or_none();
  if (type == "text") return std::nullopt;
  const JsonField json_schema = format.member("json_schema");
  if (type == "json_schema" && json_schema.is(Kind::object)) {
    const JsonField schema = json_schema.member("schema");
    return write_json(schema.is_none() ? json_schema.value() : schema.value());
  }
  return write_json(format.value());
}

void hang_on_system(std::vector<ChatMessage>& messages, std::vector<Tool> tools, std::optional<std::string> format) {
  if (tools.empty() && !format) return;
  if (messages.empty() || messages.front().role != Role::system) {
    ChatMessage system;
    system.role = Role::system;
    system.content = "";
    messages.insert(messages.begin(), std::move(system));
  }
  ChatMessage& system = messages.front();
  system.tools.insert(system.tools.end(), std::make_move_iterator(tools.begin()), std::make_move_iterator(tools.end()));
  if (format) system.response_format = std::move(format);
}

ChatRequest read_chat_request(const JsonValue& json) {
  ChatRequest request;
  const JsonField root(&json, "");
  const bool is_list = json.is(Kind::array);
  if (!is_list && !json.is(Kind::object)) root.fail("an array of messages, or an object with \"messages\"");
  const JsonField messages = is_list ? JsonField(&json, "messages") : root.member("messages");
  messages.expect(Kind::array);
  const std::vector<JsonField> list = messages.elements();
  for (std::size_t message = 0; message < list.size(); ++message)
    request.messages.push_back(read_released_message(list[message], message + 1 == list.size()));
  if (is_list) return request;

  read_thinking(root, request.options);
  request.options.drop_thinking = root.member("drop_thinking").truth_or(true);
  const JsonField choice = root.member("tool_choice");
  std::vector<Tool> tools = read_tools(root.member("tools"));
  if (choice.is(Kind::string) && choice.value().text == "none") tools.clear();
  hang_on_system(request.messages, std::move(tools), read_format(root.member("response_format")));
  return request;
}

ChatRequest read_chat_request(std::string_view json, std::string_view place) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (json.substr(0, kByteOrderMark.size()) == kByteOrderMark) json.remove_prefix(kByteOrderMark.size());
  return read_chat_request(read_json(json, place));
}

std::vector<Tool> offered_tools(const ChatRequest& request) {
  std::vector<Tool> tools;
  for (const ChatMessage& message : request.messages)
    tools.insert(tools.end(), message.tools.begin(), message.tools.end());
  return tools;
}

}  // namespace fathom
