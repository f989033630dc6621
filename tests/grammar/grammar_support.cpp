#include "tests/grammar/grammar_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <regex>

namespace fathom::grammar {
namespace {

int rank(std::string_view piece) {
  static constexpr std::string_view closers[] = {"}", "]", "\"", ">", "</", "<"};
  for (std::size_t index = 0; index < std::size(closers); ++index)
    if (piece == closers[index]) return static_cast<int>(index);
  return 100;
}

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

const Tokenizer& small_tokenizer() {
  static const Tokenizer tokenizer = Tokenizer::load(FATHOM_SOURCE "/models/minnow/tokenizer.json");
  return tokenizer;
}
const Tokenizer& large_tokenizer() {
  static const Tokenizer tokenizer = Tokenizer::deepseek_v4();
  return tokenizer;
}
ConstraintMaker& small_maker() {
  static ConstraintMaker maker(small_tokenizer());
  return maker;
}
ConstraintMaker& large_maker() {
  static ConstraintMaker maker(large_tokenizer());
  return maker;
}

ConstraintPlan schema_plan(std::string_view schema) {
  return {.answer = ConstraintPlan::Answer::json_schema, .schema = std::string(schema)};
}

std::vector<std::int32_t> allowed_tokens(TokenConstraint& constraint, const Tokenizer& tokenizer) {
  std::vector<std::uint32_t> mask(static_cast<std::size_t>(tokenizer.vocab() + 31) / 32, 0xA5A5A5A5u);
  constraint.allowed(mask);
  std::vector<std::int32_t> tokens;
  for (std::int32_t token = 0; token < static_cast<std::int32_t>(mask.size() * 32); ++token)
    if (mask[token / 32] >> (token % 32) & 1) tokens.push_back(token);
  return tokens;
}

bool allows(TokenConstraint& constraint, const Tokenizer& tokenizer, std::int32_t token) {
  const std::vector<std::int32_t> tokens = allowed_tokens(constraint, tokenizer);
  return std::binary_search(tokens.begin(), tokens.end(), token);
}

std::string random_answer(TokenConstraint& constraint, const Tokenizer& tokenizer, std::mt19937& random, int hurry) {
  std::string text;
  for (int count = 0; count < 5000; ++count) {
    const std::vector<std::int32_t> tokens = allowed_tokens(constraint, tokenizer);
    if (tokens.empty()) {
      ADD_FAILURE() << "nothing may follow " << text;
      return text;
    }
    std::int32_t token = tokens[random() % tokens.size()];
    if (count > hurry || random() % 2 == 0) {
      int best = 99;
      for (const std::int32_t candidate : tokens) {
        const int order = candidate == kEnd ? -1 : rank(tokenizer.piece(candidate));
        if (order < best) best = order, token = candidate;
      }
      // Where letters may come, a bracket closes nothing.
      const auto has = [&](std::string_view piece) {
        return std::binary_search(tokens.begin(), tokens.end(), tokenizer.encode(piece).front());
      };
      if (has("｜DSML｜"))
        token = tokenizer.encode("｜DSML｜").front();
      else if (has("q") && has("\n") && has("</"))
        token = tokenizer.encode("</").front();
      else if (has("q") && has("\""))
        token = tokenizer.encode("\"").front();
    }
    constraint.accept(token);
    if (token == kEnd) return text;
    text += tokenizer.piece(token);
  }
  ADD_FAILURE() << "no end to " << text;
  return text;
}

bool takes(TokenConstraint& constraint, const Tokenizer& tokenizer, std::string_view text, Cut cut) {
  std::vector<std::int32_t> tokens = tokenizer.encode(text);
  if (cut == Cut::bytes) {
    std::vector<std::int32_t> bytes;
    for (const std::int32_t token : tokens) {
      if (tokenizer.is_added(token))
        bytes.push_back(token);
      else
        for (const char byte : tokenizer.piece(token))
          for (std::int32_t candidate = 0; candidate < tokenizer.vocab(); ++candidate)
            if (tokenizer.piece(candidate) == std::string_view(&byte, 1)) {
              bytes.push_back(candidate);
              break;
            }
    }
    tokens = bytes;
  }
  tokens.push_back(kEnd);
  for (const std::int32_t token : tokens) {
    if (constraint.narrows() && !allows(constraint, tokenizer, token)) return false;
    constraint.accept(token);
  }
  return true;
}

bool takes(ConstraintMaker& maker, const ConstraintPlan& plan, const Tokenizer& tokenizer, std::string_view text) {
  const bool whole = takes(*maker.make(plan), tokenizer, text, Cut::tokens);
  const bool pieces = takes(*maker.make(plan), tokenizer, text, Cut::bytes);
  EXPECT_EQ(whole, pieces) << text;
  return whole;
}

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
