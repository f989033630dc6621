#include "fathom/api/offered_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "fathom/api/api_error.h"

namespace fathom::api {
namespace {

JsonValue json_string(std::string_view text) {
  JsonValue value;
  value.kind = JsonValue::Kind::string;
  value.text = text;
  return value;
}

void check_name(const ToolOffer& offer) {
  constexpr std::size_t kLongest = 128;
  const auto fits = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  if (!offer.name.empty() && offer.name.size() <= kLongest && std::all_of(offer.name.begin(), offer.name.end(), fits))
    return;
  throw ApiError(400, "invalid_request_error",
                 fmt::format("Invalid '{}.name': string does not match pattern. Expected a string that matches the "
                             "pattern '^[a-zA-Z0-9_.-]{{1,128}}$'.",
                             offer.place));
}

}  // namespace

bool OfferedTools::has(std::string_view name) const {
  return std::any_of(schemas.begin(), schemas.end(), [name](const ToolSchema& tool) { return tool.name == name; });
}

ToolSchema& offer_tool(OfferedTools& tools, const ToolOffer& offer) {
  check_name(offer);
  JsonValue function;
  function.kind = JsonValue::Kind::object;
  function.members.push_back({"name", json_string(offer.name)});
  if (offer.description) function.members.push_back({"description", json_string(*offer.description)});
  if (offer.parameters != nullptr) function.members.push_back({"parameters", *offer.parameters});

  Tool& shown = tools.prompt.emplace_back();
  shown.name = offer.name;
  shown.schema = write_json(function);
  ToolSchema& schema = tools.schemas.emplace_back();
  schema.name = offer.name;
  schema.strict = offer.strict;
  schema.parameters = "{}";
  if (offer.parameters != nullptr) {
    schema.parameters = write_json(*offer.parameters);
    if (const JsonValue* properties = offer.parameters->find("properties"))
      for (const JsonMember& property : properties->members) shown.parameters.push_back(property.key);
  }
  return schema;
}

void put_system_message(std::vector<ChatMessage>& messages, std::string text, std::vector<Tool> tools,
                        std::optional<std::string> response_format) {
  if (text.empty() && tools.empty() && !response_format) return;
  ChatMessage system;
  system.role = Role::system;
  system.content = std::move(text);
  system.tools = std::move(tools);
  system.response_format = std::move(response_format);
  messages.insert(messages.begin(), std::move(system));
}

}  // namespace fathom::api
