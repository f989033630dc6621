// How often each piece of the pre-tokenizer occurs in a text: all that byte-pair encoding learns from.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fathom/tokenizer/added_tokens.h"
#include "fathom/tokenizer/splitter.h"
#include "fathom/tokenizer/tokenizer_json.h"

namespace fathom {

struct CountedPiece {
  std::string bytes;
  std::uint64_t count = 0;
};

class PieceCounter {
 public:
  // Longer pieces are drawn lines and data, from which nothing is learned.
  static constexpr std::size_t kLongest = 128;

  explicit PieceCounter(std::span<const AddedToken> added) : added_(added) {}

  // Added tokens in the text are cut out. Numbers count character by character: no merge joins digits, and arithmetic
  // is learned digit by digit.
  void add(std::string_view text, std::uint64_t weight = 1);
  void merge(PieceCounter&& other);

  std::uint64_t bytes() const { return bytes_; }  // seen so far, weights aside
  // In order of their bytes.
  std::vector<CountedPiece> counted() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const;
  };

  void add_plain(std::string_view text, std::uint64_t weight);
  void count(std::string_view piece, std::uint64_t weight);

  AddedTokens added_;
  Splitter splitter_;
  std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>> counts_;
  std::uint64_t bytes_ = 0;
};

}  // namespace fathom
