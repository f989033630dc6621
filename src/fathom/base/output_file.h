// A file that stands under its name only when it is whole: written beside it as NAME.partial, then renamed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace fathom {

class OutputFile {
 public:
  // InputError when the file cannot be made, and from each function below when the disk refuses.
  explicit OutputFile(std::filesystem::path path);
  // Removes what was not published.
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  // Everything on the disk, nothing more to come. The name does not stand yet.
  void close();
  // After close(): the whole file under its name, in place of any other.
  void publish();

 private:
  void flush();
  std::filesystem::path partial() const;
  [[noreturn]] void refuse(const char* what, int error) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  bool exists_ = false;  // the partial file
  std::vector<std::byte> buffer_;
};

}  // namespace fathom
