#include "tests/grammar/schema_check_support.h"

#include <algorithm>
#include <cmath>
#include <regex>

namespace fathom::grammar {
namespace {

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

bool of_type(const JsonValue& value, std::string_view type) {
  switch (value.kind) {
    case JsonValue::Kind::null: return type == "null";
    case JsonValue::Kind::boolean: return type == "boolean";
    case JsonValue::Kind::number:
      return type == "number" || (type == "integer" && value.text.find_first_of(".eE") == std::string::npos);
    case JsonValue::Kind::string: return type == "string";
    case JsonValue::Kind::array: return type == "array";
    case JsonValue::Kind::object: return type == "object";
  }
  return false;
}

std::string misfit_of_kind(const JsonValue& value, const JsonValue& schema, const JsonValue& root) {
  if (value.is(JsonValue::Kind::string)) {
    if (const JsonValue* pattern = schema.find("pattern"))
      if (!std::regex_search(value.text, std::regex(pattern->text))) return value.text + " against " + pattern->text;
    if (const JsonValue* least = schema.find("minLength"))
      if (characters(value.text) < std::stoul(least->text)) return value.text + " is too short";
    if (const JsonValue* most = schema.find("maxLength"))
      if (characters(value.text) > std::stoul(most->text)) return value.text + " is too long";
  }
  if (value.is(JsonValue::Kind::number)) {
    const long double number = std::stold(value.text);
    const auto bound = [&](const char* name) { return std::stold(schema.find(name)->text); };
    if (schema.find("minimum") && number < bound("minimum")) return value.text + " is too low";
    if (schema.find("maximum") && number > bound("maximum")) return value.text + " is too high";
    if (schema.find("exclusiveMinimum") && number <= bound("exclusiveMinimum")) return value.text + " is too low";
    if (schema.find("exclusiveMaximum") && number >= bound("exclusiveMaximum")) return value.text + " is too high";
    if (schema.find("multipleOf")) {
      const long double steps = number / bound("multipleOf");
      if (std::fabs(steps - std::round(steps)) > 1e-6L) return value.text + " is no multiple";
    }
  }
  if (value.is(JsonValue::Kind::array)) {
    if (const JsonValue* least = schema.find("minItems"))
      if (value.elements.size() < std::stoul(least->text)) return "too few items";
    if (const JsonValue* most = schema.find("maxItems"))
      if (value.elements.size() > std::stoul(most->text)) return "too many items";
    if (const JsonValue* items = schema.find("items"))
      for (const JsonValue& element : value.elements)
        if (const std::string why = misfit(element, *items, root); !why.empty()) return why;
  }
  if (!value.is(JsonValue::Kind::object)) return "";
  const JsonValue* properties = schema.find("properties");
  const JsonValue* others = schema.find("additionalProperties");
  for (const JsonMember& member : value.members) {
    const JsonValue* own = properties ? properties->find(member.key) : nullptr;
    if (!own) own = others;
    if (!own && properties) return "additional property " + member.key;
    if (!own) continue;
    if (const std::string why = misfit(member.value, *own, root); !why.empty()) return member.key + ": " + why;
  }
  if (const JsonValue* required = schema.find("required"))
    for (const JsonValue& name : required->elements)
      if (!value.find(name.text)) return "no " + name.text;
  return "";
}

}  // namespace

std::string misfit(const JsonValue& value, const JsonValue& schema, const JsonValue& root) {
  if (schema.is(JsonValue::Kind::boolean)) return schema.truth ? "" : "nothing fits false";
  if (const JsonValue* reference = schema.find("$ref")) {
    const JsonValue* at = &root;
    std::string_view path = std::string_view(reference->text).substr(1);
    while (!path.empty()) {
      path.remove_prefix(1);
      const std::string step(path.substr(0, path.find('/')));
      path.remove_prefix(step.size());
      at = at->find(step);
    }
    return misfit(value, *at, root);
  }
  for (const char* keyword : {"anyOf", "oneOf"}) {
    const JsonValue* alternatives = schema.find(keyword);
    if (!alternatives) continue;
    for (const JsonValue& alternative : alternatives->elements)
      if (misfit(value, alternative, root).empty()) return "";
    return write_json(value) + " fits none of " + write_json(schema);
  }
  if (const JsonValue* type = schema.find("type")) {
    bool fits = type->is(JsonValue::Kind::string) && of_type(value, type->text);
    for (const JsonValue& name : type->elements) fits = fits || of_type(value, name.text);
    if (!fits) return write_json(value) + " is no " + write_json(*type);
  }
  if (const JsonValue* constant = schema.find("const"))
    if (write_json(value) != write_json(*constant)) return write_json(value) + " is not the constant";
  if (const JsonValue* choices = schema.find("enum")) {
    const auto same = [&](const JsonValue& choice) { return write_json(choice) == write_json(value); };
    if (std::none_of(choices->elements.begin(), choices->elements.end(), same))
      return write_json(value) + " is no choice";
  }
  return misfit_of_kind(value, schema, root);
}

}  // namespace fathom::grammar
