// Byte-pair encoding learned from counted pieces: again and again the most frequent pair of neighbouring tokens becomes
// a token; of equals the one with the smaller ids. The same pieces give the same vocabulary, in whatever order.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "fathom/corpus/piece_counter.h"
#include "fathom/tokenizer/merge_table.h"

namespace fathom {

struct BpeOptions {
  std::int64_t vocab = 0;     // tokens in all, those before first_id included
  std::int32_t first_id = 0;  // id of the byte 0; the other bytes and then the merged tokens follow
  std::size_t longest = 24;   // bytes of a token: rules and indents of any length would fill the vocabulary
  std::uint64_t least = 2;    // occurrences of a pair
  std::function<void(std::int64_t done, std::int64_t all)> progress = {};
};

struct BpeVocabulary {
  std::int32_t first_id = 0;
  std::vector<std::string> tokens;  // bytes of the ids from first_id on
  std::vector<Merge> merges;        // by rank. Two may make the same token
};

// InputError when the pieces give fewer tokens than were asked for.
BpeVocabulary train_bpe(std::span<const CountedPiece> pieces, const BpeOptions& options);

}  // namespace fathom
