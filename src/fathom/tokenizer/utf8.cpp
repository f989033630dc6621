#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

// What may follow a leading byte: how many bytes in all, and the range of the second (the others are 80..BF).
struct Lead {
  std::int32_t length = 0;  // 0: no character begins so
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
};

constexpr Lead lead_of(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};  // no overlong forms
  if (byte == 0xED) return {3, 0x80, 0x9F};  // no surrogates
  if (byte >= 0xE1 && byte <= 0xEF) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};  // not past 0x10FFFF
  return {};
}

}  // namespace

Utf8Step utf8_long_step(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const Lead lead = lead_of(first);
  if (lead.length == 0) return {};
  auto code_point = static_cast<char32_t>(first & (0x7F >> lead.length));
  for (std::int32_t taken = 1; taken < lead.length; ++taken) {
    if (static_cast<std::size_t>(taken) == text.size()) return {.length = taken, .cut = true};
    const auto byte = static_cast<unsigned char>(text[static_cast<std::size_t>(taken)]);
    const bool fits = taken == 1 ? byte >= lead.low && byte <= lead.high : (byte & 0xC0) == 0x80;
    if (!fits) return {.length = taken};
    code_point = (code_point << 6) | (byte & 0x3F);
  }
  return {.code_point = code_point, .length = lead.length, .valid = true};
}

std::string utf8_lossy(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  std::size_t kept = 0;  // where the valid stretch not yet copied begins
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    const auto length = static_cast<std::size_t>(step.length);
    if (!step.valid) {
      result.append(text.substr(kept, at - kept)).append("\xEF\xBF\xBD");
      kept = at + length;
    }
    at += length;
  }
  return result.append(text.substr(kept));
}

std::size_t utf8_cut_tail(std::string_view text) {
  // A cut character's leading byte is among the last three, and only continuation bytes follow it.
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const std::string_view tail = text.substr(text.size() - back);
    const auto byte = static_cast<unsigned char>(tail[0]);
    if ((byte & 0xC0) == 0x80) continue;
    if (byte < 0x80) return 0;
    const Utf8Step step = utf8_long_step(tail);
    return step.cut && static_cast<std::size_t>(step.length) == back ? back : 0;
  }
  return 0;
}

std::string utf8_encode(char32_t code_point) {
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) code_point = kReplacement;
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((code_point >> shift) & 0x3F)); };
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  if (code_point < 0x800) return {static_cast<char>(0xC0 | (code_point >> 6)), tail(0)};
  if (code_point < 0x10000) return {static_cast<char>(0xE0 | (code_point >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (code_point >> 18)), tail(12), tail(6), tail(0)};
}

}  // namespace fathom
