#include "fathom/grammar/schema_compiler.h"

#include <fmt/format.h>

#include <algorithm>

#include "fathom/chat/markers.h"
#include "fathom/grammar/literal_tree.h"
#include "fathom/grammar/number_range.h"
#include "fathom/grammar/pattern.h"

namespace fathom::grammar {
namespace {

constexpr int kMostReferences = 100;  // one behind another

bool is_integer(std::string_view number) { return number.find_first_of(".eE") == std::string_view::npos; }

bool is_of(const JsonValue& value, JsonType type) {
  switch (type) {
    case JsonType::null: return value.is(JsonValue::Kind::null);
    case JsonType::boolean: return value.is(JsonValue::Kind::boolean);
    case JsonType::integer: return value.is(JsonValue::Kind::number) && is_integer(value.text);
    case JsonType::number: return value.is(JsonValue::Kind::number);
    case JsonType::string: return value.is(JsonValue::Kind::string);
    case JsonType::array: return value.is(JsonValue::Kind::array);
    case JsonType::object: return value.is(JsonValue::Kind::object);
  }
  return false;
}

}  // namespace

State SchemaCompiler::rule(const SchemaPart& part, Values values) {
  const auto key = std::pair(part.schema, values);
  const auto known = known_.find(key);
  if (known != known_.end()) return known->second;
  const State start = automaton_.add();
  known_[key] = start;  // first, for schemas that hold themselves
  add(start, part, values, automaton_.add_final());
  return start;
}

SchemaPart SchemaCompiler::resolved(SchemaPart part) const {
  for (int count = 0; part.schema->find("$ref"); ++count) {
    check_keywords(part);
    const JsonValue& reference = *part.schema->find("$ref");
    if (!reference.is(JsonValue::Kind::string)) fail_schema(part.place + "/$ref", write_json(reference), "a string");
    if (count == kMostReferences) fail_schema(part.place, "references that lead on and on", "something to refer to");
    part = resolve_reference(root_, reference.text, part.place + "/$ref");
  }
  return part;
}

void SchemaCompiler::add(State from, const SchemaPart& part, Values values, State to) {
  check_keywords(part);
  const JsonValue& schema = *part.schema;
  if (schema.is(JsonValue::Kind::boolean) && !schema.truth) return;
  if (schema.find("$ref")) return automaton_.call(from, rule(resolved(part), values), to);
  if (const JsonValue* value = schema.find("const")) return add_literals(from, {value, 1}, part.place, values, to);
  if (const std::optional<SchemaPart> choices = find_part(part, "enum")) {
    if (!choices->schema->is(JsonValue::Kind::array))
      fail_schema(choices->place, kind_name(choices->schema->kind), "an array of values");
    const std::vector<JsonType> types = schema_types({&schema, part.place});
    std::vector<JsonValue> named = choices->schema->elements;
    if (schema.find("type"))
      std::erase_if(named, [&](const JsonValue& value) {
        return std::none_of(types.begin(), types.end(), [&](JsonType type) { return is_of(value, type); });
      });
    return add_literals(from, named, choices->place, values, to);
  }
  for (const std::string_view keyword : {"anyOf", "oneOf", "allOf"}) {
    const std::optional<SchemaPart> alternatives = find_part(part, keyword);
    if (!alternatives) continue;
    const std::vector<JsonValue>& elements = alternatives->schema->elements;
    if (elements.empty()) fail_schema(alternatives->place, "no alternatives", "an array of schemas");
    if (keyword == "allOf" && elements.size() > 1)
      fail_schema(alternatives->place, fmt::format("{} schemas to obey at once", elements.size()), "one");
    for (std::size_t index = 0; index < elements.size(); ++index)
      automaton_.call(from, rule({&elements[index], fmt::format("{}/{}", alternatives->place, index)}, values), to);
    return;
  }
  const bool anything = schema.is(JsonValue::Kind::boolean) || schema_types(part).size() == 6;
  if (anything && values == Values::json && !schema.find("type")) return automaton_.call(from, rules_.value, to);
  static const JsonValue says_nothing = read_json("{}", "schema");
  const SchemaPart typed{schema.is(JsonValue::Kind::boolean) ? &says_nothing : &schema, part.place};
  for (const JsonType type : schema_types(typed)) add_type(from, type, typed, values, to);
}

void SchemaCompiler::add_type(State from, JsonType type, const SchemaPart& part, Values values, State to) {
  if (type == JsonType::string) {
    if (values == Values::json) add_string(from, part, TextForm::json, to);
    if (values == Values::bare_strings) add_string(from, part, TextForm::bare, to);
    return;
  }
  if (values == Values::bare_strings) return;
  switch (type) {
    case JsonType::null: return automaton_.jump(automaton_.literal(from, "null"), to);
    case JsonType::boolean:
      automaton_.jump(automaton_.literal(from, "true"), to);
      return automaton_.jump(automaton_.literal(from, "false"), to);
    case JsonType::integer:
    case JsonType::number: return add_number(from, part, type == JsonType::integer, to);
    case JsonType::array: return add_array(from, part, to);
    default: return add_object(from, part, to);
  }
}

void SchemaCompiler::add_literals(State from, std::span<const JsonValue> all, const std::string& place, Values values,
                                  State to) {
  const State root = automaton_.add();
  automaton_.jump(from, root);
  LiteralTree tree(automaton_, root);
  for (const JsonValue& value : all) {
    const bool string = value.is(JsonValue::Kind::string);
    if (values != Values::json && string != (values == Values::bare_strings)) continue;
    if (values == Values::bare_strings) {
      for (const std::string_view marker : {marker::dsml_open, marker::dsml_close, marker::end_of_sentence})
        if (value.text.find(marker) != std::string::npos)
          fail_schema(place, write_json(value), "a string without the chat format's markers");
      automaton_.jump(tree.add(value.text), to);
    } else if (value.is(JsonValue::Kind::array) || value.is(JsonValue::Kind::object)) {
      automaton_.jump(add_json(root, value, place), to);
    } else {
      automaton_.jump(tree.add(literal_text(value, place)), to);
    }
  }
}

std::string SchemaCompiler::literal_text(const JsonValue& value, const std::string& place) {
  const std::string text = write_json(value);
  if (!is_json(text)) fail_schema(place, text, "a JSON value");
  return without_bars(text);
}

State SchemaCompiler::add_json(State from, const JsonValue& value, const std::string& place) {
  if (!value.is(JsonValue::Kind::array) && !value.is(JsonValue::Kind::object))
    return automaton_.literal(from, literal_text(value, place));
  const bool array = value.is(JsonValue::Kind::array);
  State state = space(automaton_.literal(from, array ? "[" : "{"));
  bool first = true;
  const auto comma = [&] {
    if (!first) state = space(automaton_.literal(space(state), ","));
    first = false;
  };
  for (const JsonValue& element : value.elements) {
    comma();
    state = add_json(state, element, place);
  }
  for (const JsonMember& member : value.members) {
    comma();
    state = automaton_.literal(state, "\"" + spelled(member.key, TextForm::json) + "\"");
    state = add_json(space(automaton_.literal(space(state), ":")), member.value, place);
  }
  return automaton_.literal(first ? state : space(state), array ? "]" : "}");
}

State SchemaCompiler::space(State from) {
  const State to = automaton_.add();
  automaton_.call(from, rules_.space, to);
  return to;
}

void SchemaCompiler::add_string(State from, const SchemaPart& part, TextForm form, State to) {
  const bool plain = !part.schema->find("pattern") && !part.schema->find("format") && !part.schema->find("minLength") &&
                     !part.schema->find("maxLength");
  if (plain) return automaton_.call(from, form == TextForm::json ? rules_.string : rules_.bare_text, to);
  if (form == TextForm::bare) return add_string_body(from, part, form, to);
  const State end = automaton_.add();
  automaton_.edge(end, '"', '"', to);
  add_string_body(automaton_.literal(from, "\""), part, form, end);
}

void SchemaCompiler::add_string_body(State from, const SchemaPart& part, TextForm form, State to) {
  const std::optional<SchemaPart> pattern = find_part(part, "pattern"), format = find_part(part, "format");
  const std::optional<std::int64_t> least = find_count(part, "minLength"), most = find_count(part, "maxLength");
  if ((pattern && format) || ((pattern || format) && (least || most)))
    fail_schema(part.place, "several of pattern, format and the lengths", "one of them");
  if (const std::optional<SchemaPart>& text = pattern ? pattern : format) {
    if (!text->schema->is(JsonValue::Kind::string)) fail_schema(text->place, kind_name(text->schema->kind), "a string");
    const std::string_view source = pattern ? std::string_view(text->schema->text) : format_pattern(text->schema->text);
    if (source.empty() && format)
      fail_schema(text->place, "\"" + text->schema->text + "\"",
                  "email, hostname, ipv4, ipv6, uuid, date, time or date-time");
    return automaton_.jump(add_pattern(automaton_, from, source, form, text->place), to);
  }
  const State character = form == TextForm::json ? rules_.string_character : rules_.bare_character;
  std::int64_t count = 0;
  const auto one = [&] {
    const State next = automaton_.add();
    automaton_.call(from, character, next);
    from = next;
    ++count;
  };
  while (count < least.value_or(0)) one();
  if (most) {
    automaton_.jump(from, to);
    if (*most < count) fail_schema(part.place + "/maxLength", fmt::format("{}", *most), "no less than minLength");
    while (count < *most) {
      one();
      automaton_.jump(from, to);
    }
    return;
  }
  const State loop = automaton_.add();
  automaton_.jump(from, loop);
  automaton_.call(loop, character, loop);
  automaton_.jump(loop, to);
}

void SchemaCompiler::add_number(State from, const SchemaPart& part, bool integer, State to) {
  NumberRange range{.integer = integer, .low = {}, .high = {}, .multiple = {}};
  const auto decimal = [&](std::string_view keyword) -> std::optional<Decimal> {
    const std::optional<SchemaPart> found = find_part(part, keyword);
    if (!found) return {};
    std::optional<Decimal> value;
    if (found->schema->is(JsonValue::Kind::number)) value = read_decimal(found->schema->text);
    if (!value) fail_schema(found->place, write_json(*found->schema), "a number");
    return value;
  };
  const auto greater = [](const Decimal& left, const Decimal& right) {
    const auto magnitude_greater = [](const Decimal& one, const Decimal& other) {
      if (one.whole.size() != other.whole.size()) return one.whole.size() > other.whole.size();
      return one.whole != other.whole ? one.whole > other.whole : one.fraction > other.fraction;
    };
    if (left.negative != right.negative) return right.negative;
    return left.negative ? magnitude_greater(right, left) : magnitude_greater(left, right);
  };
  if (const auto low = decimal("minimum")) range.low = {*low, false};
  if (const auto low = decimal("exclusiveMinimum"))
    if (!range.low || !greater(range.low->value, *low)) range.low = {*low, true};
  if (const auto high = decimal("maximum")) range.high = {*high, false};
  if (const auto high = decimal("exclusiveMaximum"))
    if (!range.high || !greater(*high, range.high->value)) range.high = {*high, true};
  range.multiple = decimal("multipleOf");
  if (range.multiple && (range.multiple->negative || range.multiple->zero()))
    fail_schema(part.place + "/multipleOf", "a step that is not positive", "a positive one");
  if (!range.low && !range.high && !range.multiple)
    return automaton_.call(from, integer ? rules_.integer : rules_.number, to);
  add_number_range(automaton_, from, range, to, part.place);
}

State SchemaCompiler::value_or_anything(const std::optional<SchemaPart>& part) {
  return part ? rule(*part) : rules_.value;
}

void SchemaCompiler::add_array(State from, const SchemaPart& part, State to) {
  const State item = value_or_anything(find_part(part, "items"));
  const std::int64_t least = find_count(part, "minItems").value_or(0);
  const std::optional<std::int64_t> most = find_count(part, "maxItems");
  if (most && *most < least) fail_schema(part.place + "/maxItems", fmt::format("{}", *most), "no less than minItems");
  const State close = automaton_.add();
  automaton_.edge(close, ']', ']', to);
  State before = space(automaton_.literal(from, "["));
  if (least == 0) automaton_.jump(before, close);
  // Beyond minItems without maxItems one item follows another in the same states.
  for (std::int64_t count = 1; !most || count <= *most; ++count) {
    const State behind = automaton_.add();
    automaton_.call(before, item, behind);
    const State next = space(behind);
    if (count >= least) automaton_.jump(next, close);
    const State after = space(automaton_.literal(next, ","));
    if (!most && count >= least) return automaton_.call(after, item, behind);
    before = after;
  }
}

void SchemaCompiler::add_object(State from, const SchemaPart& part, State to) {
  const ObjectShape shape = object_shape(part);
  if (shape.properties.empty() && shape.open && !shape.others) return automaton_.call(from, rules_.object, to);
  const std::size_t count = shape.properties.size();
  std::vector<char> may_close(count + 1, 1);
  for (std::size_t index = count; index-- > 0;)
    may_close[index] = may_close[index + 1] && !shape.properties[index].required;
  const State close = automaton_.add();
  automaton_.edge(close, '}', '}', to);
  // member[i]: where the key of property i or of a later one begins; behind[i]: after a value, those before i done.
  std::vector<State> member(count + 1), behind(count + 1);
  for (std::size_t index = 0; index <= count; ++index) {
    member[index] = automaton_.add();
    behind[index] = automaton_.add();
    if (may_close[index]) automaton_.jump(behind[index], close);
    automaton_.call(automaton_.literal(behind[index], ","), rules_.space, member[index]);
  }
  const auto finish_member = [&](State key, State value, State next) {
    const State done = automaton_.add();
    automaton_.call(space(automaton_.literal(space(key), ":")), value, done);
    automaton_.call(done, rules_.space, next);
  };
  for (std::size_t index = 0; index < count; ++index) {
    const SchemaProperty& property = shape.properties[index];
    if (!property.required) automaton_.jump(member[index], member[index + 1]);
    const State key = automaton_.literal(member[index], "\"" + spelled(property.name, TextForm::json) + "\"");
    finish_member(key, value_or_anything(property.schema), behind[index + 1]);
  }
  if (shape.open) {
    const State key = automaton_.add();
    automaton_.call(automaton_.literal(member[count], "\""), other_name(shape, TextForm::json), key);
    finish_member(key, value_or_anything(shape.others), behind[count]);
  }
  const State start = space(automaton_.literal(from, "{"));
  automaton_.jump(start, member[0]);
  if (may_close[0]) automaton_.jump(start, close);
}

}  // namespace fathom::grammar
