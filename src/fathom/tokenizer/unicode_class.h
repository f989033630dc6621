// The classes of code points that the DeepSeek split patterns ask for, in one table of 16 kB to 100 kB.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fathom {

// Pairwise disjoint. The Cjk ones are the code points of the second pattern, [一-龥぀-ゟ゠-ヿ]: U+3040..U+30FF
// and U+4E00..U+9FA5. None of those is a number or white space.
enum class CharClass : std::uint8_t {
  kLetter = 0,       // \p{L} or \p{M}
  kPunctuation = 1,  // \p{P} or \p{S}
  kOther = 2,        // none of the rest: controls, formats, private use, unassigned
  kSpace = 3,        // \s but CR and LF
  kNewline = 4,      // CR, LF
  kNumber = 5,       // \p{N}
  kCjkLetter = 8,
  kCjkPunctuation = 9,
  kCjkOther = 10,
};

class UnicodeClasses {
 public:
  UnicodeClasses();

  // Any value; those past 0x10FFFF are kOther.
  CharClass of(char32_t code_point) const { return static_cast<CharClass>(at(code_point) & 0x0F); }
  CharClass of_ascii(unsigned char byte) const { return static_cast<CharClass>(ascii_[byte]); }
  // Whether \w matches, as Rust's regex has it: letters, marks, decimal digits, connectors, joiners.
  bool is_word(char32_t code_point) const { return (at(code_point) & 0x10) != 0; }
  bool is_space(char32_t code_point) const {
    const CharClass found = of(code_point);
    return found == CharClass::kSpace || found == CharClass::kNewline;
  }

 private:
  static constexpr std::size_t kBlock = 256;  // code points a block; equal blocks are kept once

  std::uint8_t at(char32_t code_point) const {
    if (code_point > 0x10FFFF) return static_cast<std::uint8_t>(CharClass::kOther);
    return blocks_[block_of_[code_point / kBlock] * kBlock + code_point % kBlock];
  }

  std::array<std::uint8_t, 128> ascii_{};
  std::array<std::uint16_t, 0x110000 / kBlock> block_of_{};
  std::vector<std::uint8_t> blocks_;
};

}  // namespace fathom
