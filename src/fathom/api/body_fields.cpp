#include "fathom/api/body_fields.h"

#include <charconv>
#include <cmath>

#include "fathom/api/body_fault.h"
#include "fathom/api/hosted_errors.h"
#include "fathom/chat/json_reader.h"

namespace fathom::api {
namespace {

double number_of(const JsonField& field) {
  field.expect(JsonValue::Kind::number);
  const std::string& text = field.value().text;
  double value = std::nan("");
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// A number that no double holds, or null: it is written as Infinity, which is no JSON any more.
const JsonValue* infinite_number(const JsonValue& value) {
  if (value.is(JsonValue::Kind::number)) return value.text.ends_with("Infinity") ? &value : nullptr;
  for (const JsonValue& element : value.elements)
    if (const JsonValue* found = infinite_number(element)) return found;
  for (const JsonMember& member : value.members)
    if (const JsonValue* found = infinite_number(member.value)) return found;
  return nullptr;
}

JsonValue read_strictly(std::string_view body) {
  JsonValue json;
  try {
    json = JsonReader(body, JsonReader::Dialect::rfc8259).read();
  } catch (const JsonReader::Fault& fault) {
    throw no_json(body, fault);
  }
  if (const JsonValue* number = infinite_number(json)) throw no_number(body, *number);
  return json;
}

}  // namespace

void read_body(std::string_view body, const std::function<void(const JsonField& request)>& read) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (body.starts_with(kMark)) body.remove_prefix(kMark.size());
  const JsonValue json = read_strictly(body);
  try {
    const JsonField request(&json, "");
    request.expect(JsonValue::Kind::object);
    read(request);
  } catch (const JsonFieldError& error) {
    throw no_request(body, error.mismatch());
  }
}

std::string required_text(const JsonField& field) {
  field.expect(JsonValue::Kind::string);
  return field.value().text;
}

std::optional<double> number_in(const JsonField& field, double low, double high) {
  if (field.is_none()) return std::nullopt;
  const double value = number_of(field);
  if (value >= low && value <= high) return value;
  throw out_of_range(field.place(), low, high);
}

std::optional<std::int64_t> integer_in(const JsonField& field, std::int64_t low, std::int64_t high) {
  if (field.is_none()) return std::nullopt;
  const double value = number_of(field);
  if (value != std::floor(value)) field.fail("an integer");
  if (value >= static_cast<double>(low) && value <= static_cast<double>(high)) return static_cast<std::int64_t>(value);
  throw out_of_range(field.place(), low, high);
}

std::vector<std::string> texts(const JsonField& field) {
  std::vector<std::string> list;
  if (field.is_none()) return list;
  field.expect(JsonValue::Kind::array);
  for (const JsonField& element : field.elements()) list.push_back(required_text(element));
  return list;
}

}  // namespace fathom::api
