// A segment's bytes: a header, records one behind the other, and where it is sealed an index of them with a footer.
//
//   SegmentHeader | RecordHeader, body, zeros to 64 bytes | ... | IndexEntry[entries] | SegmentFooter
//
// Numbers are the machine's own; `byte_order` says which, and files of the other order are refused. Every checksum also
// takes in the segment's salt and number, and a record's the place it stands at: what lies inside a body, was copied
// from another segment or shows through from an older file is never taken for a record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "fathom/store/blob_key.h"

namespace fathom::store {

constexpr std::uint32_t kSegmentVersion = 1;
constexpr std::int64_t kRecordAlignment = 64;  // records begin at multiples of it, so that they are found behind damage
constexpr std::uint64_t kMostClock = std::uint64_t{1} << 60;

struct SegmentIdentity {
  std::uint64_t number = 0;          // as in the file's name; larger is newer
  std::array<std::byte, 16> salt{};  // random

  friend bool operator==(const SegmentIdentity&, const SegmentIdentity&) = default;
};

struct Checksum {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend bool operator==(const Checksum&, const Checksum&) = default;
};

struct SegmentHeader {
  std::array<char, 8> magic{};
  std::uint32_t version = 0;
  std::uint32_t byte_order = 0;
  SegmentIdentity identity;
  std::array<std::byte, 16> reserved{};
  std::uint64_t checksum = 0;
};

enum class RecordKind : std::uint32_t { blob = 1, erased = 2 };

struct RecordHeader {
  std::uint32_t magic = 0;
  RecordKind kind = RecordKind::blob;
  std::int64_t length = 0;  // bytes of the body
  BlobKey key;              // zeros when erased
  std::uint64_t clock = 0;  // of the table (segment_table.h) when it was written
  Checksum body;            // over key and body
  std::uint64_t checksum = 0;
};

struct IndexEntry {
  BlobKey key;
  std::int64_t offset = 0;  // of the record
  std::int64_t length = 0;
  std::uint64_t clock = 0;  // when it was used last

  friend bool operator==(const IndexEntry&, const IndexEntry&) = default;
};

struct SegmentFooter {
  std::array<char, 8> magic{};
  std::uint32_t version = 0;
  std::uint32_t byte_order = 0;
  SegmentIdentity identity;
  std::int64_t index_offset = 0;
  std::int64_t entries = 0;
  Checksum index;
  std::uint64_t checksum = 0;
};

static_assert(sizeof(SegmentHeader) == 64 && sizeof(RecordHeader) == 80 && sizeof(IndexEntry) == 56 &&
              sizeof(SegmentFooter) == 80);

// From a record's header to the next one's.
std::int64_t record_bytes(std::int64_t length);
// Index and footer.
std::int64_t trailer_bytes(std::int64_t entries);

SegmentHeader segment_header(const SegmentIdentity& identity);
// What is wrong with a header of the segment `number`; empty: nothing.
std::string fault_of(const SegmentHeader& header, std::uint64_t number);

// A record and its place in a segment.
struct RecordPlace {
  SegmentIdentity segment;
  std::int64_t offset = 0;
  std::int64_t length = 0;

  friend bool operator==(const RecordPlace&, const RecordPlace&) = default;
};

// `body` is as long as the place says.
RecordHeader blob_record(const RecordPlace& place, const BlobKey& key, std::uint64_t clock,
                         std::span<const std::byte> body);
RecordHeader erased_record(const RecordPlace& place);
// Whether a header was written for this place (whose length is the header's own).
bool is_whole(const RecordHeader& header, const SegmentIdentity& segment, std::int64_t offset);
Checksum body_checksum(const RecordPlace& place, const BlobKey& key, std::span<const std::byte> body);

SegmentFooter segment_footer(const SegmentIdentity& identity, std::int64_t index_offset,
                             std::span<const IndexEntry> entries);
bool is_whole(const SegmentFooter& footer, std::uint64_t number);
Checksum index_checksum(const SegmentIdentity& identity, std::span<const IndexEntry> entries);

}  // namespace fathom::store
