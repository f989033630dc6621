// Ids and the bytes they stand for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/tokenizer/merge_table.h"
#include "fathom/tokenizer/tokenizer_json.h"

namespace fathom {

class Vocabulary {
 public:
  // InputError: two tokens of one id, an added token at odds with the vocabulary, one of the 256 single bytes missing,
  // a merge of or into no token.
  Vocabulary(const TokenizerJson& json, std::string_view place);

  // Largest id + 1.
  std::int64_t size() const { return static_cast<std::int64_t>(pieces_.size()); }
  // The bytes of an id. InputError when no token has it.
  std::string_view piece(std::int32_t id) const {
    if (id < 0 || id >= size() || pieces_[static_cast<std::size_t>(id)].state == State::kNone) refuse(id);
    const Piece& piece = pieces_[static_cast<std::size_t>(id)];
    return std::string_view(bytes_).substr(piece.begin, piece.length);
  }
  bool is_added(std::int32_t id) const {
    return id >= 0 && id < size() && pieces_[static_cast<std::size_t>(id)].state == State::kAdded;
  }
  std::optional<std::int32_t> added(std::string_view content) const;

  const std::array<std::int32_t, 256>& byte_ids() const { return byte_ids_; }
  const std::vector<Merge>& merges() const { return merges_; }

 private:
  enum class State : std::uint8_t { kNone, kBytes, kAdded };
  struct Piece {
    std::uint32_t begin = 0;  // in bytes_
    std::uint32_t length = 0;
    State state = State::kNone;
  };

  [[noreturn]] void refuse(std::int32_t id) const;

  std::string bytes_;  // all pieces, one behind the other
  std::vector<Piece> pieces_;
  std::vector<std::pair<std::string, std::int32_t>> added_;  // in order of content
  std::array<std::int32_t, 256> byte_ids_{};
  std::vector<Merge> merges_;
};

}  // namespace fathom
