#include "fathom/store/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace fathom::store {
namespace {

// What is left of the parts after `done` bytes.
template <std::size_t Parts>
void advance(std::array<iovec, Parts>& parts, std::size_t done) {
  for (iovec& part : parts) {
    const std::size_t taken = std::min(done, part.iov_len);
    part.iov_base = static_cast<std::byte*>(part.iov_base) + taken;
    part.iov_len -= taken;
    done -= taken;
  }
}

template <std::size_t Parts>
bool is_done(const std::array<iovec, Parts>& parts) {
  return std::all_of(parts.begin(), parts.end(), [](const iovec& part) { return part.iov_len == 0; });
}

}  // namespace

FileError::FileError(int code, std::string_view what, std::string_view name)
    : InputError("[store] cannot {} {}: {}", what, name, std::system_category().message(code)), code_(code) {}

File::File(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), name_(std::move(other.name_)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(name_, other.name_);
  return *this;
}

std::int64_t File::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) throw FileError(errno, "look at", name_);
  return status.st_size;
}

std::int64_t File::read(std::span<std::byte> head, std::span<std::byte> body, std::int64_t offset) const {
  std::array<iovec, 2> parts = {iovec{head.data(), head.size()}, iovec{body.data(), body.size()}};
  std::int64_t total = 0;
  while (!is_done(parts)) {
    const ::ssize_t count = ::preadv(descriptor_, parts.data(), static_cast<int>(parts.size()), offset + total);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw FileError(errno, "read", name_);
    if (count == 0) break;
    advance(parts, static_cast<std::size_t>(count));
    total += count;
  }
  return total;
}

void File::write(std::array<std::span<const std::byte>, 3> from, std::int64_t offset) const {
  std::array<iovec, 3> parts{};
  for (std::size_t part = 0; part < parts.size(); ++part)
    parts[part] = {const_cast<std::byte*>(from[part].data()), from[part].size()};
  while (!is_done(parts)) {
    const ::ssize_t count = ::pwritev(descriptor_, parts.data(), static_cast<int>(parts.size()), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw FileError(errno, "write", name_);
    if (count == 0) throw FileError(EIO, "write", name_);
    advance(parts, static_cast<std::size_t>(count));
    offset += count;
  }
}

void File::truncate(std::int64_t size) const {
  while (::ftruncate(descriptor_, size) != 0)
    if (errno != EINTR) throw FileError(errno, "cut", name_);
}

void File::punch(std::int64_t offset, std::int64_t length) const noexcept {
  if (length > 0) ::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

}  // namespace fathom::store
