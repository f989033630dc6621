// Blobs whose contents follow from their number, and a small store that collects its warnings.
#pragma once

#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "fathom/store/blob_store.h"
#include "tests/base/file_support.h"

namespace fathom::testing {

inline store::BlobKey key_of(std::uint64_t number) {
  store::BlobKey key;
  std::memcpy(key.bytes.data() + 8, &number, sizeof(number));
  key.bytes[0] = std::byte{0x5a};
  return key;
}

inline store::BlobStore::Blob blob_of(std::uint64_t number, std::size_t most = 3000) {
  std::mt19937_64 random(number * 977 + 13);
  store::BlobStore::Blob blob(random() % (most + 1));
  for (std::byte& byte : blob) byte = static_cast<std::byte>(random());
  return blob;
}

class Heard {
 public:
  store::Warnings::Listener listener() {
    return [this](std::string_view text) {
      const std::lock_guard lock(mutex_);
      all_ += std::string(text) + "\n";
    };
  }
  std::string all() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_;
  std::string all_;
};

inline store::StoreOptions small_store(const std::filesystem::path& folder, Heard* heard = nullptr) {
  store::StoreOptions options;
  options.folder = folder;
  options.limits = {.bytes = 8 << 20, .free_bytes = 0, .queue_bytes = 4 << 20, .segment_bytes = 64 << 10};
  options.limits.pause = std::chrono::milliseconds(0);
  if (heard != nullptr) options.warn = heard->listener();
  options.readers = 1;
  return options;
}

}  // namespace fathom::testing
