// Where every blob lies, how lately it was used, and which segment is worth the least. In memory, for any thread.
//
// Time is counted in bytes: clock() is what was ever added. A blob's worth falls from 1 to 0 while as many bytes are
// added as the store may hold; used again, it is 1 again. A segment's worth is that of its blobs over the bytes of its
// file, so that old, unused and erased contents all count against it.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "fathom/store/blob_key.h"
#include "fathom/store/segment_format.h"

namespace fathom::store {

class SegmentTable {
 public:
  // `capacity`: bytes of all segments, by which worth is counted.
  explicit SegmentTable(std::int64_t capacity) : capacity_(capacity) {}

  struct SegmentState {
    SegmentIdentity identity;
    std::int64_t end = 0;  // of its records
    std::int64_t file_bytes = 0;
    bool sealed = false;
  };

  // A segment with what it holds. Of two records of a key the one in the newer segment counts; the others are returned.
  std::vector<RecordPlace> add_segment(const SegmentState& state, const std::vector<IndexEntry>& records);
  void set_state(const SegmentState& state);
  std::optional<SegmentState> state(std::uint64_t number) const;
  std::vector<SegmentState> segments() const;  // oldest first
  // What was in it is gone; how many blobs that were.
  std::int64_t drop_segment(std::uint64_t number);

  // The segment is there. Moves the clock on by the record's bytes, unless the blob was `moved` from another place:
  // then it keeps its last use. False, and nothing changes: the key has a place already and was not moved.
  enum class Origin : std::uint8_t { added, moved };
  bool add(const BlobKey& key, const RecordPlace& place, Origin origin = Origin::added);
  enum class Use : std::uint8_t { counts, does_not_count };
  std::optional<RecordPlace> find(const BlobKey& key, Use use);
  std::optional<RecordPlace> remove(const BlobKey& key);
  // Only if it lies there.
  bool remove(const BlobKey& key, const RecordPlace& place);

  // Of all segments but `spared`; none when there is no other.
  std::optional<std::uint64_t> least_worth(std::uint64_t spared) const;
  struct Found {
    BlobKey key;
    RecordPlace place;
  };
  // What of a segment is worth more than a half, the most worth first, records of at most `bytes` together.
  std::vector<Found> worth_keeping(std::uint64_t number, std::int64_t bytes) const;
  // For its trailer: by offset, with the clock of the last use.
  std::vector<IndexEntry> entries(std::uint64_t number) const;

  std::int64_t bytes() const;  // of all segments' files
  std::int64_t blobs() const;
  std::int64_t blob_bytes() const;
  std::uint64_t clock() const;

 private:
  struct Slot {
    IndexEntry entry;
    bool live = false;
  };
  struct Segment {
    SegmentState state;
    std::vector<Slot> slots;
    std::int64_t live_bytes = 0;  // of live records
    double use_sum = 0;           // of live records: bytes * clock of last use
  };
  struct Where {
    Segment* segment = nullptr;
    std::size_t slot = 0;
  };

  RecordPlace place_of(const Where& where) const;
  void put_in(Segment& segment, const IndexEntry& entry);
  void take_out(const Where& where);
  void touch(const Where& where);
  double worth(const Segment& segment) const;

  const std::int64_t capacity_;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Segment> segments_;
  std::unordered_map<BlobKey, Where, BlobKeyHash> places_;
  std::int64_t file_bytes_ = 0;
  std::int64_t blob_bytes_ = 0;
  std::uint64_t clock_ = 0;
};

}  // namespace fathom::store
