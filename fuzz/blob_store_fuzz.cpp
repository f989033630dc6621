// Any bytes as a segment of a store: what is not a segment is skipped, what is read can be read, and the store goes on.
// The bytes are tried as they are and with checksums made to fit, so that they keep nothing from the reader.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/store/blob_store.h"
#include "fathom/store/folder.h"
#include "fathom/store/record_reader.h"
#include "fathom/store/segment_reader.h"

namespace {

using namespace fathom::store;

const std::filesystem::path& folder_path() {
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("blob_store_fuzz_" + std::to_string(::getpid()));
  return path;
}

void read_all(std::span<const std::byte> bytes) {
  std::filesystem::remove_all(folder_path());
  std::filesystem::create_directories(folder_path());
  std::ofstream(folder_path() / segment_name(1), std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  try {
    const Folder folder(folder_path());
    const SegmentContents contents = read_segment(folder.open_segment(1, false), 1);
    std::int64_t end = 0;
    for (const IndexEntry& entry : contents.records) {
      fathom::check(entry.offset >= end && entry.length >= 0 && entry.length <= contents.file_bytes,
                    "records lie in their segment, none over another");
      end = entry.offset + entry.length;
      read_record(folder, entry.key, {.segment = contents.identity, .offset = entry.offset, .length = entry.length});
    }
  } catch (const fathom::InputError&) {
  }
  for (int go = 0; go < 2; ++go) {
    StoreOptions options;
    options.folder = folder_path();
    options.limits = {.bytes = 1 << 20, .free_bytes = 0, .segment_bytes = 32 << 10};
    options.readers = 0;
    BlobStore store(options);
    BlobKey key;
    key.bytes.fill(std::byte{0xfa});
    store.put(key, BlobStore::Blob(100, std::byte{7}));
    store.flush();
    fathom::check(store.get(key) == BlobStore::Blob(100, std::byte{7}), "a store goes on whatever it found");
  }
}

// Headers, records and index with their checksums, of whatever numbers stand there.
void repair(std::vector<std::byte>& file) {
  if (file.size() < sizeof(SegmentHeader)) return;
  SegmentHeader header;
  std::memcpy(&header, file.data(), sizeof(header));
  header.identity.number = 1;
  header = segment_header(header.identity);
  std::memcpy(file.data(), &header, sizeof(header));
  for (std::size_t offset = sizeof(header); offset + sizeof(RecordHeader) <= file.size();) {
    RecordHeader record;
    std::memcpy(&record, file.data() + offset, sizeof(record));
    const std::size_t room = file.size() - offset - sizeof(record);
    const std::size_t length = static_cast<std::uint64_t>(record.length) % (room + 1);
    record = blob_record({.segment = header.identity,
                          .offset = static_cast<std::int64_t>(offset),
                          .length = static_cast<std::int64_t>(length)},
                         record.key, record.clock, std::span(file).subspan(offset + sizeof(record), length));
    std::memcpy(file.data() + offset, &record, sizeof(record));
    offset += static_cast<std::size_t>(record_bytes(static_cast<std::int64_t>(length)));
  }
}

// An index of whatever entries stand before the end.
void add_footer(std::vector<std::byte>& file) {
  SegmentHeader header;
  if (file.size() < sizeof(header)) return;
  std::memcpy(&header, file.data(), sizeof(header));
  const std::size_t entries = (file.size() - sizeof(header)) / sizeof(IndexEntry) % 5;
  std::vector<IndexEntry> index(entries);
  const std::size_t begin = (file.size() - entries * sizeof(IndexEntry)) / kRecordAlignment * kRecordAlignment;
  if (entries > 0) std::memcpy(index.data(), file.data() + begin, entries * sizeof(IndexEntry));
  file.resize(begin + entries * sizeof(IndexEntry));
  const SegmentFooter footer = segment_footer(header.identity, static_cast<std::int64_t>(begin), index);
  const auto bytes = std::as_bytes(std::span(&footer, 1));
  file.insert(file.end(), bytes.begin(), bytes.end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> file(size);
  if (size > 0) std::memcpy(file.data(), data, size);
  read_all(file);
  repair(file);
  read_all(file);
  add_footer(file);
  read_all(file);
  std::filesystem::remove_all(folder_path());
  return 0;
}
