// What a store on disk costs beside the disk:  bench_blob_store FOLDER [GIB, 2 when not given]
// Plain writes and reads of one file, the store's, with blobs of 20 KB to 5 MB, and opening it. Nothing is left behind.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "fathom/store/blob_store.h"
#include "fathom/store/file.h"

namespace fathom::store {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

void forget_pages() {
  ::sync();
  std::ofstream("/proc/sys/vm/drop_caches") << "3";  // root alone; without it reads come from memory
}

void say(const char* what, std::int64_t bytes, double seconds) {
  fmt::print("{:<34} {:6.2f} GB/s  {:8.3f} s\n", what, static_cast<double>(bytes) / seconds * 1e-9, seconds);
  std::fflush(stdout);
}

BlobStore::Blob random_blob(std::mt19937_64& random) {
  // 20 KB to 5 MB, as many between 20 and 40 KB as between 2.5 and 5 MB.
  BlobStore::Blob blob(static_cast<std::size_t>(20e3 * std::exp2(static_cast<double>(random() % 8000) / 1000)));
  for (std::size_t place = 0; place + 8 <= blob.size(); place += 8) {
    const std::uint64_t word = random();
    std::memcpy(blob.data() + place, &word, sizeof(word));
  }
  return blob;
}

BlobKey key_of(std::uint64_t number) {
  BlobKey key;
  std::memcpy(key.bytes.data(), &number, sizeof(number));
  return key;
}

void plain_file(const std::filesystem::path& folder, std::int64_t total) {
  const std::filesystem::path path = folder / "plain";
  std::vector<std::byte> block(1 << 20, std::byte{0x5a});
  {
    const File file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), path.string());
    auto begin = Clock::now();
    for (std::int64_t done = 0; done < total; done += std::ssize(block)) file.write(block, done);
    const double handed = seconds_since(begin);
    ::fsync(file.descriptor());
    say("plain file, written", total, handed);
    say("plain file, written and synced", total, seconds_since(begin));
    forget_pages();
    begin = Clock::now();
    for (std::int64_t done = 0; done < total; done += std::ssize(block)) file.read(block, done);
    say("plain file, read cold", total, seconds_since(begin));
  }
  std::filesystem::remove(path);
}

void store_file(const std::filesystem::path& folder, std::int64_t total) {
  StoreOptions options;
  options.folder = folder / "store";
  options.limits.free_bytes = 0;
  std::mt19937_64 random(1);
  std::vector<BlobStore::Blob> blobs;
  for (int blob = 0; blob < 200; ++blob) blobs.push_back(random_blob(random));
  std::int64_t bytes = 0;
  std::uint64_t count = 0;
  {
    BlobStore store(options);
    const auto begin = Clock::now();
    for (; bytes < total; ++count) {
      const BlobStore::Blob& blob = blobs[count % blobs.size()];
      while (store.figures().queued_bytes > (200 << 20)) ::usleep(200);
      store.put(key_of(count), blob);
      bytes += std::ssize(blob);
    }
    store.flush();
    say("store, written", bytes, seconds_since(begin));
    ::sync();
    say("store, written and synced", bytes, seconds_since(begin));
  }
  for (const bool cold : {true, false}) {
    if (cold) forget_pages();
    auto begin = Clock::now();
    BlobStore store(options);
    fmt::print("{:<34} {:8.2f} ms, {} blobs\n", cold ? "store, opened cold" : "store, opened warm",
               seconds_since(begin) * 1e3, store.figures().blobs);
    begin = Clock::now();
    std::int64_t read = 0;
    for (std::uint64_t number = 0; number < count; ++number)
      if (const auto blob = store.get(key_of(number))) read += std::ssize(*blob);
    say(cold ? "store, read cold and checked" : "store, read warm and checked", read, seconds_since(begin));
  }
  std::filesystem::remove_all(options.folder);
}

}  // namespace
}  // namespace fathom::store

int main(int count, char** arguments) {
  if (count < 2) return 2;
  const std::int64_t bytes = (count > 2 ? std::atoll(arguments[2]) : 2) << 30;
  fathom::store::plain_file(arguments[1], bytes);
  fathom::store::store_file(arguments[1], bytes);
}
