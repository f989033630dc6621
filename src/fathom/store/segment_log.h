// The writing side, for one thread: records behind one another in the newest segment, room made by taking away what is
// worth the least, erased blobs made unreadable in place.
//
// Note [No fsync]: nothing waits for the disk. After a kill the kernel still writes what it was given; after a loss of
// power any part of it may be missing, and then checksums do not agree and the blob is not there.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "fathom/store/folder.h"
#include "fathom/store/limits.h"
#include "fathom/store/segment_loading.h"
#include "fathom/store/segment_table.h"
#include "fathom/store/warnings.h"
#include "fathom/store/write_budget.h"

namespace fathom::store {

// Read by any thread.
struct LogFigures {
  std::atomic<std::int64_t> written_bytes{0};  // all that went to files: blobs, headers, indexes, blobs moved
  std::atomic<std::int64_t> written_today{0};
  std::atomic<std::int64_t> moved_blobs{0};
  std::atomic<std::int64_t> evicted_blobs{0};
  std::atomic<std::int64_t> evicted_segments{0};
  std::atomic<std::int64_t> refused_writes{0};
};

class SegmentLog {
 public:
  // All outlive the log.
  struct Parts {
    const Folder& folder;
    SegmentTable& table;
    WriteBudget& budget;
    Warnings& warnings;
    LogFigures& figures;
  };
  SegmentLog(const Parts& parts, const StoreLimits& limits, LoadedSegments loaded);

  // After loading: takes away what is over the limit, erases what is outdated, seals what a kill left open.
  void tidy();

  enum class Outcome : std::uint8_t { written, too_large, budget_spent, no_room, refused };
  Outcome append(const BlobKey& key, std::span<const std::byte> body);
  // The record is out of the table already.
  void erase(const RecordPlace& place);
  // Seals every segment. Nothing comes after it.
  void close();

 private:
  Outcome append_now(const BlobKey& key, std::span<const std::byte> body);
  bool make_room(std::int64_t bytes);
  bool evict_one(std::int64_t keep_bytes);
  void keep_worthy(std::uint64_t number, std::int64_t bytes);
  void write_record(const BlobKey& key, std::span<const std::byte> body, SegmentTable::Origin origin);
  void open_for(std::int64_t bytes);
  void go_on_with_newest();
  void begin_segment();
  void seal(const File& file, SegmentTable::SegmentState state);
  void seal_open();
  void erase_in(const File& file, const RecordPlace& place);
  void spend(std::int64_t bytes);
  void refused(const FileError& error);
  bool is_pausing() const;

  const Parts parts_;
  const StoreLimits limits_;
  LoadedSegments loaded_;
  File file_;                         // the open segment
  SegmentTable::SegmentState state_;  // its; the table has it too
  std::int64_t records_ = 0;          // in it, at most
  bool first_ = true;                 // nothing was written yet
  std::uint64_t next_number_ = 1;
  std::chrono::steady_clock::time_point pause_until_{};
};

}  // namespace fathom::store
