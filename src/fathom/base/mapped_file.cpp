#include "fathom/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "fathom/base/error.h"

namespace fathom {
namespace {

// A file open for reading.
class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path) : value(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (value < 0) throw InputError("[file] cannot open {}: {}", path.string(), std::strerror(errno));
  }
  ~Descriptor() { ::close(value); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  const int value;
};

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(path);
  struct stat status {};
  if (::fstat(file.value, &status) != 0)
    throw InputError("[file] cannot stat {}: {}", path.string(), std::strerror(errno));
  if (!S_ISREG(status.st_mode)) throw InputError("[file] {} is not a regular file", path.string());
  if (status.st_size == 0) return;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (data == MAP_FAILED)
    throw InputError("[file] cannot map {} ({} bytes): {}", path.string(), size, std::strerror(errno));
  data_ = static_cast<const std::byte*>(data);
  size_ = size;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void give_back_pages(std::span<const std::byte> bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t first = start / page * page;
  const std::uintptr_t last = (start + bytes.size() + page - 1) / page * page;
  if (bytes.empty()) return;
  ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);  // a wish; NOLINT(performance-no-int-to-ptr)
}

// Read, not mapped: text may come from a pipe, as /dev/stdin and a shell's <(command) are.
std::string read_text_file(const std::filesystem::path& path, std::size_t limit) {
  const Descriptor file(path);
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (true) {
    const ssize_t count = ::read(file.value, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw InputError("[file] cannot read {}: {}", path.string(), std::strerror(errno));
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > limit)
      throw InputError("[file] {} has more than {} bytes, which is the limit", path.string(), limit);
  }
}

}  // namespace fathom
