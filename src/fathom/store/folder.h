// The folder of a store: ours alone while the object lives, with segments by number and small files replaced whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/store/file.h"

namespace fathom::store {

class Folder {
 public:
  // Makes the folder where it is missing, for its owner alone. InputError: it cannot be made, entered or written, or
  // another process has it.
  explicit Folder(std::filesystem::path path);

  struct Listing {
    std::vector<std::uint64_t> segments;  // ascending
    std::vector<std::string> strangers;   // files that no store makes
  };
  Listing list() const;
  // Whether others than the owner may look inside.
  bool is_shared() const;
  // What the file system has left for us.
  std::int64_t free_bytes() const;

  // Each throws FileError. Files are for their owner alone (0600); links are not followed.
  File open_segment(std::uint64_t number, bool writable) const;
  File create_segment(std::uint64_t number) const;
  void remove_segment(std::uint64_t number) const;
  // All bytes of a small file, at most `limit`; nothing when it is not there.
  std::optional<std::vector<std::byte>> read_small(const std::string& name, std::size_t limit) const;
  // The old contents or the new, never parts of both.
  void replace_small(const std::string& name, std::span<const std::byte> contents) const;

 private:
  File open(const std::string& name, int flags, std::string_view what) const;

  std::filesystem::path path_;
  File folder_;
  File lock_;
};

// "00000000000000a1.segment"
std::string segment_name(std::uint64_t number);
std::optional<std::uint64_t> segment_number(std::string_view name);

}  // namespace fathom::store
