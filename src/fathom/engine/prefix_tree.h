// What sequences have left behind, by their token ids: full pages as a tree of blocks of page_tokens ids, and snapshots
// at single lengths, from which a request with the same beginning goes on (docs/prefix_cache.md).
//
//   scope ─ block ─┬─ block ─ block ─ (rest) snapshot
//                  └─ block ─ snapshot
//
// Ids are kept and compared, never a hash of them: there is no false hit. A block stays as long as something hangs
// below it or a running sequence has pinned it; snapshots go when memory is wanted, the least worth a byte first. One
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "fathom/model/sequence_cache.h"

namespace fathom {

struct PrefixTreeFigures {
  std::int64_t bytes = 0;
  std::int64_t snapshots = 0;
  std::int64_t evictions = 0;  // of snapshots, since the start
  std::int64_t visits = 0;     // of blocks, by everything that was looked up since the start
};

class PrefixTree {
 public:
  using Ids = std::span<const std::int32_t>;

  PrefixTree(std::int64_t page_tokens, std::int64_t page_bytes);
  ~PrefixTree();
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;

 private:
  struct Node;
  struct Kept;

 public:
  // Holds a path of blocks for a running sequence, which uses their pages.
  class Pin {
   public:
    Pin() = default;
    ~Pin() { drop(); }
    Pin(Pin&& other) noexcept { swap(other); }
    Pin& operator=(Pin&& other) noexcept {
      swap(other);
      return *this;
    }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    std::int64_t pages() const;
    void drop();

   private:
    friend class PrefixTree;
    Pin(PrefixTree& tree, Node& node);
    void swap(Pin& other) noexcept {
      std::swap(tree_, other.tree_);
      std::swap(node_, other.node_);
    }
    PrefixTree* tree_ = nullptr;
    Node* node_ = nullptr;
  };

  // A snapshot that stays until the claim is over, and the pages before it.
  class Claim {
   public:
    Claim() = default;
    ~Claim();
    Claim(Claim&& other) noexcept { swap(other); }
    Claim& operator=(Claim&& other) noexcept {
      swap(other);
      return *this;
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    std::int64_t tokens() const;  // 0: nothing found
    std::int64_t pages() const { return pin_.pages(); }
    // Into an empty cache; whoever reads on keeps the pin.
    Pin resume(SequenceCache& cache, Backend& backend) &&;

   private:
    friend class PrefixTree;
    void swap(Claim& other) noexcept {
      std::swap(pin_, other.pin_);
      std::swap(kept_, other.kept_);
    }
    Pin pin_;
    Kept* kept_ = nullptr;
  };

  struct Found {
    Claim claim;              // of the deepest snapshot that is a prefix, `most` tokens at most
    std::int64_t common = 0;  // tokens that the tree has of the ids, with or without a snapshot
  };
  Found find(const std::string& scope, Ids ids, std::int64_t most);
  // Length of the deepest snapshot that is a prefix of the ids, or 0; touches nothing.
  std::int64_t deepest(const std::string& scope, Ids ids) const;

  // Takes the full pages of a sequence with these ids; where the tree has one of the same ids, the sequence takes the
  // tree's. The pin moves on behind them.
  void share(Pin& pin, const std::string& scope, Ids ids, SequenceCache& cache);
  // The pages were shared by this pin. Only makes a snapshot where there is none.
  void keep(const Pin& pin, Ids ids, const std::function<CacheSnapshot()>& make);

  // Full pages that the tree has of the ids.
  std::int64_t pages(const std::string& scope, Ids ids) const;
  // A snapshot of these ids that comes from elsewhere, with all full pages before it from `first_page` on. False where
  // the tree no longer has those before.
  bool adopt(const std::string& scope, Ids ids, std::int64_t first_page, const std::vector<SharedPage>& pages,
             const std::function<CacheSnapshot()>& make);

  std::int64_t bytes() const { return bytes_; }
  // That release() could give.
  std::int64_t spare_bytes() const { return bytes_ - pinned_pages_ * page_bytes_ - claimed_bytes_; }
  // Gives up so many bytes at least, or all that can be spared.
  void release(std::int64_t bytes);
  PrefixTreeFigures figures() const {
    return {.bytes = bytes_, .snapshots = std::ssize(by_value_), .evictions = evictions_, .visits = visits_};
  }

 private:
  struct Lexical {
    using is_transparent = void;
    bool operator()(Ids a, Ids b) const;
  };
  using Snapshots = std::map<std::vector<std::int32_t>, Kept, Lexical>;
  struct Place {
    Node* node = nullptr;  // of the last full block that is there; none: not even the scope
    std::int64_t common = 0;
    Kept* kept = nullptr;
  };

  static Kept* longest_prefix(Snapshots& snapshots, Ids ids);
  static std::int64_t longest_common(const Node& node, Ids ids);
  Place walk(const std::string& scope, Ids ids, std::int64_t most) const;
  Node& root(const std::string& scope);
  // The child with this block; `page` makes one where there is none, unless it throws or gives none.
  Node* child(Node& parent, Ids block, const std::function<std::optional<SharedPage>()>& page);
  void prune(Node* node);
  void touch(Kept& kept);
  void file(Kept& kept, double value);
  double value(const Kept& kept) const;
  void evict(Kept& kept);

  std::int64_t page_tokens_;
  std::int64_t page_bytes_;
  std::map<std::string, std::unique_ptr<Node>> roots_;
  std::set<std::pair<double, Kept*>> by_value_;
  double floor_ = 0.0;  // value of what was evicted last: what was used before it ages by comparison
  std::int64_t bytes_ = 0;
  std::int64_t pinned_pages_ = 0;
  std::int64_t claimed_bytes_ = 0;
  std::int64_t evictions_ = 0;
  mutable std::int64_t visits_ = 0;
};

}  // namespace fathom
