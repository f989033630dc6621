#include "fathom/store/segment_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>
#include <utility>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/store/record_reader.h"

namespace fathom::store {
namespace {

constexpr std::int64_t kBlock = 4096;
// Blobs that are moved out of a segment before it goes are at most this part of one: for each byte that is freed and
// written anew, a third of a byte is written twice at worst.
constexpr std::int64_t kMovedPart = 4;
constexpr std::array<std::byte, kRecordAlignment> kZeros{};

SegmentIdentity new_identity(std::uint64_t number) {
  SegmentIdentity identity{.number = number, .salt = {}};
  std::random_device random;
  for (std::byte& byte : identity.salt) byte = static_cast<std::byte>(random());
  return identity;
}

}  // namespace

SegmentLog::SegmentLog(const Parts& parts, const StoreLimits& limits, LoadedSegments loaded)
    : parts_(parts), limits_(limits), loaded_(std::move(loaded)), next_number_(loaded_.last_number + 1) {
  parts_.figures.written_today = parts_.budget.spent_today();
}

void SegmentLog::tidy() {
  try {
    for (const RecordPlace& place : std::exchange(loaded_.outdated, {})) erase(place);
    while (parts_.table.bytes() + loaded_.skipped_bytes > limits_.bytes && evict_one(0)) {
    }
    const std::vector<SegmentTable::SegmentState> segments = parts_.table.segments();
    for (const SegmentTable::SegmentState& state : segments)
      if (!state.sealed && &state != &segments.back() && parts_.budget.allows(trailer_bytes(0)))
        seal(parts_.folder.open_segment(state.identity.number, true), state);
  } catch (const FileError& error) {
    refused(error);
  } catch (const InputError& error) {
    parts_.warnings.say(Trouble::write_refused, error.what());
  }
}

SegmentLog::Outcome SegmentLog::append(const BlobKey& key, std::span<const std::byte> body) {
  if (is_pausing()) return Outcome::refused;
  try {
    return append_now(key, body);
  } catch (const FileError& error) {
    refused(error);
    if (error.code() == ENOSPC || error.code() == EDQUOT) evict_one(0);
  } catch (const InputError& error) {
    parts_.warnings.say(Trouble::write_refused, error.what());
  }
  return Outcome::refused;
}

SegmentLog::Outcome SegmentLog::append_now(const BlobKey& key, std::span<const std::byte> body) {
  const std::int64_t bytes = record_bytes(std::ssize(body));
  if (bytes > limits_.segment_size() - static_cast<std::int64_t>(sizeof(SegmentHeader)) - trailer_bytes(1))
    return Outcome::too_large;
  if (!parts_.budget.allows(bytes)) {
    parts_.warnings.say(Trouble::budget_spent,
                        fmt::format("[store] {} bytes were written today and {} may be: no more until midnight, UTC",
                                    parts_.budget.spent_today(), limits_.bytes_a_day));
    return Outcome::budget_spent;
  }
  if (!make_room(bytes)) {
    parts_.warnings.say(
        Trouble::no_room,
        fmt::format("[store] no room for {} bytes: the store has {} of {} bytes, {} bytes of files that "
                    "are not its own, and {} bytes are left free",
                    bytes, parts_.table.bytes(), limits_.bytes, loaded_.skipped_bytes, limits_.free_bytes));
    return Outcome::no_room;
  }
  write_record(key, body, SegmentTable::Origin::added);
  return Outcome::written;
}

// Room for the record, for a segment to begin, for the trailer, and for what evict_one() moves before it takes away.
bool SegmentLog::make_room(std::int64_t bytes) {
  const auto open_entries = records_ + 2;
  const std::int64_t reserve = limits_.segment_size() / kMovedPart + trailer_bytes(open_entries) + kBlock;
  while (parts_.table.bytes() + loaded_.skipped_bytes + bytes + reserve > limits_.bytes)
    if (!evict_one(limits_.segment_size() / kMovedPart)) return false;
  if (parts_.folder.free_bytes() >= limits_.free_bytes + bytes) return true;
  // One at a time: a file system may give blocks back late.
  return evict_one(0) && parts_.folder.free_bytes() >= limits_.free_bytes + bytes;
}

bool SegmentLog::evict_one(std::int64_t keep_bytes) {
  const std::optional<std::uint64_t> number = parts_.table.least_worth(file_.is_open() ? state_.identity.number : 0);
  if (!number) return false;
  const std::int64_t bytes = parts_.table.state(*number)->file_bytes;
  if (keep_bytes > 0) keep_worthy(*number, keep_bytes);
  parts_.figures.evicted_blobs += parts_.table.drop_segment(*number);
  ++parts_.figures.evicted_segments;
  try {
    parts_.folder.remove_segment(*number);
  } catch (const FileError& error) {
    loaded_.skipped_bytes += bytes;  // still there
    refused(error);
    return false;
  }
  return true;
}

void SegmentLog::keep_worthy(std::uint64_t number, std::int64_t bytes) {
  // Nothing is written yet: the segment to go on with could be the one that goes.
  if (first_) return;
  for (const SegmentTable::Found& found : parts_.table.worth_keeping(number, bytes)) {
    if (!parts_.budget.allows(record_bytes(found.place.length))) return;
    const RecordRead read = read_record(parts_.folder, found.key, found.place);
    if (read.state != ReadState::whole) continue;
    write_record(found.key, read.body, SegmentTable::Origin::moved);
    ++parts_.figures.moved_blobs;
  }
}

void SegmentLog::write_record(const BlobKey& key, std::span<const std::byte> body, SegmentTable::Origin origin) {
  const std::int64_t bytes = record_bytes(std::ssize(body));
  open_for(bytes);
  spend(bytes);
  const RecordPlace place{.segment = state_.identity, .offset = state_.end, .length = std::ssize(body)};
  const RecordHeader header = blob_record(place, key, parts_.table.clock(), body);
  const auto head = std::as_bytes(std::span(&header, 1));
  const auto padding = static_cast<std::size_t>(bytes) - head.size() - body.size();
  try {
    file_.write({head, body, std::span(kZeros).first(padding)}, place.offset);
  } catch (const FileError&) {
    // What was written of it is cut off again; if even that fails the segment ends here.
    try {
      file_.truncate(state_.end);
    } catch (const FileError&) {
      file_ = File();
    }
    throw;
  }
  state_.end += bytes;
  ++records_;
  state_.file_bytes = state_.end;
  parts_.table.set_state(state_);
  if (!parts_.table.add(key, place, origin)) erase_in(file_, place);
}

void SegmentLog::open_for(std::int64_t bytes) {
  // The table forgets a segment whose file somebody took away.
  if (file_.is_open() && !parts_.table.state(state_.identity.number)) file_ = File();
  if (std::exchange(first_, false)) go_on_with_newest();
  const std::int64_t room = limits_.segment_size() - trailer_bytes(std::int64_t{1});
  if (file_.is_open() && state_.end + bytes > room) seal_open();
  if (!file_.is_open()) begin_segment();
}

void SegmentLog::go_on_with_newest() {
  const std::vector<SegmentTable::SegmentState> segments = parts_.table.segments();
  if (segments.empty()) return;
  const SegmentTable::SegmentState newest = segments.back();
  const auto& damaged = loaded_.damaged_segments;
  if (newest.end >= limits_.segment_size() / 2 ||
      std::find(damaged.begin(), damaged.end(), newest.identity.number) != damaged.end())
    return;
  file_ = parts_.folder.open_segment(newest.identity.number, true);
  state_ = newest;
  records_ = std::ssize(parts_.table.entries(newest.identity.number));
  file_.truncate(state_.end);  // the index goes, and a record that was not written whole
  state_.sealed = false;
  state_.file_bytes = state_.end;
  parts_.table.set_state(state_);
}

void SegmentLog::begin_segment() {
  File file = parts_.folder.create_segment(next_number_);
  const SegmentIdentity identity = new_identity(next_number_++);
  const SegmentHeader header = segment_header(identity);
  try {
    spend(sizeof(header));
    file.write(std::as_bytes(std::span(&header, 1)), 0);
  } catch (const FileError&) {
    parts_.folder.remove_segment(identity.number);
    throw;
  }
  file_ = std::move(file);
  state_ = {.identity = identity, .end = sizeof(header), .file_bytes = sizeof(header), .sealed = false};
  records_ = 0;
  parts_.table.add_segment(state_, {});
}

void SegmentLog::seal(const File& file, SegmentTable::SegmentState state) {
  const std::vector<IndexEntry> entries = parts_.table.entries(state.identity.number);
  const SegmentFooter footer = segment_footer(state.identity, state.end, entries);
  const std::int64_t bytes = trailer_bytes(std::ssize(entries));
  try {
    file.truncate(state.end);
    spend(bytes);
    file.write({std::as_bytes(std::span(entries)), std::as_bytes(std::span(&footer, 1))}, state.end);
    state.sealed = true;
    state.file_bytes = state.end + bytes;
  } catch (const FileError& error) {
    // It is read record by record then.
    refused(error);
    state.file_bytes = state.end;
  }
  parts_.table.set_state(state);
}

void SegmentLog::seal_open() {
  seal(file_, state_);
  file_ = File();
}

void SegmentLog::erase(const RecordPlace& place) {
  try {
    if (file_.is_open() && place.segment == state_.identity) {
      erase_in(file_, place);
      return;
    }
    std::optional<SegmentTable::SegmentState> state = parts_.table.state(place.segment.number);
    if (!state || state->identity != place.segment) return;  // it went as a whole
    const File file = parts_.folder.open_segment(place.segment.number, true);
    if (state->sealed) {
      // First the index, which knows the record.
      file.truncate(state->end);
      state->sealed = false;
      state->file_bytes = state->end;
      parts_.table.set_state(*state);
    }
    erase_in(file, place);
  } catch (const FileError& error) {
    if (error.code() != ENOENT) refused(error);
  } catch (const InputError& error) {
    parts_.warnings.say(Trouble::write_refused, error.what());
  }
}

void SegmentLog::erase_in(const File& file, const RecordPlace& place) {
  const RecordHeader header = erased_record(place);
  file.write(std::as_bytes(std::span(&header, 1)), place.offset);
  file.punch(place.offset + static_cast<std::int64_t>(sizeof(header)), place.length);
}

void SegmentLog::close() {
  try {
    if (file_.is_open()) seal_open();
    for (const SegmentTable::SegmentState& state : parts_.table.segments())
      if (!state.sealed) seal(parts_.folder.open_segment(state.identity.number, true), state);
    parts_.budget.settle();
  } catch (const InputError& error) {
    parts_.warnings.say(Trouble::write_refused, error.what());
  }
}

void SegmentLog::spend(std::int64_t bytes) {
  parts_.budget.spend(bytes);
  parts_.figures.written_bytes += bytes;
  parts_.figures.written_today = parts_.budget.spent_today();
}

void SegmentLog::refused(const FileError& error) {
  ++parts_.figures.refused_writes;
  pause_until_ = std::chrono::steady_clock::now() + limits_.pause;
  parts_.warnings.say(Trouble::write_refused, error.what());
}

bool SegmentLog::is_pausing() const { return std::chrono::steady_clock::now() < pause_until_; }

}  // namespace fathom::store
