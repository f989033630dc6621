#include "fathom/evaluation/json_schema.h"

#include <algorithm>

#include "fathom/chat/json_equality.h"

namespace fathom {
namespace {

using Kind = JsonValue::Kind;

bool is_of(const JsonValue& value, std::string_view type) {
  switch (value.kind) {
    case Kind::null: return type == "null";
    case Kind::boolean: return type == "boolean";
    case Kind::number:
      return type == "number" ||
             (type == "integer" && value.text.find_first_not_of("-0123456789") == std::string::npos);
    case Kind::string: return type == "string";
    case Kind::array: return type == "array";
    case Kind::object: return type == "object";
  }
  return false;
}

bool fits_type(const JsonValue& value, const JsonValue& type) {
  if (type.is(Kind::string)) return is_of(value, type.text);
  return std::any_of(type.elements.begin(), type.elements.end(),
                     [&](const JsonValue& one) { return one.is(Kind::string) && is_of(value, one.text); });
}

bool fits_members(const JsonValue& object, const JsonValue& schema) {
  const JsonValue* properties = schema.find("properties");
  const bool closed = properties != nullptr && !properties->members.empty();
  const JsonValue* required = schema.find("required");
  if (required != nullptr)
    for (const JsonValue& key : required->elements)
      if (object.find(key.text) == nullptr) return false;
  return std::all_of(object.members.begin(), object.members.end(), [&](const JsonMember& member) {
    const JsonValue* inner = closed ? properties->find(member.key) : nullptr;
    return inner != nullptr ? fits_schema(member.value, *inner) : !closed;
  });
}

}  // namespace

bool fits_schema(const JsonValue& value, const JsonValue& schema) {
  if (const JsonValue* type = schema.find("type"); type != nullptr && !fits_type(value, *type)) return false;
  if (const JsonValue* choices = schema.find("enum");
      choices != nullptr && std::none_of(choices->elements.begin(), choices->elements.end(),
                                         [&](const JsonValue& choice) { return same_json(value, choice); }))
    return false;
  const JsonValue* items = schema.find("items");
  if (value.is(Kind::array) && items != nullptr)
    return std::all_of(value.elements.begin(), value.elements.end(),
                       [&](const JsonValue& element) { return fits_schema(element, *items); });
  return !value.is(Kind::object) || fits_members(value, schema);
}

}  // namespace fathom
