#include "fathom/store/segment_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>

namespace fathom::store {
namespace {

constexpr std::int64_t kFirstRecord = sizeof(SegmentHeader);
constexpr std::int64_t kHeaderBytes = sizeof(RecordHeader);
constexpr std::int64_t kFooterBytes = sizeof(SegmentFooter);
constexpr std::int64_t kSearchBytes = std::int64_t{1} << 20;

template <typename Value>
std::optional<Value> read_value(const File& file, std::int64_t offset) {
  Value value;
  const auto bytes = std::as_writable_bytes(std::span(&value, 1));
  if (file.read(bytes, offset) != std::ssize(bytes)) return std::nullopt;
  return value;
}

std::optional<SegmentFooter> read_footer(const File& file, std::int64_t file_bytes, std::uint64_t number) {
  if (file_bytes < kFirstRecord + kFooterBytes) return std::nullopt;
  const auto footer = read_value<SegmentFooter>(file, file_bytes - kFooterBytes);
  if (!footer || !is_whole(*footer, number)) return std::nullopt;
  return footer;
}

// Records that lie between header and index, one behind the other.
bool is_orderly(std::span<const IndexEntry> entries, std::int64_t index_offset) {
  std::int64_t least = kFirstRecord;
  for (const IndexEntry& entry : entries) {
    if (entry.offset < least || entry.offset % kRecordAlignment != 0 || entry.length < 0 || entry.clock >= kMostClock ||
        entry.offset > index_offset - kHeaderBytes || entry.length > index_offset - kHeaderBytes - entry.offset)
      return false;
    least = entry.offset + record_bytes(entry.length);
  }
  return least <= index_offset;
}

std::optional<std::vector<IndexEntry>> read_index(const File& file, std::int64_t file_bytes,
                                                  const SegmentFooter& footer) {
  const std::int64_t room = file_bytes - kFooterBytes - kFirstRecord;
  if (footer.entries < 0 || footer.entries > room / static_cast<std::int64_t>(sizeof(IndexEntry)) ||
      footer.index_offset != file_bytes - trailer_bytes(footer.entries) || footer.index_offset % kRecordAlignment != 0)
    return std::nullopt;
  std::vector<IndexEntry> entries(static_cast<std::size_t>(footer.entries));
  const auto bytes = std::as_writable_bytes(std::span(entries));
  if (file.read(bytes, footer.index_offset) != std::ssize(bytes) ||
      index_checksum(footer.identity, entries) != footer.index || !is_orderly(entries, footer.index_offset))
    return std::nullopt;
  return entries;
}

class Scan {
 public:
  Scan(const File& file, SegmentContents& contents) : file_(file), contents_(contents) {}

  void run() {
    std::int64_t offset = kFirstRecord;
    while (const std::optional<RecordHeader> header = next(offset)) take(*header, offset);
    const std::int64_t tail = contents_.file_bytes - contents_.end;
    if (tail > 0)
      contents_.faults.push_back(fmt::format("{}: the last {} bytes are no whole blob", file_.name(), tail));
  }

 private:
  // The next whole record from `offset` on, which moves to it.
  std::optional<RecordHeader> next(std::int64_t& offset) {
    const auto header = read_value<RecordHeader>(file_, offset);
    if (header && fits(*header, offset)) return header;
    const std::int64_t from = offset;
    const std::optional<RecordHeader> found = search(offset);
    if (found)
      contents_.faults.push_back(
          fmt::format("{}: {} bytes at {} are damaged and were skipped", file_.name(), offset - from, from));
    return found;
  }

  std::optional<RecordHeader> search(std::int64_t& offset) const {
    std::vector<std::byte> window(static_cast<std::size_t>(std::min(kSearchBytes, contents_.file_bytes)));
    for (std::int64_t place = offset + kRecordAlignment; place + kHeaderBytes <= contents_.file_bytes;) {
      const std::int64_t read = file_.read(window, place);
      if (read < kHeaderBytes) return std::nullopt;
      std::int64_t within = 0;
      for (; within + kHeaderBytes <= read; within += kRecordAlignment) {
        RecordHeader header;
        std::memcpy(&header, window.data() + within, sizeof(header));
        if (!fits(header, place + within)) continue;
        offset = place + within;
        return header;
      }
      place += within;
    }
    return std::nullopt;
  }

  bool fits(const RecordHeader& header, std::int64_t offset) const {
    return is_whole(header, contents_.identity, offset) &&
           header.length <= contents_.file_bytes - kHeaderBytes - offset;
  }

  void take(const RecordHeader& header, std::int64_t& offset) {
    if (header.kind == RecordKind::blob)
      contents_.records.push_back(
          {.key = header.key, .offset = offset, .length = header.length, .clock = header.clock});
    offset += record_bytes(header.length);
    // Zeros behind the last body may be missing; they come with the next record.
    contents_.end = offset;
  }

  const File& file_;
  SegmentContents& contents_;
};

}  // namespace

SegmentContents read_segment(const File& file, std::uint64_t number) {
  SegmentContents contents;
  contents.file_bytes = file.size();
  contents.end = kFirstRecord;
  const auto header = read_value<SegmentHeader>(file, 0);
  if (!header) throw InputError("[store] {} has {} bytes, too few for a segment", file.name(), contents.file_bytes);
  const std::string fault = fault_of(*header, number);
  const std::optional<SegmentFooter> footer = read_footer(file, contents.file_bytes, number);
  if (fault.empty()) {
    contents.identity = header->identity;
  } else if (footer) {
    contents.identity = footer->identity;  // the other end of the file knows it too
    contents.faults.push_back(fmt::format("{} {}; its index is whole", file.name(), fault));
  } else {
    throw InputError("[store] {} {}", file.name(), fault);
  }
  if (footer && footer->identity == contents.identity)
    if (std::optional<std::vector<IndexEntry>> index = read_index(file, contents.file_bytes, *footer)) {
      contents.records = *std::move(index);
      contents.end = footer->index_offset;
      contents.sealed = true;
      return contents;
    }
  Scan(file, contents).run();
  return contents;
}

}  // namespace fathom::store
