#include "fathom/chat/json_reader.h"

#include <algorithm>
#include <map>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/chat/json_number.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

constexpr int kMaxDepth = 990;

bool is_digit(char character) { return character >= '0' && character <= '9'; }
bool is_high_surrogate(char32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low_surrogate(char32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

JsonValue of_kind(JsonValue::Kind kind) {
  JsonValue value;
  value.kind = kind;
  return value;
}

}  // namespace

JsonReader::Position JsonReader::position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t newline = before.rfind('\n');
  const std::size_t line_start = newline == std::string_view::npos ? 0 : newline + 1;
  return {1 + std::count(before.begin(), before.end(), '\n'), static_cast<std::int64_t>(offset - line_start) + 1};
}

void JsonReader::fail(std::string_view expected) const {
  if (offset_ >= text_.size()) throw Fault{text_.size(), "the end", expected};
  const Utf8Step step = utf8_step(text_, offset_);
  const auto byte = static_cast<unsigned char>(text_[offset_]);
  const bool readable = step.valid && byte >= 0x20 && byte != 0x7F;
  const auto length = static_cast<std::size_t>(step.length);
  throw Fault{offset_,
              readable ? fmt::format("'{}'", text_.substr(offset_, length)) : fmt::format("byte 0x{:02x}", byte),
              expected};
}

void JsonReader::skip_space() {
  while (offset_ < text_.size() &&
         (text_[offset_] == ' ' || text_[offset_] == '\t' || text_[offset_] == '\n' || text_[offset_] == '\r'))
    ++offset_;
}

bool JsonReader::take(std::string_view word) {
  if (text_.substr(offset_, word.size()) != word) return false;
  offset_ += word.size();
  return true;
}

JsonValue JsonReader::read() {
  skip_space();
  JsonValue value = read_value();
  skip_space();
  if (offset_ != text_.size()) fail("the end");
  return value;
}

JsonValue JsonReader::read_value() {
  const std::size_t begin = offset_;
  JsonValue value = read_any();
  value.source = {begin, offset_};
  return value;
}

JsonValue JsonReader::read_any() {
  if (offset_ == text_.size()) fail("a value");
  const char first = text_[offset_];
  if (first == '"') {
    JsonValue value = of_kind(JsonValue::Kind::string);
    value.text = read_string();
    return value;
  }
  if (first == '{' || first == '[') {
    if (++depth_ > kMaxDepth) fail("at most 990 levels of nesting");
    JsonValue value = of_kind(first == '{' ? JsonValue::Kind::object : JsonValue::Kind::array);
    first == '{' ? read_members(value) : read_elements(value);
    --depth_;
    return value;
  }
  if (take("null")) return of_kind(JsonValue::Kind::null);
  if (first == 't' || first == 'f') {
    JsonValue value = of_kind(JsonValue::Kind::boolean);
    value.truth = first == 't';
    if (!take(value.truth ? "true" : "false")) fail("a value");
    return value;
  }
  if (dialect_ == Dialect::python)
    for (const std::string_view constant : {"NaN", "Infinity", "-Infinity"})
      if (take(constant)) {
        JsonValue value = of_kind(JsonValue::Kind::number);
        value.text = constant;
        return value;
      }
  if (first == '-' || is_digit(first)) return read_number();
  fail("a value");
}

JsonValue JsonReader::read_number() {
  const std::size_t start = offset_;
  const auto at_digit = [this] { return offset_ < text_.size() && is_digit(text_[offset_]); };
  const auto skip_digits = [&] {
    if (!at_digit()) fail("a digit");
    while (at_digit()) ++offset_;
  };
  take("-");
  if (!take("0")) skip_digits();
  if (take(".")) skip_digits();
  if (take("e") || take("E")) {
    if (!take("+")) take("-");
    skip_digits();
  }
  JsonValue value = of_kind(JsonValue::Kind::number);
  value.text = python_number(text_.substr(start, offset_ - start));
  return value;
}

std::string JsonReader::read_string() {
  std::string out;
  ++offset_;
  while (true) {
    if (offset_ == text_.size()) fail("the string's closing quote");
    const char character = text_[offset_];
    if (character == '"') {
      ++offset_;
      return out;
    }
    if (static_cast<unsigned char>(character) < 0x20) fail("an escape such as \\n");
    if (character == '\\') {
      out += utf8_encode(read_escape());
      continue;
    }
    const Utf8Step step = utf8_step(text_, offset_);
    if (!step.valid) fail("UTF-8");
    out += text_.substr(offset_, static_cast<std::size_t>(step.length));
    offset_ += static_cast<std::size_t>(step.length);
  }
}

char32_t JsonReader::read_escape() {
  ++offset_;
  if (offset_ == text_.size()) fail("the rest of an escape");
  constexpr std::string_view names = "\"\\/bfnrt";
  constexpr std::string_view characters = "\"\\/\b\f\n\r\t";
  const std::size_t simple = names.find(text_[offset_]);
  if (simple != std::string_view::npos) {
    ++offset_;
    return static_cast<unsigned char>(characters[simple]);
  }
  if (text_[offset_] != 'u') fail("one of \" \\ / b f n r t u");
  ++offset_;
  const char32_t unit = read_hex();
  if (!is_high_surrogate(unit)) return unit;
  const std::size_t after_high = offset_;
  if (take("\\u")) {
    const char32_t low = read_hex();
    if (is_low_surrogate(low)) return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    offset_ = after_high;
  }
  return unit;  // half a pair: utf8_encode makes it U+FFFD
}

char32_t JsonReader::read_hex() {
  char32_t unit = 0;
  for (int digit = 0; digit < 4; ++digit) {
    constexpr std::string_view digits = "0123456789abcdef";
    const char lower = offset_ < text_.size() ? static_cast<char>(text_[offset_] | 0x20) : '?';
    const std::size_t value = offset_ < text_.size() && is_digit(text_[offset_])
                                  ? static_cast<std::size_t>(text_[offset_] - '0')
                                  : (lower >= 'a' ? digits.find(lower) : std::string_view::npos);
    if (value == std::string_view::npos) fail("a hexadecimal digit");
    unit = unit * 16 + static_cast<char32_t>(value);
    ++offset_;
  }
  return unit;
}

void JsonReader::read_elements(JsonValue& array) {
  ++offset_;
  skip_space();
  if (take("]")) return;
  while (true) {
    array.elements.push_back(read_value());
    skip_space();
    if (take("]")) return;
    if (!take(",")) fail("',' or ']'");
    skip_space();
  }
}

void JsonReader::read_members(JsonValue& object) {
  std::map<std::string, std::size_t> places;
  ++offset_;
  skip_space();
  if (take("}")) return;
  while (true) {
    if (offset_ == text_.size() || text_[offset_] != '"') fail("a key in double quotes");
    std::string key = read_string();
    skip_space();
    if (!take(":")) fail("':'");
    skip_space();
    JsonValue value = read_value();
    const auto [place, is_new] = places.try_emplace(key, object.members.size());
    if (is_new) {
      object.members.push_back({std::move(key), std::move(value)});
    } else {
      object.members[place->second].value = std::move(value);  // Python: first place, last value
    }
    skip_space();
    if (take("}")) return;
    if (!take(",")) fail("',' or '}'");
    skip_space();
  }
}

}  // namespace fathom
