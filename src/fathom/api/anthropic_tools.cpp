#include "fathom/api/anthropic_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "fathom/api/api_error.h"

namespace fathom::api {
namespace {

using Kind = JsonValue::Kind;

}  // namespace

OfferedTools read_anthropic_tools(const JsonField& tools) {
  OfferedTools offered;
  if (tools.is_none()) return offered;
  tools.expect(Kind::array);
  for (const JsonField& tool : tools.elements()) {
    tool.expect(Kind::object);
    const JsonField name = tool.member("name");
    const std::string type = tool.member("type").text_or_none().value_or("custom");
    if (type != "custom") {  // web_search_20250305 and its like
      offered.left_out.push_back(name.text_or_none().value_or(type));
      continue;
    }
    name.expect(Kind::string);
    if (offered.has(name.value().text))
      throw ApiError(400, "invalid_request_error", "tools: Tool names must be unique.");
    const JsonField schema = tool.member("input_schema");
    if (!schema.is_none()) schema.expect(Kind::object);
    offer_tool(offered, {.place = tool.place(),
                         .name = name.value().text,
                         .description = tool.member("description").text_or_none(),
                         .parameters = schema.is_none() ? nullptr : &schema.value(),
                         .strict = tool.member("strict").truth_or(false)});
  }
  return offered;
}

ToolChoice read_anthropic_choice(const JsonField& choice, const OfferedTools& tools) {
  using Choice = ToolChoice::Kind;
  constexpr std::array<std::pair<std::string_view, Choice>, 4> kinds = {
      {{"auto", Choice::automatic}, {"any", Choice::required}, {"tool", Choice::named}, {"none", Choice::none}}};
  ToolChoice read;
  if (tools.schemas.empty()) read.kind = Choice::none;
  if (choice.is_none()) return read;
  choice.expect(Kind::object);
  const Choice kind = choice.member("type").one_of<Choice>(kinds);
  if (tools.schemas.empty()) return read;
  read.kind = kind;
  if (kind != Choice::named) return read;
  const JsonField name = choice.member("name");
  name.expect(Kind::string);
  if (tools.has(name.value().text)) {
    read.name = name.value().text;
    return read;
  }
  if (std::find(tools.left_out.begin(), tools.left_out.end(), name.value().text) == tools.left_out.end())
    throw ApiError(400, "invalid_request_error",
                   fmt::format("tool_choice: Tool '{}' not found in provided tools", name.value().text));
  read.kind = Choice::automatic;
  return read;
}

}  // namespace fathom::api
