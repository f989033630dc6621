#include "fathom/base/repeated_bytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "fathom/base/error.h"

namespace fathom {
namespace {

// A file without a name, in memory.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::byte> bytes) : value(::memfd_create("fathom", MFD_CLOEXEC)) {
    if (value < 0) throw InputError("[memory] the system has no file in memory for us: {}", std::strerror(errno));
    while (!bytes.empty()) {
      const ssize_t written = ::write(value, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        const int error = errno;
        ::close(value);
        throw InputError("[memory] cannot write {} bytes: {}", bytes.size(), std::strerror(error));
      }
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }
  ~MemoryFile() { ::close(value); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  const int value;
};

}  // namespace

RepeatedBytes::RepeatedBytes(std::span<const std::byte> block, std::size_t size) {
  check(!block.empty() && block.size() % kPage == 0, "a repeated block is whole pages");
  const MemoryFile file(block);
  const std::size_t whole = (size + block.size() - 1) / block.size() * block.size();
  if (whole == 0) return;
  const auto refuse = [&] {
    throw InputError("[memory] cannot map {} bytes, {} at a time: {}", whole, block.size(), std::strerror(errno));
  };
  void* place = ::mmap(nullptr, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) refuse();
  RepeatedBytes mapped;  // takes the place back if a part of it cannot be had
  mapped.data_ = static_cast<std::byte*>(place);
  mapped.size_ = whole;
  for (std::size_t offset = 0; offset < whole; offset += block.size())
    if (::mmap(mapped.data_ + offset, block.size(), PROT_READ, MAP_SHARED | MAP_FIXED, file.value, 0) == MAP_FAILED)
      refuse();
  *this = std::move(mapped);
}

RepeatedBytes::~RepeatedBytes() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

RepeatedBytes::RepeatedBytes(RepeatedBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

RepeatedBytes& RepeatedBytes::operator=(RepeatedBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace fathom
