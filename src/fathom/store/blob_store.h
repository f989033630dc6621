// Blobs on disk under their keys: written behind by a thread of its own, checked whenever they are read, bounded in
// space and in what is written a day. docs/prefix_store.md says how and why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "fathom/store/blob_key.h"
#include "fathom/store/limits.h"
#include "fathom/store/warnings.h"
#include "fathom/store/write_budget.h"

namespace fathom::store {

struct StoreOptions {
  std::filesystem::path folder;
  StoreLimits limits;
  Warnings::Listener warn;  // from any thread, one at a time; must not throw
  WallClock now;            // the system's when empty
  int readers = 2;          // threads that read ahead
};

struct StoreFigures {
  std::int64_t bytes = 0;  // of all segment files
  std::int64_t blobs = 0;
  std::int64_t blob_bytes = 0;
  std::int64_t queued_bytes = 0;
  std::int64_t written_bytes = 0;  // since the store was opened
  std::int64_t written_today = 0;
  std::int64_t dropped_puts = 0;  // the queue full, the budget spent, no room, too large or refused by the system
  std::int64_t evicted_blobs = 0;
  std::int64_t evicted_segments = 0;
  std::int64_t moved_blobs = 0;
  std::int64_t damaged = 0;        // blobs, stretches of segments and files that could not be trusted
  std::int64_t skipped_files = 0;  // with a segment's name, and none we can read
  std::int64_t refused_writes = 0;
  std::int64_t read_hits = 0;
  std::int64_t read_misses = 0;
  std::int64_t read_bytes = 0;
};

class BlobStore {
 public:
  using Blob = std::vector<std::byte>;
  using Done = std::function<void(std::optional<Blob>)>;

  // InputError: limits, a folder that cannot be used, or one that another process has. The caller may go on without.
  explicit BlobStore(StoreOptions options);
  // Writes what is waiting and seals the segments. Reads that wait find nothing.
  ~BlobStore();
  BlobStore(const BlobStore&) = delete;
  BlobStore& operator=(const BlobStore&) = delete;

  // Any thread may call any of these; only get() and flush() wait for the disk.

  // False: dropped, and counted. A key that is there already writes nothing.
  bool put(const BlobKey& key, Blob blob);
  // Whether put() would take so many bytes now: there is room in the queue, and no write was refused lately.
  bool takes(std::int64_t bytes) const;
  // It was put; only get() knows whether it can still be read.
  bool contains(const BlobKey& key) const;
  // The same, and counts as a use.
  bool renew(const BlobKey& key);
  // What was put under the key, bit for bit, or nothing.
  std::optional<Blob> get(const BlobKey& key);
  // The same on a thread of the store's, which calls `done` once; it must not throw.
  void read_ahead(const BlobKey& key, Done done);
  void erase(const BlobKey& key);
  // Returns when what was put and erased before has been handed to the system.
  void flush();

  StoreFigures figures() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fathom::store
