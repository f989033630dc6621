#include "fathom/store/segment_format.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <bit>
#include <memory>

#include "fathom/base/error.h"

namespace fathom::store {
namespace {

constexpr std::array<char, 8> kHeaderMagic = {'F', 'A', 'T', 'H', 'O', 'M', 'B', 'S'};
constexpr std::array<char, 8> kFooterMagic = {'F', 'A', 'T', 'H', 'O', 'M', 'B', 'I'};
constexpr std::uint32_t kRecordMagic = 0x46424c42;
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::uint32_t kOtherByteOrder = 0x04030201;

class Sum {
 public:
  Sum() : state_(XXH3_createState(), &XXH3_freeState) {
    check(state_ != nullptr && XXH3_128bits_reset(state_.get()) == XXH_OK, "a checksum has a state");
  }

  template <typename Value>
  Sum& add(const Value& value) {
    static_assert(std::has_unique_object_representations_v<Value>, "padding is no contents");
    return add(std::as_bytes(std::span(&value, 1)));
  }
  Sum& add(std::span<const std::byte> bytes) {
    XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
    return *this;
  }
  Checksum value() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
    return {.low = hash.low64, .high = hash.high64};
  }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

// Of everything but the checksum itself, which stands last.
template <typename Header>
std::uint64_t own_checksum(const Header& header) {
  return XXH3_64bits(&header, sizeof(Header) - sizeof(header.checksum));
}

std::uint64_t own_checksum(const RecordHeader& header, const SegmentIdentity& segment, std::int64_t offset) {
  struct Placed {
    SegmentIdentity segment;
    std::int64_t offset;
    RecordHeader header;
  };
  static_assert(std::has_unique_object_representations_v<Placed>);
  const Placed placed{.segment = segment, .offset = offset, .header = header};
  return XXH3_64bits(&placed, sizeof(Placed) - sizeof(header.checksum));
}

}  // namespace

std::int64_t record_bytes(std::int64_t length) {
  const std::int64_t bytes = static_cast<std::int64_t>(sizeof(RecordHeader)) + length;
  return (bytes + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

std::int64_t trailer_bytes(std::int64_t entries) {
  return entries * static_cast<std::int64_t>(sizeof(IndexEntry)) + static_cast<std::int64_t>(sizeof(SegmentFooter));
}

SegmentHeader segment_header(const SegmentIdentity& identity) {
  SegmentHeader header{.magic = kHeaderMagic,
                       .version = kSegmentVersion,
                       .byte_order = kByteOrder,
                       .identity = identity,
                       .reserved = {},
                       .checksum = 0};
  header.checksum = own_checksum(header);
  return header;
}

std::string fault_of(const SegmentHeader& header, std::uint64_t number) {
  if (header.magic != kHeaderMagic) return "is no segment of a store";
  if (header.byte_order == kOtherByteOrder) return "was written by a machine of another byte order";
  if (header.checksum != own_checksum(header)) {
    // A later version may put its checksum elsewhere.
    if (header.byte_order == kByteOrder && header.version != kSegmentVersion)
      return fmt::format("has version {}, this program reads version {}", header.version, kSegmentVersion);
    return "has a damaged header";
  }
  if (header.version != kSegmentVersion)
    return fmt::format("has version {}, this program reads version {}", header.version, kSegmentVersion);
  if (header.byte_order != kByteOrder) return fmt::format("has the byte order {:#x}", header.byte_order);
  if (header.identity.number != number)
    return fmt::format("is segment {:#x} under the name of {:#x}", header.identity.number, number);
  return "";
}

Checksum body_checksum(const RecordPlace& place, const BlobKey& key, std::span<const std::byte> body) {
  return Sum().add(place).add(key).add(body).value();
}

RecordHeader blob_record(const RecordPlace& place, const BlobKey& key, std::uint64_t clock,
                         std::span<const std::byte> body) {
  check_equal(std::ssize(body), place.length, "length of a blob's body");
  RecordHeader header{.magic = kRecordMagic,
                      .kind = RecordKind::blob,
                      .length = place.length,
                      .key = key,
                      .clock = clock,
                      .body = body_checksum(place, key, body),
                      .checksum = 0};
  header.checksum = own_checksum(header, place.segment, place.offset);
  return header;
}

RecordHeader erased_record(const RecordPlace& place) {
  RecordHeader header{.magic = kRecordMagic,
                      .kind = RecordKind::erased,
                      .length = place.length,
                      .key = {},
                      .clock = 0,
                      .body = {},
                      .checksum = 0};
  header.checksum = own_checksum(header, place.segment, place.offset);
  return header;
}

bool is_whole(const RecordHeader& header, const SegmentIdentity& segment, std::int64_t offset) {
  return header.magic == kRecordMagic && (header.kind == RecordKind::blob || header.kind == RecordKind::erased) &&
         header.length >= 0 && header.clock < kMostClock && header.checksum == own_checksum(header, segment, offset);
}

Checksum index_checksum(const SegmentIdentity& identity, std::span<const IndexEntry> entries) {
  return Sum().add(identity).add(std::as_bytes(entries)).value();
}

SegmentFooter segment_footer(const SegmentIdentity& identity, std::int64_t index_offset,
                             std::span<const IndexEntry> entries) {
  SegmentFooter footer{.magic = kFooterMagic,
                       .version = kSegmentVersion,
                       .byte_order = kByteOrder,
                       .identity = identity,
                       .index_offset = index_offset,
                       .entries = std::ssize(entries),
                       .index = index_checksum(identity, entries),
                       .checksum = 0};
  footer.checksum = own_checksum(footer);
  return footer;
}

bool is_whole(const SegmentFooter& footer, std::uint64_t number) {
  return footer.magic == kFooterMagic && footer.version == kSegmentVersion && footer.byte_order == kByteOrder &&
         footer.identity.number == number && footer.checksum == own_checksum(footer);
}

}  // namespace fathom::store
