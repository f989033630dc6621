#include "fathom/chat/json_field.h"

#include "fathom/base/error.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

std::string excerpt(std::string_view text) {
  constexpr std::size_t kShown = 40;
  const std::string_view start = text_start(text, kShown);
  std::string quoted;
  append_json_string(quoted, start);
  return start.size() < text.size() ? quoted + "..." : quoted;
}

std::string found_text(const JsonMismatch& mismatch) {
  if (mismatch.absent) return "nothing";
  const JsonValue& found = mismatch.found;
  return found.is(JsonValue::Kind::string) ? excerpt(found.text) : std::string(kind_name(found.kind));
}

}  // namespace

std::string_view text_start(std::string_view text, std::size_t bytes) {
  std::size_t end = 0;
  while (end < text.size() && end < bytes) end += static_cast<std::size_t>(utf8_step(text, end).length);
  return text.substr(0, end);
}

JsonFieldError::JsonFieldError(JsonMismatch mismatch)
    : InputError("[chat] {}: found {}, expected {}", mismatch.place.empty() ? "the request" : mismatch.place,
                 found_text(mismatch), mismatch.expected),
      mismatch_(std::move(mismatch)) {}

const JsonValue& JsonField::value() const {
  check(value_ != nullptr, "a JSON member is read only where it is");
  return *value_;
}

JsonField JsonField::member(std::string_view key) const {
  return {value_ == nullptr ? nullptr : value_->find(key),
          place_.empty() ? std::string(key) : fmt::format("{}.{}", place_, key), value_};
}

std::vector<JsonField> JsonField::elements() const {
  std::vector<JsonField> fields;
  fields.reserve(value().elements.size());
  for (const JsonValue& element : value().elements)
    fields.emplace_back(&element, fmt::format("{}[{}]", place_, fields.size()));
  return fields;
}

JsonMismatch JsonField::mismatch(std::string_view expected) const {
  JsonMismatch mismatch;
  mismatch.place = place_;
  mismatch.absent = value_ == nullptr;
  mismatch.expected = expected;
  if (value_ != nullptr) {
    mismatch.found.kind = value_->kind;
    mismatch.found.truth = value_->truth;
    mismatch.found.text = value_->text;
    mismatch.found.source = value_->source;
  } else if (holder_ != nullptr) {
    mismatch.found.source = holder_->source;
  }
  return mismatch;
}

void JsonField::fail(std::string_view expected) const { throw JsonFieldError(mismatch(expected)); }

void JsonField::fail_names(std::vector<std::string_view> names) const {
  std::string expected = "one of";
  for (const std::string_view name : names) expected.append(expected.size() == 6 ? " " : ", ").append(name);
  JsonMismatch described = mismatch(expected);
  described.names = std::move(names);
  throw JsonFieldError(std::move(described));
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
