#include "fathom/engine/prefix_tree.h"

#include <algorithm>
#include <utility>

#include "fathom/base/error.h"

namespace fathom {

struct PrefixTree::Kept {
  CacheSnapshot snapshot;
  Node* node = nullptr;
  std::vector<std::int32_t> rest;  // ids behind the node's blocks
  std::int64_t uses = 1;
  std::int64_t claims = 0;
  double floor = 0.0;  // when it was used last
  double filed = 0.0;  // its value in by_value_
};

struct PrefixTree::Node {
  std::string scope;  // of a root
  Node* parent = nullptr;
  std::int64_t depth = 0;  // blocks from the root
  std::vector<std::int32_t> block;
  SharedPage page;
  std::map<std::vector<std::int32_t>, std::unique_ptr<Node>, Lexical> children;
  Snapshots snapshots;
  std::int64_t pins = 0;        // of sequences that end here
  std::int64_t pins_below = 0;  // those and all deeper ones
};

namespace {

std::int64_t common_length(PrefixTree::Ids a, PrefixTree::Ids b) {
  const auto count = std::min(a.size(), b.size());
  return std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(count), b.begin()).first - a.begin();
}

PrefixTree::Ids behind(PrefixTree::Ids ids, std::int64_t count) { return ids.subspan(static_cast<std::size_t>(count)); }
PrefixTree::Ids first(PrefixTree::Ids ids, std::int64_t count) {
  return ids.first(static_cast<std::size_t>(std::min(count, std::ssize(ids))));
}

}  // namespace

PrefixTree::PrefixTree(std::int64_t page_tokens, std::int64_t page_bytes)
    : page_tokens_(page_tokens), page_bytes_(page_bytes) {}

PrefixTree::~PrefixTree() = default;

bool PrefixTree::Lexical::operator()(Ids a, Ids b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
}

PrefixTree::Pin::Pin(PrefixTree& tree, Node& node) : tree_(&tree), node_(&node) {
  ++node.pins;
  for (Node* at = &node; at != nullptr; at = at->parent)
    if (at->pins_below++ == 0 && at->depth > 0) ++tree.pinned_pages_;
}

void PrefixTree::Pin::drop() {
  if (node_ == nullptr) return;
  --node_->pins;
  for (Node* at = node_; at != nullptr; at = at->parent)
    if (--at->pins_below == 0 && at->depth > 0) --tree_->pinned_pages_;
  tree_->prune(std::exchange(node_, nullptr));
}

std::int64_t PrefixTree::Pin::pages() const { return node_ == nullptr ? 0 : node_->depth; }

PrefixTree::Claim::~Claim() {
  if (kept_ != nullptr && --kept_->claims == 0) pin_.tree_->claimed_bytes_ -= kept_->snapshot.bytes();
}

std::int64_t PrefixTree::Claim::tokens() const { return kept_ == nullptr ? 0 : kept_->snapshot.tokens; }

PrefixTree::Pin PrefixTree::Claim::resume(SequenceCache& cache, Backend& backend) && {
  std::vector<SharedPage> pages;
  if (kept_ == nullptr) return {};
  for (const Node* at = kept_->node; at->depth > 0; at = at->parent) pages.push_back(at->page);
  std::reverse(pages.begin(), pages.end());
  cache.resume(kept_->snapshot, pages, backend);
  pin_.tree_->touch(*kept_);
  return Pin(*pin_.tree_, *pin_.node_);
}

// The longest of those keys that `ids` begins with. What lies between it and `ids` in order begins with it too, so the
// key before `ids` is it, or has as much in common with `ids` as it can be long.
PrefixTree::Kept* PrefixTree::longest_prefix(Snapshots& snapshots, Ids ids) {
  while (true) {
    auto after = snapshots.upper_bound(ids);
    if (after == snapshots.begin()) return nullptr;
    const auto before = std::prev(after);
    const std::int64_t common = common_length(before->first, ids);
    if (common == std::ssize(before->first)) return &before->second;
    ids = first(ids, common);
  }
}

// What the ids have in common with anything behind the node: the neighbours in order have the most.
std::int64_t PrefixTree::longest_common(const Node& node, Ids ids) {
  std::int64_t most = 0;
  const auto look = [&](const auto& entries) {
    const auto after = entries.upper_bound(ids);
    if (after != entries.end()) most = std::max(most, common_length(after->first, ids));
    if (after != entries.begin()) most = std::max(most, common_length(std::prev(after)->first, ids));
  };
  look(node.children);
  look(node.snapshots);
  return most;
}

PrefixTree::Place PrefixTree::walk(const std::string& scope, Ids ids, std::int64_t most) const {
  Place place;
  const auto found = roots_.find(scope);
  if (found == roots_.end()) return place;
  place.node = found->second.get();
  while (true) {
    ++visits_;
    const Ids rest = behind(ids, place.node->depth * page_tokens_);
    const std::int64_t allowed = most - place.node->depth * page_tokens_;
    if (allowed >= 0)
      if (Kept* kept = longest_prefix(place.node->snapshots, first(rest, allowed))) place.kept = kept;
    const auto child = std::ssize(rest) < page_tokens_ ? place.node->children.end()
                                                       : place.node->children.find(first(rest, page_tokens_));
    if (child == place.node->children.end()) {
      place.common = place.node->depth * page_tokens_ + longest_common(*place.node, rest);
      return place;
    }
    place.node = child->second.get();
  }
}

PrefixTree::Found PrefixTree::find(const std::string& scope, Ids ids, std::int64_t most) {
  const Place place = walk(scope, ids, most);
  Found found;
  found.common = place.common;
  if (place.kept == nullptr) return found;
  found.claim.pin_ = Pin(*this, *place.kept->node);
  found.claim.kept_ = place.kept;
  if (place.kept->claims++ == 0) claimed_bytes_ += place.kept->snapshot.bytes();
  return found;
}

std::int64_t PrefixTree::deepest(const std::string& scope, Ids ids) const {
  const Place place = walk(scope, ids, std::ssize(ids));
  return place.kept == nullptr ? 0 : place.kept->snapshot.tokens;
}

PrefixTree::Node& PrefixTree::root(const std::string& scope) {
  auto& node = roots_[scope];
  if (!node) {
    node = std::make_unique<Node>();
    node->scope = scope;
  }
  return *node;
}

void PrefixTree::share(Pin& pin, const std::string& scope, Ids ids, SequenceCache& cache) {
  if (pin.node_ == nullptr) pin = Pin(*this, root(scope));
  for (std::int64_t index = pin.pages(); index < std::ssize(ids) / page_tokens_; ++index) {
    const Ids block = first(behind(ids, index * page_tokens_), page_tokens_);
    Node* next = child(*pin.node_, block, [&] { return cache.page(index); });
    cache.share_page(index, next->page);
    // Only here may something hang on the node before: what is behind it holds it now.
    Pin further(*this, *next);
    pin = std::move(further);
  }
}

PrefixTree::Node* PrefixTree::child(Node& parent, Ids block, const std::function<std::optional<SharedPage>()>& page) {
  const auto found = parent.children.find(block);
  if (found != parent.children.end()) return found->second.get();
  std::optional<SharedPage> own = page();
  if (!own) return nullptr;
  auto node = std::make_unique<Node>();
  node->parent = &parent;
  node->depth = parent.depth + 1;
  node->block.assign(block.begin(), block.end());
  node->page = std::move(*own);
  Node* made = parent.children.emplace(node->block, std::move(node)).first->second.get();
  bytes_ += page_bytes_;
  return made;
}

std::int64_t PrefixTree::pages(const std::string& scope, Ids ids) const {
  const Place place = walk(scope, ids, 0);
  return place.node == nullptr ? 0 : place.node->depth;
}

bool PrefixTree::adopt(const std::string& scope, Ids ids, std::int64_t first_page, const std::vector<SharedPage>& pages,
                       const std::function<CacheSnapshot()>& make) {
  Pin pin(*this, root(scope));
  for (std::int64_t index = 0; index < std::ssize(ids) / page_tokens_; ++index) {
    const Ids block = first(behind(ids, index * page_tokens_), page_tokens_);
    Node* next = child(*pin.node_, block, [&]() -> std::optional<SharedPage> {
      if (page_bytes_ == 0) return SharedPage();
      if (index < first_page) return std::nullopt;
      return pages[static_cast<std::size_t>(index - first_page)];
    });
    if (next == nullptr) return false;
    Pin further(*this, *next);
    pin = std::move(further);
  }
  keep(pin, ids, make);
  return true;
}

void PrefixTree::keep(const Pin& pin, Ids ids, const std::function<CacheSnapshot()>& make) {
  check_equal(pin.pages(), std::ssize(ids) / page_tokens_, "pages shared before a snapshot");
  Node& node = *pin.node_;
  const Ids rest = behind(ids, node.depth * page_tokens_);
  const auto found = node.snapshots.find(rest);
  if (found != node.snapshots.end()) return touch(found->second);
  CacheSnapshot snapshot = make();
  check_equal(snapshot.tokens, std::ssize(ids), "ids of a snapshot");
  std::vector<std::int32_t> key(rest.begin(), rest.end());
  Kept& kept =
      node.snapshots.emplace(key, Kept{.snapshot = std::move(snapshot), .node = &node, .rest = key}).first->second;
  bytes_ += kept.snapshot.bytes();
  kept.floor = floor_;
  kept.filed = value(kept);
  by_value_.emplace(kept.filed, &kept);
}

void PrefixTree::touch(Kept& kept) {
  ++kept.uses;
  kept.floor = floor_;
  file(kept, value(kept));
}

// Without an allocation, which could fail.
void PrefixTree::file(Kept& kept, double value) {
  auto filed = by_value_.extract({kept.filed, &kept});
  kept.filed = filed.value().first = value;
  by_value_.insert(std::move(filed));
}

// Greedy dual size with frequency: uses times tokens that must be read again without it, for each byte that goes with
// it, above what was evicted when it was used last.
double PrefixTree::value(const Kept& kept) const {
  const auto before = [&]() -> std::int64_t {
    if (!kept.rest.empty())
      if (const Kept* other = longest_prefix(kept.node->snapshots, first(kept.rest, std::ssize(kept.rest) - 1)))
        return other->snapshot.tokens;
    for (const Node* at = kept.node; at->parent != nullptr; at = at->parent)
      if (const Kept* other = longest_prefix(at->parent->snapshots, first(at->block, page_tokens_ - 1)))
        return other->snapshot.tokens;
    return 0;
  };
  std::int64_t bytes = kept.snapshot.bytes();
  const Node* at = kept.node;
  if (at->children.empty() && at->snapshots.size() == 1)
    for (; at->depth > 0 && at->pins == 0; at = at->parent) {
      bytes += page_bytes_;
      if (at->parent->children.size() > 1 || !at->parent->snapshots.empty()) break;
    }
  return kept.floor + static_cast<double>(kept.uses) * static_cast<double>(kept.snapshot.tokens - before()) /
                          static_cast<double>(std::max<std::int64_t>(bytes, 1));
}

void PrefixTree::evict(Kept& kept) {
  by_value_.erase({kept.filed, &kept});
  bytes_ -= kept.snapshot.bytes();
  ++evictions_;
  Node* node = kept.node;
  node->snapshots.erase(node->snapshots.find(Ids(kept.rest)));
  prune(node);
}

void PrefixTree::prune(Node* node) {
  while (node->pins == 0 && node->children.empty() && node->snapshots.empty()) {
    Node* parent = node->parent;
    if (parent == nullptr) {
      roots_.erase(roots_.find(node->scope));
      return;
    }
    bytes_ -= page_bytes_;
    parent->children.erase(parent->children.find(Ids(node->block)));
    node = parent;
  }
}

void PrefixTree::release(std::int64_t bytes) {
  const std::int64_t goal = std::max<std::int64_t>(bytes_ - bytes, 0);
  auto next = by_value_.begin();
  while (bytes_ > goal && next != by_value_.end()) {
    Kept& kept = *next->second;
    if (kept.claims > 0) {
      ++next;
      continue;
    }
    // Its neighbours may have gone since it was filed: then it is worth more, or less.
    const double now = value(kept);
    if (now > kept.filed) {
      file(kept, now);
    } else {
      floor_ = std::max(floor_, now);
      evict(kept);
    }
    next = by_value_.begin();
  }
}

}  // namespace fathom
