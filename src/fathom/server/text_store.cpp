#include "fathom/server/text_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fathom/accounts/calendar.h"
#include "fathom/api/json_object.h"
#include "fathom/base/error.h"

namespace fathom::server {
namespace {

constexpr std::size_t kMostQueuedBytes = std::size_t{256} << 20;  // on a disk that does not keep up

class File {
 public:
  explicit File(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Whole, or not at all.
  bool append(const std::string& bytes) const {
    struct stat before {};
    if (descriptor_ < 0 || ::fchmod(descriptor_, 0600) != 0 || ::fstat(descriptor_, &before) != 0) return false;
    std::size_t written = 0;
    while (written < bytes.size()) {
      const ssize_t more = ::write(descriptor_, bytes.data() + written, bytes.size() - written);
      if (more < 0 && errno == EINTR) continue;
      if (more <= 0) {
        const int fault = errno;
        if (::ftruncate(descriptor_, before.st_size) != 0) return false;
        errno = fault;
        return false;
      }
      written += static_cast<std::size_t>(more);
    }
    return true;
  }

 private:
  int descriptor_;
};

}  // namespace

std::string text_line(const StoredText& text) {
  std::string request = text.request;
  // JSON has line breaks between its words alone.
  std::replace_if(
      request.begin(), request.end(), [](char letter) { return letter == '\n' || letter == '\r'; }, ' ');
  return api::JsonObject()
      .text("at", accounts::write_moment(text.at))
      .text("id", text.id)
      .text("account", text.account)
      .text("key", text.key)
      .text("surface", text.surface)
      .text("model", text.model)
      .text("finish", text.finish)
      .json("request", request)
      .text("answer", text.answer)
      .close();
}

TextStore::TextStore(std::filesystem::path folder, std::function<void(const std::string& fault)> on_fault)
    : folder_(folder.has_filename() ? std::move(folder) : folder.parent_path()), on_fault_(std::move(on_fault)) {
  std::error_code ignored;
  std::filesystem::create_directories(folder_.parent_path(), ignored);
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
    throw InputError("[store_texts] {}: cannot be made ({})", folder_.string(), std::strerror(errno));
  if (!std::filesystem::is_directory(folder_) || ::access(folder_.c_str(), W_OK | X_OK) != 0)
    throw InputError("[store_texts] {} is no folder that can be written to", folder_.string());
  thread_ = std::thread([this] { serve(); });
}

TextStore::~TextStore() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  event_.notify_all();
  thread_.join();
}

void TextStore::put(const StoredText& text) {
  Line line{.day = accounts::day_of(text.at), .text = text_line(text) + "\n"};
  {
    const std::scoped_lock lock(mutex_);
    if (queued_bytes_ + line.text.size() <= kMostQueuedBytes) {
      queued_bytes_ += line.text.size();
      queue_.push_back(std::move(line));
      event_.notify_one();
      return;
    }
  }
  on_fault_(fmt::format("the text of {} is not stored: {} bytes wait for the disk already", text.id, kMostQueuedBytes));
}

void TextStore::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    event_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Line line = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    write(line);
    lock.lock();
    queued_bytes_ -= line.text.size();
  }
}

void TextStore::write(const Line& line) const {
  const std::filesystem::path path = folder_ / (accounts::write_day(line.day) + ".jsonl");
  errno = 0;
  if (!File(path).append(line.text))
    on_fault_(fmt::format("{}: a text is not stored ({})", path.string(), std::strerror(errno)));
}

}  // namespace fathom::server
