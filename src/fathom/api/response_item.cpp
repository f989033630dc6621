#include "fathom/api/response_item.h"

#include <fmt/format.h>

#include <algorithm>

#include "fathom/api/json_object.h"
#include "fathom/chat/json_text.h"

namespace fathom::api {
namespace {

std::string_view id_prefix(ItemKind kind) {
  switch (kind) {
    case ItemKind::reasoning: return "rs_";
    case ItemKind::message: return "msg_";
    case ItemKind::function_call: return "fc_";
    case ItemKind::custom_call: return "ctc_";
  }
  return "";
}

std::string_view status_name(ItemStatus status) {
  switch (status) {
    case ItemStatus::in_progress: return "in_progress";
    case ItemStatus::completed: return "completed";
    case ItemStatus::incomplete: return "incomplete";
  }
  return "";
}

}  // namespace

std::string item_id(ItemKind kind, std::string_view response_id, std::int64_t output_index) {
  std::string digits(response_id);
  digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
  return fmt::format("{}{}_{}", id_prefix(kind), digits, output_index);
}

std::string part_json(const ResponseItem& item, bool with_text) {
  const std::string_view text = with_text ? std::string_view(item.text) : "";
  if (item.kind == ItemKind::reasoning) return JsonObject().text("type", "reasoning_text").text("text", text).close();
  JsonObject part;
  part.text("type", "output_text").text("text", text).json("annotations", "[]");
  if (!item.logprobs.empty()) part.json("logprobs", with_text ? std::string_view(item.logprobs) : "[]");
  return part.close();
}

std::string item_json(const ResponseItem& item, ItemStatus status) {
  const bool announced = status == ItemStatus::in_progress;
  const std::string_view text = announced ? "" : std::string_view(item.text);
  const std::string parts = announced ? "[]" : JsonArray().add(part_json(item, true)).close();
  JsonObject json;
  switch (item.kind) {
    case ItemKind::reasoning:
      json.text("type", "reasoning").text("id", item.id).text("status", status_name(status));
      return json.json("summary", "[]").json("content", parts).close();
    case ItemKind::message:
      json.text("type", "message").text("id", item.id).text("status", status_name(status));
      return json.text("role", "assistant").json("content", parts).close();
    case ItemKind::function_call:
    case ItemKind::custom_call: break;
  }
  const bool custom = item.kind == ItemKind::custom_call;
  json.text("type", custom ? "custom_tool_call" : "function_call").text("id", item.id);
  json.text("status", status_name(status)).text("call_id", item.call_id).text("name", item.name);
  if (!item.name_space.empty()) json.text("namespace", item.name_space);
  return json.text(custom ? "input" : "arguments", text).close();
}

std::string custom_input(std::string_view arguments) {
  const std::optional<JsonValue> read = try_read_json(arguments);
  if (!read) return std::string(arguments);
  if (const JsonValue* input = read->find("input"); input != nullptr && input->is(JsonValue::Kind::string))
    return input->text;
  if (read->members.size() == 1 && read->members.front().value.is(JsonValue::Kind::string))
    return read->members.front().value.text;
  return std::string(arguments);
}

}  // namespace fathom::api
