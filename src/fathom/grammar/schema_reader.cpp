#include "fathom/grammar/schema_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "fathom/base/error.h"

namespace fathom::grammar {
namespace {

constexpr std::array<std::pair<std::string_view, JsonType>, 7> kTypes = {{{"null", JsonType::null},
                                                                          {"boolean", JsonType::boolean},
                                                                          {"integer", JsonType::integer},
                                                                          {"number", JsonType::number},
                                                                          {"string", JsonType::string},
                                                                          {"array", JsonType::array},
                                                                          {"object", JsonType::object}}};

// Keywords that are about values of one type alone.
constexpr std::array<std::pair<std::string_view, JsonType>, 15> kTyped = {{{"pattern", JsonType::string},
                                                                           {"format", JsonType::string},
                                                                           {"minLength", JsonType::string},
                                                                           {"maxLength", JsonType::string},
                                                                           {"minimum", JsonType::number},
                                                                           {"maximum", JsonType::number},
                                                                           {"exclusiveMinimum", JsonType::number},
                                                                           {"exclusiveMaximum", JsonType::number},
                                                                           {"multipleOf", JsonType::number},
                                                                           {"items", JsonType::array},
                                                                           {"minItems", JsonType::array},
                                                                           {"maxItems", JsonType::array},
                                                                           {"properties", JsonType::object},
                                                                           {"required", JsonType::object},
                                                                           {"additionalProperties", JsonType::object}}};

constexpr std::array<std::string_view, 7> kUntyped = {"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"};

// They say nothing about which values fit.
constexpr std::array<std::string_view, 13> kAnnotations = {
    "title", "description", "default",  "examples",  "$schema",    "$id", "$comment",
    "$defs", "definitions", "readOnly", "writeOnly", "deprecated", "$def"};

bool says_nothing(const JsonMember& member) {
  if (member.key == "uniqueItems") return member.value.is(JsonValue::Kind::boolean) && !member.value.truth;
  if (member.key == "nullable") return member.value.is(JsonValue::Kind::boolean) && !member.value.truth;
  return std::find(kAnnotations.begin(), kAnnotations.end(), member.key) != kAnnotations.end();
}

bool typed(std::string_view keyword) {
  return std::any_of(kTyped.begin(), kTyped.end(), [&](const auto& entry) { return entry.first == keyword; });
}

std::optional<JsonType> type_named(const JsonValue& name) {
  if (name.is(JsonValue::Kind::string))
    for (const auto& [text, type] : kTypes)
      if (text == name.text) return type;
  return {};
}

std::string escaped_for_pointer(std::string_view key) {
  std::string out;
  for (const char byte : key)
    if (byte == '~')
      out += "~0";
    else if (byte == '/')
      out += "~1";
    else
      out += byte;
  return out;
}

std::string pointer_step(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned value = 0;
    if (text[at] == '%' && at + 2 < text.size() &&
        std::from_chars(text.data() + at + 1, text.data() + at + 3, value, 16).ptr == text.data() + at + 3) {
      out += static_cast<char>(value);
      at += 2;
    } else if (text[at] == '~' && at + 1 < text.size() && (text[at + 1] == '0' || text[at + 1] == '1')) {
      out += text[++at] == '0' ? '~' : '/';
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace

void fail_schema(std::string_view place, std::string_view found, std::string_view expected) {
  throw InputError("[grammar] {}: has {}, expected {}", place, found, expected);
}

void check_keywords(const SchemaPart& part) {
  const JsonValue& schema = *part.schema;
  if (schema.is(JsonValue::Kind::boolean)) return;
  if (!schema.is(JsonValue::Kind::object)) fail_schema(part.place, kind_name(schema.kind), "a schema");
  std::string_view alone;  // a keyword that is obeyed by itself only
  for (const JsonMember& member : schema.members) {
    if (says_nothing(member)) continue;
    const bool untyped = std::find(kUntyped.begin(), kUntyped.end(), member.key) != kUntyped.end();
    if (!untyped && !typed(member.key))
      fail_schema(part.place, "the keyword \"" + member.key + "\"", "one of those that can be obeyed");
    if (untyped && member.key != "type") {
      if (!alone.empty())
        fail_schema(part.place, "\"" + member.key + "\" beside \"" + std::string(alone) + "\"", "one of them");
      alone = member.key;
    }
  }
  if (alone.empty()) return;
  const bool values = alone == "enum" || alone == "const";
  for (const JsonMember& member : schema.members)
    if (typed(member.key) || (member.key == "type" && !values))
      fail_schema(part.place, "\"" + member.key + "\" beside \"" + std::string(alone) + "\"", "one of them");
}

std::vector<JsonType> schema_types(const SchemaPart& part) {
  std::vector<JsonType> types;
  if (const JsonValue* named = part.schema->find("type")) {
    const auto add = [&](const JsonValue& name) {
      const std::optional<JsonType> type = type_named(name);
      if (!type) fail_schema(part.place + "/type", write_json(name), "the name of a type");
      if (std::find(types.begin(), types.end(), *type) == types.end()) types.push_back(*type);
    };
    if (named->is(JsonValue::Kind::array))
      for (const JsonValue& name : named->elements) add(name);
    else
      add(*named);
    return types;
  }
  for (const auto& [keyword, type] : kTyped)
    if (part.schema->find(keyword) && std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
  if (types.empty())
    types = {JsonType::null, JsonType::boolean, JsonType::number, JsonType::string, JsonType::array, JsonType::object};
  return types;
}

std::optional<SchemaPart> find_part(const SchemaPart& part, std::string_view keyword) {
  const JsonValue* value = part.schema->find(keyword);
  if (!value) return {};
  return SchemaPart{value, part.place + "/" + escaped_for_pointer(keyword)};
}

std::optional<std::int64_t> find_count(const SchemaPart& part, std::string_view keyword) {
  const std::optional<SchemaPart> found = find_part(part, keyword);
  if (!found) return {};
  std::int64_t count = -1;
  const std::string& text = found->schema->text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (!found->schema->is(JsonValue::Kind::number) || error != std::errc{} || end != text.data() + text.size() ||
      count < 0)
    fail_schema(found->place, write_json(*found->schema), "a count");
  return count;
}

ObjectShape object_shape(const SchemaPart& part) {
  ObjectShape shape;
  const std::optional<SchemaPart> properties = find_part(part, "properties"), required = find_part(part, "required");
  const std::optional<SchemaPart> others = find_part(part, "additionalProperties");
  if (properties) {
    if (!properties->schema->is(JsonValue::Kind::object))
      fail_schema(properties->place, kind_name(properties->schema->kind), "an object of schemas");
    for (const JsonMember& member : properties->schema->members)
      shape.properties.push_back(
          {member.key, SchemaPart{&member.value, properties->place + "/" + escaped_for_pointer(member.key)}});
  }
  shape.open = !properties && !required;
  if (others) {
    const bool closed = others->schema->is(JsonValue::Kind::boolean) && !others->schema->truth;
    shape.open = !closed;
    if (!others->schema->is(JsonValue::Kind::boolean)) shape.others = others;
  }
  if (!required) return shape;
  if (!required->schema->is(JsonValue::Kind::array))
    fail_schema(required->place, kind_name(required->schema->kind), "an array of names");
  for (const JsonValue& name : required->schema->elements) {
    if (!name.is(JsonValue::Kind::string)) fail_schema(required->place, write_json(name), "a name");
    const auto found = std::find_if(shape.properties.begin(), shape.properties.end(),
                                    [&](const SchemaProperty& property) { return property.name == name.text; });
    if (found != shape.properties.end()) {
      found->required = true;
      continue;
    }
    if (others && !shape.open) fail_schema(required->place, write_json(name), "the name of a property");
    shape.properties.push_back({name.text, shape.others, true});
  }
  return shape;
}

SchemaPart resolve_reference(const SchemaPart& root, std::string_view reference, std::string_view place) {
  const std::string quoted = "\"" + std::string(reference) + "\"";
  if (!reference.starts_with('#')) fail_schema(place, quoted, "a place in this schema, \"#/...\"");
  SchemaPart at = root;
  std::string_view rest = reference.substr(1);
  while (!rest.empty()) {
    if (rest[0] != '/') fail_schema(place, quoted, "a place in this schema, \"#/...\"");
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string step = pointer_step(rest.substr(0, end));
    rest.remove_prefix(end);
    const JsonValue* next = at.schema->find(step);
    if (at.schema->is(JsonValue::Kind::array)) {
      std::size_t index = 0;
      const auto [last, error] = std::from_chars(step.data(), step.data() + step.size(), index);
      if (error == std::errc{} && last == step.data() + step.size() && index < at.schema->elements.size())
        next = &at.schema->elements[index];
    }
    if (!next) fail_schema(place, quoted + ", which leads nowhere", "a place in this schema");
    at = {next, at.place + "/" + escaped_for_pointer(step)};
  }
  return at;
}

}  // namespace fathom::grammar
