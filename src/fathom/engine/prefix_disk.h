// The prefix cache's second half: the same pages and snapshots in a store on disk, where a restarted server finds them
// (docs/prefix_store.md). It names blobs, looks prompts up, hands over what is to be written and begins to read.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fathom/engine/prefix_chain.h"
#include "fathom/engine/prefix_load.h"
#include "fathom/model/sequence_cache.h"

namespace fathom {

// When what lies on disk is read. No answer depends on it.
enum class PrefixLoads : std::uint8_t { always, when_quicker, never };

struct PrefixDiskConfig {
  std::shared_ptr<store::BlobStore> store;     // several engines may use one; none: nothing goes to disk
  std::string identity;                        // of the weights, and of the program's version
  std::function<void(std::string_view)> warn;  // of blobs that are not what they should be; on the engine's thread
  PrefixLoads loads = PrefixLoads::always;     // when_quicker: than by the model (load_choice.h)
  // A snapshot is written if it spares a token for so many bytes of its state; 128 tokens for Flash's 16 MB.
  std::int64_t bytes_a_token = std::int64_t{128} << 10;
};

class PrefixDisk {
 public:
  using Ids = std::span<const std::int32_t>;

  PrefixDisk(PrefixDiskConfig config, const CacheLayout& layout, Backend& backend);

  // That a snapshot must spare, beside the newest that is there, to be written.
  std::int64_t tokens_worth_writing() const { return layout_.state_bytes / config_.bytes_a_token; }
  PrefixLoads loads() const { return config_.loads; }
  PrefixChain chain(std::string_view scope) const { return {numerics_, scope, layout_.page_tokens}; }
  // Length of the longest prefix of the ids, `least` to `most` tokens, whose snapshot and pages were put; 0: none.
  std::int64_t deepest(PrefixChain& chain, Ids ids, std::int64_t least, std::int64_t most) const;
  // All that such a prefix of so many tokens needs beside the first pages, which are in memory.
  std::unique_ptr<PrefixLoad> load(const PrefixChain& chain, Ids ids, std::int64_t first_page) const;

  // Hands a page or a snapshot over to be written, unless it is there; what the store cannot take now is dropped.
  void put_page(const PrefixChain& chain, Ids ids, std::int64_t index, const SharedPage& page);
  void put_snapshot(const PrefixChain& chain, Ids ids, const CacheSnapshot& snapshot);
  // What was not even handed over, since the start; the store counts what it dropped itself.
  std::int64_t dropped() const { return dropped_; }

  void wait_for_blobs(std::chrono::milliseconds most) { bell_->wait(most); }

 private:
  // Whether a blob must be made: it is not there, and would be taken.
  bool wants(const store::BlobKey& key, std::int64_t bytes);

  PrefixDiskConfig config_;
  const CacheLayout& layout_;
  Backend& backend_;
  Digest numerics_;
  std::int64_t dropped_ = 0;
  std::shared_ptr<LoadBell> bell_ = std::make_shared<LoadBell>();
};

}  // namespace fathom
