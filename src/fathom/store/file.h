// A file by its descriptor: reads and writes at a place, whole or with the system's error.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "fathom/base/error.h"

namespace fathom::store {

// The system refused; code() is its errno.
class FileError : public InputError {
 public:
  FileError(int code, std::string_view what, std::string_view name);
  int code() const { return code_; }

 private:
  int code_;
};

class File {
 public:
  File() = default;
  // Owns the descriptor; -1: no file. The name is for errors.
  File(int descriptor, std::string name);
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  const std::string& name() const { return name_; }

  // Each throws FileError.
  std::int64_t size() const;
  // Both parts in one go, if the system will; the bytes read, fewer only where the file ends.
  std::int64_t read(std::span<std::byte> head, std::span<std::byte> body, std::int64_t offset) const;
  std::int64_t read(std::span<std::byte> bytes, std::int64_t offset) const { return read(bytes, {}, offset); }
  // All parts one behind the other.
  void write(std::array<std::span<const std::byte>, 3> parts, std::int64_t offset) const;
  void write(std::span<const std::byte> bytes, std::int64_t offset) const {
    write(std::array<std::span<const std::byte>, 3>{bytes}, offset);
  }
  void truncate(std::int64_t size) const;

  // Gives the blocks inside the range back, where the file system can; they read as zeros then.
  void punch(std::int64_t offset, std::int64_t length) const noexcept;

 private:
  int descriptor_ = -1;
  std::string name_;
};

}  // namespace fathom::store
