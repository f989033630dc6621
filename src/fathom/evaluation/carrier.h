// Prose to hide facts in: the documents of text files, one after the other, and again from the beginning.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "fathom/tokenizer/tokenizer.h"

namespace fathom {

class Carrier {
 public:
  // InputError when the files hold no sentence.
  Carrier(std::span<const std::filesystem::path> files, const Tokenizer& tokenizer);

  // About `tokens` tokens of whole sentences; `place`, any number, says where they begin.
  std::string prose(std::uint64_t place, std::int64_t tokens) const;

 private:
  std::string text_;
  std::vector<std::size_t> sentences_;  // where they begin; the last one is the text's end
  std::vector<std::int64_t> tokens_;    // of the text before each of those
};

// Where a sentence can be put in: behind the space that follows a full stop, and behind an empty line.
std::vector<std::size_t> sentence_ends(std::string_view text);

}  // namespace fathom
