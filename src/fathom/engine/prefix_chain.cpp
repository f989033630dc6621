#include "fathom/engine/prefix_chain.h"

#include <algorithm>
#include <cstring>

#include "fathom/base/error.h"

namespace fathom {
namespace {

constexpr std::size_t kNodeBytes = 24;  // of a node, in a key
static_assert(kNodeBytes + sizeof(std::uint64_t) == sizeof(store::BlobKey));

store::BlobKey key_of(const Digest& node, std::uint64_t rest) {
  store::BlobKey key;
  std::memcpy(key.bytes.data(), node.data(), kNodeBytes);
  std::memcpy(key.bytes.data() + kNodeBytes, &rest, sizeof(rest));
  return key;
}

}  // namespace

PrefixChain::PrefixChain(const Digest& numerics, std::string_view scope, std::int64_t page_tokens)
    : page_tokens_(page_tokens), nodes_({Hasher().add(std::span(numerics)).add(scope).finish()}) {}

void PrefixChain::extend(Ids ids, std::int64_t pages) {
  Hasher hasher;
  pages = std::min(pages, std::ssize(ids) / page_tokens_);
  for (std::int64_t index = this->pages(); index < pages; ++index) {
    const Ids block =
        ids.subspan(static_cast<std::size_t>(index * page_tokens_), static_cast<std::size_t>(page_tokens_));
    nodes_.push_back(hasher.add(std::span<const std::byte>(nodes_.back())).add(std::as_bytes(block)).finish());
  }
}

store::BlobKey PrefixChain::page(std::int64_t index) const {
  check(index < pages(), "a page's block was taken in");
  return key_of(nodes_[static_cast<std::size_t>(index + 1)], 0);
}

store::BlobKey PrefixChain::snapshot(Ids ids) const {
  const std::int64_t full = std::ssize(ids) / page_tokens_;
  return snapshots(full, ids.subspan(static_cast<std::size_t>(full * page_tokens_))).back();
}

std::vector<store::BlobKey> PrefixChain::snapshots(std::int64_t pages, Ids behind) const {
  check(pages <= this->pages(), "the blocks before a snapshot were taken in");
  const Digest& node = nodes_[static_cast<std::size_t>(pages)];
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a, an id at a time
  std::vector<store::BlobKey> keys = {key_of(node, hash | 1)};
  for (const std::int32_t id : behind) {
    hash = (hash ^ static_cast<std::uint32_t>(id)) * 1099511628211ULL;
    keys.push_back(key_of(node, (hash ^ (hash >> 29)) | 1));
  }
  return keys;
}

}  // namespace fathom
