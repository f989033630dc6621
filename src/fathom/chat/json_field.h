// A value inside a JSON document together with the way to it, so that an error can say "messages[3].role".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fathom/chat/json_text.h"

namespace fathom {

class JsonField {
 public:
  // `value` is null for a member that is not there; it must outlive the field.
  JsonField(const JsonValue* value, std::string place) : value_(value), place_(std::move(place)) {}

  const std::string& place() const { return place_; }
  const JsonValue& value() const;  // InternalError if there is none
  bool is_absent() const { return value_ == nullptr; }
  bool is_none() const { return value_ == nullptr || value_->is(JsonValue::Kind::null); }
  bool is(JsonValue::Kind kind) const { return value_ != nullptr && value_->is(kind); }

  JsonField member(std::string_view key) const;
  std::vector<JsonField> elements() const;

  // InputError: "[chat] messages[3].role: found a number, expected a string".
  [[noreturn]] void fail(std::string_view expected) const;
  void expect(JsonValue::Kind kind) const;
  std::optional<std::string> text_or_none() const;  // a string; none for null or absent
  bool truth_or(bool absent) const;

  // The value that a name stands for; InputError lists the names.
  template <typename Value>
  Value one_of(std::span<const std::pair<std::string_view, Value>> names) const {
    std::string expected = "one of";
    for (const auto& [name, value] : names) {
      if (is(JsonValue::Kind::string) && value_->text == name) return value;
      expected.append(expected.size() == 6 ? " " : ", ").append(name);
    }
    fail(expected);
  }

 private:
  const JsonValue* value_;
  std::string place_;
};

}  // namespace fathom
