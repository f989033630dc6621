#include "fathom/grammar/vocabulary.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "fathom/base/error.h"

namespace fathom::grammar {

Vocabulary::Vocabulary(const Tokenizer& tokenizer) : dsml(tokenizer.added_token("｜DSML｜")) {
  bytes_.resize(static_cast<std::size_t>(tokenizer.vocab()));
  std::vector<std::int32_t> order;
  std::array<bool, 256> single{};
  for (std::int32_t token = 0; token < size(); ++token) {
    if (tokenizer.is_added(token)) {
      added_[token] = tokenizer.piece(token);
      continue;
    }
    bytes_[token] = tokenizer.piece(token);
    if (bytes_[token].empty()) continue;
    if (bytes_[token].size() == 1) single[static_cast<unsigned char>(bytes_[token][0])] = true;
    longest_ = std::max(longest_, static_cast<std::int32_t>(bytes_[token].size()));
    order.push_back(token);
  }
  for (std::size_t byte = 0; byte < single.size(); ++byte)
    if (!single[byte]) throw InputError("[grammar] vocabulary: has no token for byte {}, expected all 256", byte);
  std::sort(order.begin(), order.end(),
            [this](std::int32_t left, std::int32_t right) { return bytes_[left] < bytes_[right]; });
  std::vector<std::int32_t> path;  // nodes from the root to the latest
  for (const std::int32_t token : order) {
    const std::string& text = bytes_[token];
    std::size_t common = 0;
    while (common < path.size() && common < text.size() &&
           nodes_[path[common]].byte == static_cast<unsigned char>(text[common]))
      ++common;
    while (path.size() > common) {
      nodes_[path.back()].after = static_cast<std::int32_t>(nodes_.size());
      path.pop_back();
    }
    for (std::size_t at = common; at < text.size(); ++at) {
      path.push_back(static_cast<std::int32_t>(nodes_.size()));
      nodes_.push_back({.depth = static_cast<std::uint16_t>(at + 1), .byte = static_cast<std::uint8_t>(text[at])});
    }
    if (nodes_[path.back()].token >= 0)
      throw InputError("[grammar] vocabulary: has tokens {} and {} for the same bytes, expected one",
                       nodes_[path.back()].token, token);
    nodes_[path.back()].token = token;
  }
  for (const std::int32_t node : path) nodes_[node].after = static_cast<std::int32_t>(nodes_.size());
}

}  // namespace fathom::grammar
