// Names of what is kept on disk, by everything that its bytes depend on:
//
//   node 0    SHA-256 of the numerics and the scope
//   node n+1  SHA-256 of node n and the ids of block n
//   page      its block's node, 192 bits of it, and zeros
//   snapshot  the node of its last full block, and a hash of the ids behind, which is never zero
//
// The last is a weak one, so that every length of a block is looked up at the price of a few instructions: the blob has
// these ids in it, and they are compared.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "fathom/base/digest.h"
#include "fathom/store/blob_key.h"

namespace fathom {

class PrefixChain {
 public:
  using Ids = std::span<const std::int32_t>;

  PrefixChain(const Digest& numerics, std::string_view scope, std::int64_t page_tokens);

  // Takes in full blocks of these ids, `pages` at most; they begin as those before did.
  void extend(Ids ids, std::int64_t pages);
  std::int64_t pages() const { return std::ssize(nodes_) - 1; }
  store::BlobKey page(std::int64_t index) const;
  // Of all these ids, whose full blocks were taken in.
  store::BlobKey snapshot(Ids ids) const;
  // Of the full blocks before `pages` and 0, 1, 2, ... of these ids behind them.
  std::vector<store::BlobKey> snapshots(std::int64_t pages, Ids behind) const;

 private:
  std::int64_t page_tokens_;
  std::vector<Digest> nodes_;
};

}  // namespace fathom
