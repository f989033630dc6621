#include "fathom/base/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "fathom/base/error.h"

namespace fathom {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

}  // namespace

OutputFile::OutputFile(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = ::open(partial().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) refuse("open", errno);
  exists_ = true;
  buffer_.reserve(kBufferBytes);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      exists_(std::exchange(other.exists_, false)),
      buffer_(std::move(other.buffer_)) {}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (exists_) ::unlink(partial().c_str());
}

std::filesystem::path OutputFile::partial() const { return path_.string() + ".partial"; }

void OutputFile::refuse(const char* what, int error) const {
  throw InputError("[file] cannot {} {}: {}", what, partial().string(), std::strerror(error));
}

void OutputFile::write(std::span<const std::byte> bytes) {
  check(descriptor_ >= 0, "an output file is open while it is written");
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), kBufferBytes - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (buffer_.size() == kBufferBytes) flush();
  }
}

void OutputFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void OutputFile::flush() {
  std::span<const std::byte> left(buffer_);
  while (!left.empty()) {
    const ::ssize_t written = ::write(descriptor_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse("write", errno);
    left = left.subspan(static_cast<std::size_t>(written));
  }
  buffer_.clear();
}

void OutputFile::close() {
  check(descriptor_ >= 0, "an output file is closed once");
  flush();
  if (::fsync(descriptor_) != 0) refuse("write", errno);
  if (::close(std::exchange(descriptor_, -1)) != 0) refuse("close", errno);
  buffer_.shrink_to_fit();
}

void OutputFile::publish() {
  check(descriptor_ < 0 && exists_, "an output file is closed before it is published");
  std::error_code error;
  std::filesystem::rename(partial(), path_, error);
  if (error) throw InputError("[file] cannot rename {} to {}: {}", partial().string(), path_.string(), error.message());
  exists_ = false;
}

}  // namespace fathom
