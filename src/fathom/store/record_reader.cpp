#include "fathom/store/record_reader.h"

#include <fmt/format.h>

#include <cerrno>
#include <span>

namespace fathom::store {
namespace {

RecordRead damaged(const File& file, const RecordPlace& place, std::string_view what) {
  return {.state = ReadState::damaged,
          .body = {},
          .fault = fmt::format("[store] {}: the blob at {} {}", file.name(), place.offset, what)};
}

RecordRead read_from(const File& file, const BlobKey& key, const RecordPlace& place) {
  RecordHeader header;
  std::vector<std::byte> body(static_cast<std::size_t>(place.length));
  const auto head = std::as_writable_bytes(std::span(&header, 1));
  if (file.read(head, body, place.offset) != std::ssize(head) + place.length) return damaged(file, place, "is cut off");
  if (!is_whole(header, place.segment, place.offset)) return damaged(file, place, "has a damaged header");
  if (header.kind == RecordKind::erased) return {.state = ReadState::erased, .body = {}, .fault = {}};
  if (header.key != key || header.length != place.length) return damaged(file, place, "is another one");
  if (header.body != body_checksum(place, key, body)) return damaged(file, place, "has another checksum");
  return {.state = ReadState::whole, .body = std::move(body), .fault = {}};
}

}  // namespace

RecordRead read_record(const Folder& folder, const BlobKey& key, const RecordPlace& place) {
  try {
    return read_from(folder.open_segment(place.segment.number, false), key, place);
  } catch (const FileError& error) {
    if (error.code() == ENOENT) return {.state = ReadState::missing, .body = {}, .fault = {}};
    return {.state = error.code() == EIO ? ReadState::damaged : ReadState::refused, .body = {}, .fault = error.what()};
  } catch (const InputError&) {  // something else under the file's name
    return {.state = ReadState::missing, .body = {}, .fault = {}};
  }
}

}  // namespace fathom::store
