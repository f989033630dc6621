#include "fathom/chat/json_field.h"

#include "fathom/base/error.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

// Long strings are cut, at a character.
std::string excerpt(std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::size_t end = 0;
  while (end < text.size() && end < kShown) end += static_cast<std::size_t>(utf8_step(text, end).length);
  std::string quoted;
  append_json_string(quoted, text.substr(0, end));
  return end < text.size() ? quoted + "..." : quoted;
}

}  // namespace

const JsonValue& JsonField::value() const {
  check(value_ != nullptr, "a JSON member is read only where it is");
  return *value_;
}

JsonField JsonField::member(std::string_view key) const {
  return {value_ == nullptr ? nullptr : value_->find(key),
          place_.empty() ? std::string(key) : fmt::format("{}.{}", place_, key)};
}

std::vector<JsonField> JsonField::elements() const {
  std::vector<JsonField> fields;
  fields.reserve(value().elements.size());
  for (const JsonValue& element : value().elements)
    fields.emplace_back(&element, fmt::format("{}[{}]", place_, fields.size()));
  return fields;
}

void JsonField::fail(std::string_view expected) const {
  std::string found = "nothing";
  if (value_ != nullptr)
    found = value_->is(JsonValue::Kind::string) ? excerpt(value_->text) : std::string(kind_name(value_->kind));
  throw InputError("[chat] {}: found {}, expected {}", place_.empty() ? "the request" : place_, found, expected);
}

void JsonField::expect(JsonValue::Kind kind) const {
  if (!is(kind)) fail(kind_name(kind));
}

std::optional<std::string> JsonField::text_or_none() const {
  if (is_none()) return std::nullopt;
  expect(JsonValue::Kind::string);
  return value_->text;
}

bool JsonField::truth_or(bool absent) const {
  if (is_none()) return absent;
  expect(JsonValue::Kind::boolean);
  return value_->truth;
}

}  // namespace fathom
