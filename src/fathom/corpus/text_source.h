// A text file from its beginning to its end, a stretch at a time, unpacked if it is zstd's (whatever its name).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "fathom/base/mapped_file.h"

namespace fathom {

class TextSource {
 public:
  // InputError names the file.
  explicit TextSource(std::filesystem::path path);
  ~TextSource();
  TextSource(TextSource&&) noexcept;

  // Appends the next stretch to `text`; false at the end. InputError: the packed file is damaged or truncated.
  bool read(std::string& text);
  // How much of the file has been read, as it lies on the disk: 0 to 1.
  double share() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Unpacker;

  bool unpack(std::string& text);

  std::filesystem::path path_;
  MappedFile file_;
  std::size_t at_ = 0;
  std::unique_ptr<Unpacker> unpacker_;  // none: plain text
};

}  // namespace fathom
