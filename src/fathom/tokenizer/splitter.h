// The DeepSeek pre-tokenizer by hand: its three patterns, each applied inside the pieces of the one before.
//
//   1  \p{N}{1,3}
//   2  [一-龥぀-ゟ゠-ヿ]+
//   3  [ASCII punctuation][A-Za-z]+ | [^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+ | ?[\p{P}\p{S}]+[\r\n]*
//      | \s*[\r\n]+ | \s+(?!\S) | \s+
//
// What a pattern leaves between two matches is a piece as well. Since each pattern sees one piece alone, no match of
// the third crosses a number or the border of the second's ranges, and its (?!\S) holds at such a border. A broken byte
// stands for U+FFFD (a symbol), so the pieces are those of the lossy text.
#pragma once

#include <cstddef>
#include <string_view>

#include "fathom/tokenizer/unicode_class.h"

namespace fathom {

class Splitter {
 public:
  // The end of the piece that begins at `start`, where start < text.size() and a piece begins (0, or an end returned
  // before). Pieces are not empty; one call reads no further than the piece and one run of white space after it.
  std::size_t piece_end(std::string_view text, std::size_t start) const;

  const UnicodeClasses& classes() const { return classes_; }

 private:
  struct Symbol {
    CharClass kind;
    std::size_t end;
  };

  Symbol symbol(std::string_view text, std::size_t at) const;
  bool is_at(std::string_view text, std::size_t at, CharClass kind) const;
  std::size_t run_end(std::string_view text, std::size_t at, CharClass kind) const;
  std::size_t ascii_letters_end(std::string_view text, std::size_t at) const;
  std::size_t punctuation_end(std::string_view text, std::size_t at) const;
  std::size_t number_end(std::string_view text, std::size_t at) const;
  std::size_t white_end(std::string_view text, std::size_t start) const;
  std::size_t other_end(std::string_view text, std::size_t start, CharClass other, CharClass letter) const;

  UnicodeClasses classes_;
};

}  // namespace fathom
