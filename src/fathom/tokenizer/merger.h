// Byte-pair encoding of one piece: of all neighbours that have a merge the one of lowest rank, leftmost first, becomes
// one token, until none is left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fathom/tokenizer/merge_queue.h"
#include "fathom/tokenizer/merge_table.h"

namespace fathom {

class Merger {
 public:
  // Pieces up to this many bytes are merged in an array (quadratic, but the quickest below), longer ones through a
  // queue (near-linear).
  static constexpr std::size_t kArrayBytes = 128;

  explicit Merger(const MergeTable& table) : table_(&table) {}

  // Appends the piece's ids. InputError for a piece of 4 GiB or more.
  void append(std::string_view piece, std::vector<std::int32_t>& ids);

 private:
  void append_short(std::string_view piece, std::vector<std::int32_t>& ids) const;
  void append_long(std::string_view piece, std::vector<std::int32_t>& ids);
  void lay_out(std::string_view piece);
  void run_queue();
  void renew(std::uint32_t left, std::uint32_t right);

  const MergeTable* table_;
  // Indexed by the byte at which a token begins.
  std::vector<std::int32_t> ids_;
  std::vector<std::uint32_t> ranks_;  // of the merge with the next token
  std::vector<std::uint32_t> next_;
  std::vector<std::uint32_t> previous_;
  MergeQueue queue_;  // of rank << 32 | place
};

}  // namespace fathom
