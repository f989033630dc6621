// The spelling of bytes in byte-level vocabularies (GPT-2's): 188 printable bytes stand for themselves as code points,
// the other 68 are spelled U+0100 and up in order. "Ġ" is the space, "Ċ" the line feed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace fathom {

class ByteAlphabet {
 public:
  ByteAlphabet();

  // The code point that spells a byte.
  char32_t spelling(unsigned char byte) const { return spelling_[byte]; }
  // Appends the bytes a spelled token stands for: its own when a character of it spells no byte, as in "<｜User｜>".
  void append_bytes(std::string_view spelled, std::string& bytes) const;

 private:
  static constexpr std::size_t kLast = 0x143;  // the highest code point that spells a byte

  std::array<char32_t, 256> spelling_{};
  std::array<std::int16_t, kLast + 1> byte_of_{};  // -1: spells none
};

}  // namespace fathom
