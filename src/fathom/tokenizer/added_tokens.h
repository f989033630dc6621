// Finds added tokens in a text: the leftmost, and of those the longest, one behind the other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "fathom/tokenizer/tokenizer_json.h"
#include "fathom/tokenizer/unicode_class.h"

namespace fathom {

class AddedTokens {
 public:
  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::int32_t id = 0;
  };

  // Distinct contents.
  explicit AddedTokens(std::span<const AddedToken> tokens);

  // The first match at `from` or later; what lies between `from` and its begin holds none. Its `begin` reaches back
  // over white space (not before `from`) if the token has lstrip, its `end` onward if rstrip.
  std::optional<Match> next(std::string_view text, std::size_t from, const UnicodeClasses& classes) const;

 private:
  // A trie laid out by breadth: a node's children stand together, in order of their byte.
  struct Node {
    std::uint32_t first_child = 0;
    std::uint16_t children = 0;
    std::uint8_t byte = 0;
    std::int32_t token = -1;  // index into tokens_ of the content that ends here
  };

  const Node* child(const Node& node, unsigned char byte) const;
  std::optional<Match> longest_at(std::string_view text, std::size_t at) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_;
  std::array<bool, 256> begins_{};  // whether a content begins with the byte
};

}  // namespace fathom
