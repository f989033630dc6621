#include "fathom/tokenizer/byte_alphabet.h"

#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

}  // namespace

ByteAlphabet::ByteAlphabet() {
  byte_of_.fill(-1);
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t code_point = stands_for_itself(byte) ? static_cast<char32_t>(byte) : next++;
    spelling_[static_cast<std::size_t>(byte)] = code_point;
    byte_of_[code_point] = static_cast<std::int16_t>(byte);
  }
}

void ByteAlphabet::append_bytes(std::string_view spelled, std::string& bytes) const {
  const std::size_t before = bytes.size();
  for (std::size_t at = 0; at < spelled.size();) {
    const Utf8Step step = utf8_step(spelled, at);
    if (step.code_point > kLast || byte_of_[step.code_point] < 0) {
      bytes.replace(before, bytes.npos, spelled);
      return;
    }
    bytes.push_back(static_cast<char>(byte_of_[step.code_point]));
    at += static_cast<std::size_t>(step.length);
  }
}

}  // namespace fathom
