// A prefix on its way from the disk into memory: the store's threads read ahead, the engine's takes what has come.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fathom/model/sequence_cache.h"
#include "fathom/store/blob_store.h"

namespace fathom {

// Rung when a blob has come, from the store's threads.
class LoadBell {
 public:
  void ring();
  // Until it is rung since the last wait, or the time is over.
  void wait(std::chrono::milliseconds most);

 private:
  std::mutex mutex_;
  std::condition_variable rung_;
  bool has_rung_ = false;
};

struct PrefixLoadParts {
  store::BlobStore& store;
  const CacheLayout& layout;
  Backend& backend;
  std::shared_ptr<LoadBell> bell;
  std::function<void(std::string_view)> warn;  // of blobs that are not what they should be
};

class PrefixLoad {
 public:
  struct Wanted {
    std::vector<std::int32_t> ids;  // of the snapshot
    store::BlobKey snapshot;
    std::int64_t first_page = 0;        // those before are in memory
    std::vector<store::BlobKey> pages;  // from there on
  };
  PrefixLoad(PrefixLoadParts parts, Wanted wanted);
  ~PrefixLoad();
  PrefixLoad(const PrefixLoad&) = delete;
  PrefixLoad& operator=(const PrefixLoad&) = delete;

  enum class State : std::uint8_t { reading, whole, failed };
  // Takes of what has come so many bytes and a blob at least, and asks for more. Throws what an allocation throws.
  State advance(std::int64_t bytes);

  const std::vector<std::int32_t>& ids() const { return wanted_.ids; }
  std::int64_t first_page() const { return wanted_.first_page; }
  std::int64_t bytes() const { return bytes_of(parts_.layout, std::ssize(wanted_.ids), wanted_.first_page); }
  // Of memory, once so many tokens are there whose pages before `first_page` were there before.
  static std::int64_t bytes_of(const CacheLayout& layout, std::int64_t tokens, std::int64_t first_page);
  // When it is whole.
  const std::vector<SharedPage>& pages() const { return pages_; }
  CacheSnapshot take_snapshot() { return std::move(snapshot_); }

 private:
  struct Mailbox;
  std::int64_t blobs() const { return std::ssize(wanted_.pages) + 1; }
  const store::BlobKey& key(std::int64_t index) const;
  void ask();
  bool take(std::int64_t index, const store::BlobStore::Blob& blob);

  PrefixLoadParts parts_;
  Wanted wanted_;
  std::shared_ptr<Mailbox> mailbox_;  // the store's threads may still put something in when this is gone
  std::int64_t asked_ = 0;
  std::int64_t taken_ = 0;  // in order: the snapshot, then the pages
  std::vector<SharedPage> pages_;
  CacheSnapshot snapshot_;
  bool failed_ = false;
};

}  // namespace fathom
