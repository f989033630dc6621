#include "fathom/store/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <limits>
#include <memory>
#include <system_error>
#include <utility>

namespace fathom::store {
namespace {

constexpr std::string_view kSegmentEnding = ".segment";
constexpr std::string_view kPartialEnding = ".partial";
constexpr std::size_t kDigits = 16;
constexpr mode_t kOwnerAlone = 0600;
constexpr const char* kLockName = "lock";

struct CloseListing {
  void operator()(DIR* entries) const { ::closedir(entries); }
};

File open_folder(const std::filesystem::path& path) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw FileError(errno, "make the folder", path.string());
  File folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path.string());
  if (!folder.is_open()) throw FileError(errno, "open the folder", path.string());
  return folder;
}

}  // namespace

std::string segment_name(std::uint64_t number) { return fmt::format("{:016x}{}", number, kSegmentEnding); }

std::optional<std::uint64_t> segment_number(std::string_view name) {
  if (name.size() != kDigits + kSegmentEnding.size() || !name.ends_with(kSegmentEnding)) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = name.data() + kDigits;
  const auto read = std::from_chars(name.data(), end, number, 16);
  // One name a number: no capitals. The last number has no successor.
  if (read.ec != std::errc() || read.ptr != end || segment_name(number) != name ||
      number == std::numeric_limits<std::uint64_t>::max())
    return std::nullopt;
  return number;
}

Folder::Folder(std::filesystem::path path) : path_(std::move(path)), folder_(open_folder(path_)) {
  lock_ = open(kLockName, O_RDWR | O_CREAT, "write");
  while (::flock(lock_.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) throw InputError("[store] {} is in use by another process", path_.string());
    throw FileError(errno, "lock", lock_.name());
  }
}

Folder::Listing Folder::list() const {
  Listing listing;
  // A descriptor of its own: its position is the listing's.
  const int descriptor = ::openat(folder_.descriptor(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, CloseListing> entries(descriptor < 0 ? nullptr : ::fdopendir(descriptor));
  if (entries == nullptr) {
    const int error = errno;
    if (descriptor >= 0) ::close(descriptor);
    throw FileError(error, "list", path_.string());
  }
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || name == kLockName) continue;
    if (const std::optional<std::uint64_t> number = segment_number(name))
      listing.segments.push_back(*number);
    else if (entry->d_type != DT_DIR)  // a folder may hold another store
      listing.strangers.emplace_back(name);
  }
  std::sort(listing.segments.begin(), listing.segments.end());
  std::sort(listing.strangers.begin(), listing.strangers.end());
  return listing;
}

bool Folder::is_shared() const {
  struct stat status {};
  return ::fstat(folder_.descriptor(), &status) == 0 && (status.st_mode & 0077) != 0;
}

std::int64_t Folder::free_bytes() const {
  struct statvfs status {};
  if (::fstatvfs(folder_.descriptor(), &status) != 0) throw FileError(errno, "look at", path_.string());
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min<std::uint64_t>(status.f_bavail, most / status.f_frsize) * status.f_frsize);
}

File Folder::open(const std::string& name, int flags, std::string_view what) const {
  const std::string full = (path_ / name).string();
  // O_NONBLOCK: a pipe under a segment's name holds nobody up.
  File file(::openat(folder_.descriptor(), name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kOwnerAlone),
            full);
  if (!file.is_open()) throw FileError(errno, what, full);
  struct stat status {};
  if (::fstat(file.descriptor(), &status) != 0) throw FileError(errno, "look at", full);
  if (!S_ISREG(status.st_mode)) throw InputError("[store] {} is no regular file", full);
  return file;
}

File Folder::open_segment(std::uint64_t number, bool writable) const {
  return open(segment_name(number), writable ? O_RDWR : O_RDONLY, "open");
}

File Folder::create_segment(std::uint64_t number) const {
  return open(segment_name(number), O_RDWR | O_CREAT | O_EXCL, "make");
}

void Folder::remove_segment(std::uint64_t number) const {
  const std::string name = segment_name(number);
  if (::unlinkat(folder_.descriptor(), name.c_str(), 0) != 0 && errno != ENOENT)
    throw FileError(errno, "remove", (path_ / name).string());
}

std::optional<std::vector<std::byte>> Folder::read_small(const std::string& name, std::size_t limit) const {
  try {
    const File file = open(name, O_RDONLY, "open");
    std::vector<std::byte> contents(std::min(limit, static_cast<std::size_t>(file.size())));
    contents.resize(static_cast<std::size_t>(file.read(contents, 0)));
    return contents;
  } catch (const FileError& error) {
    if (error.code() == ENOENT) return std::nullopt;
    throw;
  }
}

void Folder::replace_small(const std::string& name, std::span<const std::byte> contents) const {
  const std::string partial = name + std::string(kPartialEnding);
  try {
    const File file = open(partial, O_WRONLY | O_CREAT | O_TRUNC, "write");
    file.write(contents, 0);
    if (::renameat(folder_.descriptor(), partial.c_str(), folder_.descriptor(), name.c_str()) != 0)
      throw FileError(errno, "rename", file.name());
  } catch (const InputError&) {
    ::unlinkat(folder_.descriptor(), partial.c_str(), 0);
    throw;
  }
}

}  // namespace fathom::store
