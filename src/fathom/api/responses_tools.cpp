#include "fathom/api/responses_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "fathom/api/api_error.h"

namespace fathom::api {
namespace {

using Kind = JsonValue::Kind;

JsonValue string_value(std::string_view text) {
  JsonValue value;
  value.kind = Kind::string;
  value.text = text;
  return value;
}

std::string qualified(std::string_view name_space, std::string_view name) {
  return fmt::format("{}{}{}", name_space, name_space.ends_with("__") ? "" : "__", name);
}

std::string required_name(const JsonField& tool) {
  const JsonField name = tool.member("name");
  name.expect(Kind::string);
  return name.value().text;
}

ToolChoice named_choice(const JsonField& choice, const ResponsesTools& names, const OfferedTools& tools) {
  const std::string name =
      names.shown_name(choice.member("namespace").text_or_none().value_or(""), required_name(choice));
  if (!tools.has(name))
    throw ApiError(400, "invalid_request_error",
                   fmt::format("Tool choice '{}' not found in 'tools' parameter.", required_name(choice)));
  return {.kind = ToolChoice::Kind::named, .name = name};
}

}  // namespace

JsonValue custom_tool_schema(std::string_view grammar) {
  JsonValue input;
  input.kind = Kind::object;
  input.members.push_back({"type", string_value("string")});
  if (!grammar.empty())
    input.members.push_back({"description", string_value(fmt::format("Text of this grammar:\n{}", grammar))});
  JsonValue properties;
  properties.kind = Kind::object;
  properties.members.push_back({"input", std::move(input)});
  JsonValue required;
  required.kind = Kind::array;
  required.elements.push_back(string_value("input"));
  JsonValue schema;
  schema.kind = Kind::object;
  schema.members.push_back({"type", string_value("object")});
  schema.members.push_back({"properties", std::move(properties)});
  schema.members.push_back({"required", std::move(required)});
  return schema;
}

void ResponsesTools::add(const JsonField& tools) {
  if (tools.is_none()) return;
  tools.expect(Kind::array);
  for (const JsonField& tool : tools.elements()) add_tool(tool, "");
}

void ResponsesTools::add_tool(const JsonField& tool, std::string_view name_space) {
  tool.expect(Kind::object);
  const JsonField type_field = tool.member("type");
  type_field.expect(Kind::string);
  const std::string& type = type_field.value().text;
  if (type == "namespace") {
    const std::string name = required_name(tool);
    const JsonField inner = tool.member("tools");
    if (inner.is_none()) return;
    inner.expect(Kind::array);
    for (const JsonField& child : inner.elements()) add_tool(child, name);
    return;
  }
  Listed listed{.name_space = std::string(name_space), .offer = {}, .parameters = {}, .custom = type == "custom"};
  if (type == "function") {
    const JsonField parameters = tool.member("parameters");
    if (!parameters.is_none()) {
      parameters.expect(Kind::object);
      listed.parameters = parameters.value();
    }
    listed.offer.strict = tool.member("strict").truth_or(false);
  } else if (type == "custom") {
    const std::string name = required_name(tool);
    if (name != "apply_patch")
      throw ApiError(400, "invalid_request_error",
                     fmt::format("Custom tool '{}' is not supported, only 'apply_patch' is.", name));
    const JsonField format = tool.member("format");
    listed.parameters =
        custom_tool_schema(format.is(Kind::object) ? format.member("definition").text_or_none().value_or("") : "");
  } else {
    left_out_.push_back(tool.member("name").text_or_none().value_or(type));
    return;
  }
  listed.offer.place = tool.place();
  listed.offer.name = required_name(tool);
  listed.offer.description = tool.member("description").text_or_none();
  list(std::move(listed));
}

void ResponsesTools::list(Listed listed) {
  const auto same = [&listed](const Listed& other) {
    return other.name_space == listed.name_space && other.offer.name == listed.offer.name;
  };
  if (std::any_of(listed_.begin(), listed_.end(), same)) return;
  ++shared_[listed.offer.name];
  listed_.push_back(std::move(listed));
}

std::string ResponsesTools::shown_name(std::string_view name_space, std::string_view name) const {
  const auto found = shared_.find(std::string(name));
  const bool alone = found == shared_.end() || found->second == 1;
  return name_space.empty() || alone ? std::string(name) : qualified(name_space, name);
}

OfferedTools ResponsesTools::offer() const {
  OfferedTools tools;
  tools.left_out = left_out_;
  for (const Listed& listed : listed_) {
    ToolOffer offer = listed.offer;
    offer.name = shown_name(listed.name_space, listed.offer.name);
    if (listed.parameters) offer.parameters = &*listed.parameters;
    ToolSchema& schema = offer_tool(tools, offer);
    schema.custom = listed.custom;
    schema.name_space = listed.name_space;
    if (offer.name != listed.offer.name) schema.client_name = listed.offer.name;
  }
  return tools;
}

ToolChoice read_responses_choice(const JsonField& choice, const ResponsesTools& names, const OfferedTools& tools) {
  using Choice = ToolChoice::Kind;
  constexpr std::array<std::pair<std::string_view, Choice>, 3> kinds = {
      {{"none", Choice::none}, {"auto", Choice::automatic}, {"required", Choice::required}}};
  ToolChoice read{.kind = tools.schemas.empty() ? Choice::none : Choice::automatic, .name = {}};
  if (choice.is_none()) return read;
  if (choice.is(Kind::string)) {
    const Choice kind = choice.one_of<Choice>(kinds);
    return tools.schemas.empty() ? read : ToolChoice{.kind = kind, .name = {}};
  }
  if (!choice.is(Kind::object)) choice.fail("none, auto, required or an object");
  const std::optional<std::string> type = choice.member("type").text_or_none();
  if (type == "function" || type == "custom") return named_choice(choice, names, tools);
  if (type == "allowed_tools" && !tools.schemas.empty()) {
    const JsonField mode = choice.member("mode");
    if (!mode.is_none()) read.kind = mode.one_of<Choice>(kinds);
  }
  return read;  // web_search and its like: nothing here could be forced
}

}  // namespace fathom::api
