// A tokenizer's tokens as a tree of bytes, laid out in the order of a depth-first walk. Added tokens are no text and
// are left out. Immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fathom/tokenizer/tokenizer.h"

namespace fathom::grammar {

class Vocabulary {
 public:
  struct Node {
    std::int32_t token = -1;  // that ends here, or -1
    std::int32_t after = 0;   // the first node that is not below this one
    std::uint16_t depth = 0;  // bytes up to and with this one
    std::uint8_t byte = 0;
  };

  // InputError if some byte is no token of its own: text could get stuck before it.
  explicit Vocabulary(const Tokenizer& tokenizer);

  const std::vector<Node>& nodes() const { return nodes_; }
  std::int64_t size() const { return static_cast<std::int64_t>(bytes_.size()); }
  std::size_t mask_words() const { return (bytes_.size() + 31) / 32; }
  // Empty for an added token.
  const std::string& bytes(std::int32_t token) const { return bytes_[token]; }
  // What it reads as, added or not.
  std::string_view text(std::int32_t token) const {
    const auto added = added_.find(token);
    return added == added_.end() ? std::string_view(bytes_[token]) : added->second;
  }
  bool has(std::int32_t token) const { return token >= 0 && token < size(); }
  std::int32_t longest() const { return longest_; }

  std::optional<std::int32_t> dsml;  // ｜DSML｜

 private:
  std::vector<std::string> bytes_;
  std::unordered_map<std::int32_t, std::string> added_;
  std::vector<Node> nodes_;
  std::int32_t longest_ = 0;
};

}  // namespace fathom::grammar
