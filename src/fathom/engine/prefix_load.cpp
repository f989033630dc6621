#include "fathom/engine/prefix_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "fathom/engine/prefix_blob.h"

namespace fathom {
namespace {

// Asked for and not taken yet: what a disk needs to be busy, and no more memory than that.
constexpr std::int64_t kAheadBytes = std::int64_t{32} << 20;
constexpr std::int64_t kAheadBlobs = 4;  // at least, where they are large

}  // namespace

void LoadBell::ring() {
  const std::scoped_lock lock(mutex_);
  has_rung_ = true;
  rung_.notify_all();
}

void LoadBell::wait(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  rung_.wait_for(lock, most, [this] { return has_rung_; });
  has_rung_ = false;
}

struct PrefixLoad::Mailbox {
  struct Letter {
    bool has_come = false;
    std::optional<store::BlobStore::Blob> blob;
  };
  explicit Mailbox(std::size_t blobs) : letters(blobs) {}

  std::mutex mutex;
  std::vector<Letter> letters;
  bool wanted = true;
};

PrefixLoad::PrefixLoad(PrefixLoadParts parts, Wanted wanted)
    : parts_(std::move(parts)),
      wanted_(std::move(wanted)),
      mailbox_(std::make_shared<Mailbox>(static_cast<std::size_t>(blobs()))) {
  pages_.reserve(wanted_.pages.size());
  ask();
}

PrefixLoad::~PrefixLoad() {
  const std::scoped_lock lock(mailbox_->mutex);
  mailbox_->wanted = false;
  mailbox_->letters.clear();
}

const store::BlobKey& PrefixLoad::key(std::int64_t index) const {
  return index == 0 ? wanted_.snapshot : wanted_.pages[static_cast<std::size_t>(index - 1)];
}

std::int64_t PrefixLoad::bytes_of(const CacheLayout& layout, std::int64_t tokens, std::int64_t first_page) {
  const std::int64_t pages = (tokens + layout.page_tokens - 1) / layout.page_tokens;
  return layout.state_bytes + std::max<std::int64_t>(pages - first_page, 0) * layout.page_bytes;
}

void PrefixLoad::ask() {
  const std::int64_t page = std::max<std::int64_t>(parts_.layout.page_bytes, 1);
  const std::int64_t ahead = std::max(kAheadBlobs, kAheadBytes / page);
  for (; asked_ < std::min(blobs(), taken_ + ahead); ++asked_)
    parts_.store.read_ahead(
        key(asked_), [mailbox = mailbox_, bell = parts_.bell, index = static_cast<std::size_t>(asked_)](auto blob) {
          {
            const std::scoped_lock lock(mailbox->mutex);
            if (!mailbox->wanted) return;
            mailbox->letters[index] = {.has_come = true, .blob = std::move(blob)};
          }
          bell->ring();
        });
}

// False: it is not what it should be.
bool PrefixLoad::take(std::int64_t index, const store::BlobStore::Blob& blob) {
  const auto ids = std::span<const std::int32_t>(wanted_.ids);
  const auto page_tokens = static_cast<std::size_t>(parts_.layout.page_tokens);
  const auto place = static_cast<std::size_t>(wanted_.first_page + index - 1) * page_tokens;
  const std::string fault = index == 0 ? prefix_blob::snapshot_fault(blob, ids, parts_.layout)
                                       : prefix_blob::page_fault(blob, ids.subspan(place, page_tokens), parts_.layout);
  if (!fault.empty()) {
    if (parts_.warn) parts_.warn(fmt::format("[prefix] a blob on disk is left out: {}", fault));
    parts_.store.erase(key(index));
    return false;
  }
  if (index == 0)
    snapshot_ = prefix_blob::snapshot(blob, parts_.layout, parts_.backend);
  else
    pages_.push_back(prefix_blob::page(blob, parts_.layout, parts_.backend));
  return true;
}

PrefixLoad::State PrefixLoad::advance(std::int64_t bytes) {
  while (!failed_ && taken_ < blobs() && bytes > 0) {
    std::optional<store::BlobStore::Blob> blob;
    {
      const std::scoped_lock lock(mailbox_->mutex);
      Mailbox::Letter& letter = mailbox_->letters[static_cast<std::size_t>(taken_)];
      if (!letter.has_come) break;
      blob = std::move(letter.blob);
      letter.blob.reset();
    }
    if (!blob || !take(taken_, *blob)) {
      failed_ = true;
      break;
    }
    bytes -= std::ssize(*blob);
    ++taken_;
  }
  if (failed_) return State::failed;
  if (taken_ == blobs()) return State::whole;
  ask();
  return State::reading;
}

}  // namespace fathom
