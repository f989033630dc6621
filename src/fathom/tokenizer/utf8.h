// UTF-8, one step at a time. Broken bytes are grouped as Rust's and Python's lossy decoding group them: one U+FFFD for
// each maximal subpart (Unicode 16, section 3.9, "U+FFFD Substitution of Maximal Subparts").
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fathom {

constexpr char32_t kReplacement = 0xFFFD;

struct Utf8Step {
  char32_t code_point = kReplacement;
  std::int32_t length = 1;  // bytes taken, at least 1
  bool valid = false;       // false: `length` bytes form one maximal subpart and stand for U+FFFD
  bool cut = false;         // not valid, but the text's end cut what may have been a character
};

// The step for a text whose first byte is not ASCII. `text` must not be empty.
Utf8Step utf8_long_step(std::string_view text);

// The step at `at`, which must lie inside `text`.
inline Utf8Step utf8_step(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return {.code_point = byte, .length = 1, .valid = true};
  return utf8_long_step(text.substr(at));
}

// The text with each maximal broken subpart replaced by U+FFFD.
std::string utf8_lossy(std::string_view text);

// How many bytes at the end (0 to 3) are the beginning of a character whose other bytes are not there.
std::size_t utf8_cut_tail(std::string_view text);

// One code point as UTF-8. Surrogates and values past 0x10FFFF become U+FFFD.
std::string utf8_encode(char32_t code_point);

}  // namespace fathom
