// A file, read-only in memory. The bytes stay valid while the object lives.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace fathom {

class MappedFile {
 public:
  MappedFile() = default;
  // InputError when the file cannot be opened or mapped. An empty file maps to no bytes.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Takes the pages of a mapped file's bytes out of this process's memory. They are read again when they are used; the
// page cache keeps what it has room for. Never for bytes that are no mapped file's: they would be lost.
void give_back_pages(std::span<const std::byte> bytes);

// The whole file as text; a pipe will do. InputError when it cannot be read or is larger than `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, std::size_t limit = std::size_t{1} << 30);

}  // namespace fathom
