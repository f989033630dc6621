// A value inside a JSON document together with the way to it, so that an error can say "messages[3].role".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/chat/json_text.h"

namespace fathom {

// What a field was and what it should have been, for whoever words the error in another way than what() does.
struct JsonMismatch {
  std::string place;
  bool absent = false;                  // then of `found` only the source is set: the object that lacks the member
  JsonValue found;                      // without elements and members
  std::string expected;                 // "a string", "an integer", "one of on, off"
  std::vector<std::string_view> names;  // where one of these was expected; they outlive the error
};

// "[chat] messages[3].role: found a number, expected a string".
class JsonFieldError : public InputError {
 public:
  explicit JsonFieldError(JsonMismatch mismatch);
  const JsonMismatch& mismatch() const { return mismatch_; }

 private:
  JsonMismatch mismatch_;
};

// The beginning of a text, of so many bytes and the rest of a character: enough of a value to be recognised.
std::string_view text_start(std::string_view text, std::size_t bytes);

class JsonField {
 public:
  // `value` is null for a member that is not there, which `holder` lacks; both must outlive the field.
  JsonField(const JsonValue* value, std::string place, const JsonValue* holder = nullptr)
      : value_(value), place_(std::move(place)), holder_(holder) {}

  const std::string& place() const { return place_; }
  const JsonValue& value() const;  // InternalError if there is none
  bool is_absent() const { return value_ == nullptr; }
  bool is_none() const { return value_ == nullptr || value_->is(JsonValue::Kind::null); }
  bool is(JsonValue::Kind kind) const { return value_ != nullptr && value_->is(kind); }

  JsonField member(std::string_view key) const;
  std::vector<JsonField> elements() const;

  [[noreturn]] void fail(std::string_view expected) const;  // JsonFieldError
  void expect(JsonValue::Kind kind) const;
  std::optional<std::string> text_or_none() const;  // a string; none for null or absent
  bool truth_or(bool absent) const;

  // The value that a name stands for; the error lists the names, which live as long as the program.
  template <typename Value>
  Value one_of(std::span<const std::pair<std::string_view, Value>> names) const {
    std::vector<std::string_view> expected;
    for (const auto& [name, value] : names) {
      if (is(JsonValue::Kind::string) && value_->text == name) return value;
      expected.push_back(name);
    }
    fail_names(std::move(expected));
  }
  [[noreturn]] void fail_names(std::vector<std::string_view> names) const;  // none of these

 private:
  JsonMismatch mismatch(std::string_view expected) const;

  const JsonValue* value_;
  std::string place_;
  const JsonValue* holder_;
};

}  // namespace fathom
