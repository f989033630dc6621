#include "fathom/store/segment_table.h"

#include <algorithm>
#include <limits>

#include "fathom/base/error.h"

namespace fathom::store {
namespace {

double weight(const IndexEntry& entry) {
  return static_cast<double>(record_bytes(entry.length)) * static_cast<double>(entry.clock);
}

}  // namespace

RecordPlace SegmentTable::place_of(const Where& where) const {
  const IndexEntry& entry = where.segment->slots[where.slot].entry;
  return {.segment = where.segment->state.identity, .offset = entry.offset, .length = entry.length};
}

void SegmentTable::put_in(Segment& segment, const IndexEntry& entry) {
  segment.slots.push_back({.entry = entry, .live = true});
  segment.live_bytes += record_bytes(entry.length);
  segment.use_sum += weight(entry);
  blob_bytes_ += entry.length;
  places_[entry.key] = {.segment = &segment, .slot = segment.slots.size() - 1};
}

// The key's place in the map is the caller's to take away.
void SegmentTable::take_out(const Where& where) {
  Slot& slot = where.segment->slots[where.slot];
  slot.live = false;
  where.segment->live_bytes -= record_bytes(slot.entry.length);
  where.segment->use_sum -= weight(slot.entry);
  blob_bytes_ -= slot.entry.length;
}

void SegmentTable::touch(const Where& where) {
  IndexEntry& entry = where.segment->slots[where.slot].entry;
  where.segment->use_sum -= weight(entry);
  entry.clock = clock_;
  where.segment->use_sum += weight(entry);
}

std::vector<RecordPlace> SegmentTable::add_segment(const SegmentState& state, const std::vector<IndexEntry>& records) {
  const std::lock_guard lock(mutex_);
  std::vector<RecordPlace> older;
  const auto [place, added] = segments_.try_emplace(state.identity.number);
  check(added, "a segment is added once");
  Segment& segment = place->second;
  segment.state = state;
  file_bytes_ += state.file_bytes;
  segment.slots.reserve(records.size());
  for (const IndexEntry& record : records) {
    const auto there = places_.find(record.key);
    if (there != places_.end() && there->second.segment->state.identity.number > state.identity.number) {
      older.push_back({.segment = state.identity, .offset = record.offset, .length = record.length});
      continue;
    }
    if (there != places_.end()) {
      older.push_back(place_of(there->second));
      take_out(there->second);
    }
    put_in(segment, record);
    const auto bytes = static_cast<std::uint64_t>(record_bytes(record.length));
    clock_ = std::min(std::max(clock_, record.clock + bytes), kMostClock - 1);
  }
  return older;
}

void SegmentTable::set_state(const SegmentState& state) {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(state.identity.number);
  if (found == segments_.end()) return;
  file_bytes_ += state.file_bytes - found->second.state.file_bytes;
  found->second.state = state;
}

std::optional<SegmentTable::SegmentState> SegmentTable::state(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(number);
  if (found == segments_.end()) return std::nullopt;
  return found->second.state;
}

std::vector<SegmentTable::SegmentState> SegmentTable::segments() const {
  const std::lock_guard lock(mutex_);
  std::vector<SegmentState> states;
  states.reserve(segments_.size());
  for (const auto& [number, segment] : segments_) states.push_back(segment.state);
  return states;
}

std::int64_t SegmentTable::drop_segment(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(number);
  if (found == segments_.end()) return 0;
  std::int64_t blobs = 0;
  for (const Slot& slot : found->second.slots)
    if (slot.live) {
      ++blobs;
      blob_bytes_ -= slot.entry.length;
      places_.erase(slot.entry.key);
    }
  file_bytes_ -= found->second.state.file_bytes;
  segments_.erase(found);
  return blobs;
}

bool SegmentTable::add(const BlobKey& key, const RecordPlace& place, Origin origin) {
  const std::lock_guard lock(mutex_);
  const auto segment = segments_.find(place.segment.number);
  check(segment != segments_.end(), "a blob's segment is there");
  IndexEntry entry{.key = key, .offset = place.offset, .length = place.length, .clock = clock_};
  const auto there = places_.find(key);
  if (origin == Origin::added) {
    if (there != places_.end()) return false;
    clock_ = std::min(clock_ + static_cast<std::uint64_t>(record_bytes(place.length)), kMostClock - 1);
    entry.clock = clock_;
  } else if (there != places_.end()) {
    entry.clock = there->second.segment->slots[there->second.slot].entry.clock;
    take_out(there->second);
  } else {
    return false;  // erased while it was moved
  }
  put_in(segment->second, entry);
  return true;
}

std::optional<RecordPlace> SegmentTable::find(const BlobKey& key, Use use) {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(key);
  if (found == places_.end()) return std::nullopt;
  if (use == Use::counts) touch(found->second);
  return place_of(found->second);
}

std::optional<RecordPlace> SegmentTable::remove(const BlobKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(key);
  if (found == places_.end()) return std::nullopt;
  const RecordPlace place = place_of(found->second);
  take_out(found->second);
  places_.erase(found);
  return place;
}

bool SegmentTable::remove(const BlobKey& key, const RecordPlace& place) {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(key);
  if (found == places_.end() || place_of(found->second) != place) return false;
  take_out(found->second);
  places_.erase(found);
  return true;
}

// worth = sum over live blobs of bytes * (1 - (clock - last use) / capacity), over the bytes of the file
double SegmentTable::worth(const Segment& segment) const {
  const auto live = static_cast<double>(segment.live_bytes);
  const double age = live * static_cast<double>(clock_) - segment.use_sum;
  const auto file_bytes = static_cast<double>(std::max<std::int64_t>(segment.state.file_bytes, 1));
  return (live - age / static_cast<double>(capacity_)) / file_bytes;
}

std::optional<std::uint64_t> SegmentTable::least_worth(std::uint64_t spared) const {
  const std::lock_guard lock(mutex_);
  std::optional<std::uint64_t> least;
  double least_worth = std::numeric_limits<double>::infinity();
  for (const auto& [number, segment] : segments_) {
    if (number == spared) continue;
    const double value = worth(segment);
    if (least && value >= least_worth) continue;
    least = number;
    least_worth = value;
  }
  return least;
}

std::vector<SegmentTable::Found> SegmentTable::worth_keeping(std::uint64_t number, std::int64_t bytes) const {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(number);
  if (found == segments_.end()) return {};
  std::vector<IndexEntry> young;
  for (const Slot& slot : found->second.slots)
    if (slot.live && clock_ - slot.entry.clock < static_cast<std::uint64_t>(capacity_ / 2)) young.push_back(slot.entry);
  std::stable_sort(young.begin(), young.end(),
                   [](const IndexEntry& one, const IndexEntry& other) { return one.clock > other.clock; });
  std::vector<Found> kept;
  for (const IndexEntry& entry : young) {
    if (record_bytes(entry.length) > bytes) continue;
    bytes -= record_bytes(entry.length);
    kept.push_back(
        {.key = entry.key,
         .place = {.segment = found->second.state.identity, .offset = entry.offset, .length = entry.length}});
  }
  return kept;
}

std::vector<IndexEntry> SegmentTable::entries(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(number);
  if (found == segments_.end()) return {};
  std::vector<IndexEntry> entries;
  for (const Slot& slot : found->second.slots)
    if (slot.live) entries.push_back(slot.entry);
  return entries;
}

std::int64_t SegmentTable::bytes() const {
  const std::lock_guard lock(mutex_);
  return file_bytes_;
}

std::int64_t SegmentTable::blobs() const {
  const std::lock_guard lock(mutex_);
  return std::ssize(places_);
}

std::int64_t SegmentTable::blob_bytes() const {
  const std::lock_guard lock(mutex_);
  return blob_bytes_;
}

std::uint64_t SegmentTable::clock() const {
  const std::lock_guard lock(mutex_);
  return clock_;
}

}  // namespace fathom::store
