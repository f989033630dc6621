#include "fathom/chat/json_equality.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace fathom {
namespace {

// digits * 10^exponent, the first and the last digit not zero; no digits: zero.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;

  bool operator==(const Decimal&) const = default;
};

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

bool take_sign(std::string_view& text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  return negative;
}

// The exponent behind an e; nothing when the text is no number or out of all proportion.
std::optional<std::int64_t> read_exponent(std::string_view text) {
  const bool negative = take_sign(text);
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  if (text.empty() || !is_digit(text.front()) || fault != std::errc{} || end != text.data() + text.size() ||
      value > kMost)
    return std::nullopt;
  return negative ? -value : value;
}

std::optional<Decimal> read_decimal(std::string_view text) {
  Decimal read;
  read.negative = take_sign(text);
  const std::size_t mark = text.find_first_of("eE");
  if (mark != std::string_view::npos) {
    const auto exponent = read_exponent(text.substr(mark + 1));
    if (!exponent) return std::nullopt;
    read.exponent = *exponent;
    text = text.substr(0, mark);
  }
  const std::size_t point = std::min(text.find('.'), text.size());
  read.digits = text.substr(0, point);
  if (point < text.size()) read.digits += text.substr(point + 1);
  read.exponent -= static_cast<std::int64_t>(point < text.size() ? text.size() - point - 1 : 0);
  if (read.digits.empty() || !std::all_of(read.digits.begin(), read.digits.end(), is_digit)) return std::nullopt;
  read.digits.erase(0, std::min(read.digits.find_first_not_of('0'), read.digits.size()));
  if (read.digits.empty()) return Decimal{};
  const std::size_t last = read.digits.find_last_not_of('0');
  read.exponent += static_cast<std::int64_t>(read.digits.size() - 1 - last);
  read.digits.resize(last + 1);
  return read;
}

bool same_elements(const JsonValue& one, const JsonValue& other) {
  return std::equal(one.elements.begin(), one.elements.end(), other.elements.begin(), other.elements.end(), same_json);
}

bool same_members(const JsonValue& one, const JsonValue& other) {
  return one.members.size() == other.members.size() &&
         std::all_of(one.members.begin(), one.members.end(), [&](const JsonMember& member) {
           const JsonValue* found = other.find(member.key);
           return found != nullptr && same_json(member.value, *found);
         });
}

}  // namespace

bool same_number(std::string_view one, std::string_view other) {
  const auto a = read_decimal(one);
  const auto b = read_decimal(other);
  return a && b && *a == *b;
}

bool same_json(const JsonValue& one, const JsonValue& other) {
  if (one.kind != other.kind) return false;
  switch (one.kind) {
    case JsonValue::Kind::null: return true;
    case JsonValue::Kind::boolean: return one.truth == other.truth;
    case JsonValue::Kind::number: return same_number(one.text, other.text);
    case JsonValue::Kind::string: return one.text == other.text;
    case JsonValue::Kind::array: return same_elements(one, other);
    case JsonValue::Kind::object: return same_members(one, other);
  }
  return false;
}

}  // namespace fathom
