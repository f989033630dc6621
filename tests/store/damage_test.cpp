// What a disk, a kill and other people can do to a store: nothing wrong is ever returned.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <set>

#include "fathom/store/blob_store.h"
#include "fathom/store/folder.h"
#include "fathom/store/segment_format.h"
#include "tests/store/store_support.h"

namespace fathom::store {
namespace {

using testing::blob_of;
using testing::Heard;
using testing::key_of;
using testing::read_text;
using testing::small_store;
using testing::TemporaryDirectory;
using testing::write_text;

constexpr std::size_t kTiny = 150;

void fill(const StoreOptions& options, std::uint64_t count, std::size_t most = kTiny) {
  BlobStore store(options);
  for (std::uint64_t number = 0; number < count; ++number) {
    store.put(key_of(number), blob_of(number, most));
    store.flush();
  }
}

// How many of the blobs are there; each that is there is right.
std::int64_t count_right(BlobStore& store, std::uint64_t count, std::size_t most = kTiny) {
  std::int64_t right = 0;
  for (std::uint64_t number = 0; number < count; ++number)
    if (const auto blob = store.get(key_of(number))) {
      EXPECT_EQ(*blob, blob_of(number, most)) << number;
      ++right;
    }
  return right;
}

std::filesystem::path only_segment(const std::filesystem::path& folder) { return folder / segment_name(1); }

TEST(StoreDamage, AFlippedBitAnywhereGivesNothingWrong) {
  const TemporaryDirectory directory;
  const StoreOptions options = small_store(directory / "store");
  fill(options, 4);
  for (const auto& file : {only_segment(options.folder), options.folder / kBudgetName}) {
    const std::string whole = read_text(file);
    const std::string segment = read_text(only_segment(options.folder));
    for (std::size_t place = 0; place < whole.size(); ++place) {
      std::string flipped = whole;
      flipped[place] = static_cast<char>(flipped[place] ^ (1 << (place % 8)));
      write_text(file, flipped);
      {
        BlobStore store(options);
        // One blob at most is lost: either end of a sealed segment knows what it is.
        EXPECT_GE(count_right(store, 4), 3) << file << " " << place;
        store.put(key_of(77), blob_of(77));
        store.flush();
        EXPECT_EQ(store.get(key_of(77)), blob_of(77));
      }
      for (const auto& entry : std::filesystem::directory_iterator(options.folder))
        if (entry.path().extension() == ".segment") std::filesystem::remove(entry.path());
      write_text(only_segment(options.folder), segment);
    }
    write_text(file, whole);
  }
}

TEST(StoreDamage, ATruncatedSegmentKeepsWhatIsWhole) {
  const TemporaryDirectory directory;
  const StoreOptions options = small_store(directory / "store");
  fill(options, 4);
  const std::string whole = read_text(only_segment(options.folder));
  std::int64_t before = 0;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    for (const auto& entry : std::filesystem::directory_iterator(options.folder))
      if (entry.path().extension() == ".segment") std::filesystem::remove(entry.path());
    write_text(only_segment(options.folder), whole.substr(0, size));
    BlobStore store(options);
    const std::int64_t right = count_right(store, 4);
    EXPECT_GE(right, before) << size;
    before = right;
  }
  EXPECT_EQ(before, 4);
}

TEST(StoreDamage, ForeignFilesAreSkippedAndLeftAlone) {
  const TemporaryDirectory directory;
  Heard heard;
  const StoreOptions options = small_store(directory / "store", &heard);
  fill(options, 20);
  const std::string whole = read_text(only_segment(options.folder));
  write_text(options.folder / "notes.txt", "mine");
  write_text(options.folder / segment_name(0x51),
             "not a segment, though it has the name of one, and goes on for a bit....");
  write_text(options.folder / segment_name(0x52), whole);  // a copy under another number
  std::string later = whole;
  later[offsetof(SegmentHeader, version)] = 9;
  write_text(options.folder / segment_name(0x53), later);
  std::string other_order = whole;
  std::swap(other_order[12], other_order[15]);
  std::swap(other_order[13], other_order[14]);
  write_text(options.folder / segment_name(0x54), other_order);
  std::filesystem::create_directory(options.folder / segment_name(0x55));
  std::filesystem::create_symlink(only_segment(options.folder), options.folder / segment_name(0x56));
  {
    BlobStore store(options);
    EXPECT_EQ(count_right(store, 20), 20);
    EXPECT_EQ(store.figures().skipped_files, 6);
    store.put(key_of(99), blob_of(99));
    store.flush();
    EXPECT_EQ(store.get(key_of(99)), blob_of(99));
  }
  EXPECT_EQ(read_text(options.folder / segment_name(0x53)), later);
  EXPECT_EQ(read_text(options.folder / "notes.txt"), "mine");
  for (const char* said : {"notes.txt is no file of a store", "is no segment of a store", "under the name of",
                           "has version 9", "another byte order", "no regular file"})
    EXPECT_NE(heard.all().find(said), std::string::npos) << said << " in\n" << heard.all();
}

TEST(StoreDamage, AFolderInsideMayBeAnotherStores) {
  const TemporaryDirectory directory;
  Heard heard;
  const StoreOptions outer = small_store(directory / "store", &heard);
  const StoreOptions inner = small_store(directory / "store" / "answers", &heard);
  for (int start = 0; start < 2; ++start) {
    BlobStore one(outer);
    BlobStore other(inner);
    one.put(key_of(1), blob_of(1));
    other.put(key_of(2), blob_of(2));
    EXPECT_EQ(one.get(key_of(1)), blob_of(1));
    EXPECT_FALSE(one.contains(key_of(2)));
    EXPECT_EQ(other.get(key_of(2)), blob_of(2));
  }
  EXPECT_EQ(heard.all(), "");
}

// A child that ends with `action`'s answer.
pid_t start_child(const std::function<int()>& action) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(action());
  return child;
}

int answer_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct Progress {
  std::atomic<std::uint64_t> put{0};
  std::atomic<std::uint64_t> durable{0};
};

void kill_often(int kills, std::int64_t limit) {
  const TemporaryDirectory directory;
  StoreOptions options = small_store(directory / "store");
  options.limits.bytes = limit;
  void* memory = ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* progress = new (memory) Progress;
  std::mt19937_64 random(static_cast<std::uint64_t>(limit));
  const bool bounded = limit < (64 << 20);
  std::set<std::uint64_t> seen;
  for (int kill = 0; kill < kills; ++kill) {
    const std::uint64_t first = progress->put;
    const pid_t child = start_child([&] {
      BlobStore store(options);
      for (std::uint64_t number = first;; ++number) {
        store.put(key_of(number), blob_of(number, 20'000));
        progress->put = number + 1;
        if (number % 3 == 0) {
          store.flush();
          progress->durable = number + 1;
        }
      }
      return 0;
    });
    ::usleep(static_cast<useconds_t>(random() % 12'000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    BlobStore store(options);
    const std::uint64_t durable = progress->durable;
    for (std::uint64_t number = 0; number < progress->put; ++number) {
      // All since the kill before, and some of the older ones.
      if (number < first && random() % 16 != 0) continue;
      const auto blob = store.get(key_of(number));
      const bool flushed = number >= first ? number < durable : seen.contains(number);
      if (!bounded && flushed) {
        EXPECT_TRUE(blob.has_value()) << number << ", kill " << kill;
      }
      if (!blob) continue;
      EXPECT_EQ(*blob, blob_of(number, 20'000)) << number;
      seen.insert(number);
    }
    if (bounded) {
      EXPECT_LE(store.figures().bytes, limit);
    }
  }
  EXPECT_GT(progress->durable, 0U);
  ::munmap(memory, sizeof(Progress));
}

TEST(StoreDamage, KilledAt200PointsNothingDurableIsLost) { kill_often(200, std::int64_t{1} << 30); }
TEST(StoreDamage, KilledAt100PointsWhileBlobsMoveAndGo) { kill_often(100, std::int64_t{1} << 20); }

// Writes 600 blobs; 0: all that came back was right, something came back, and the store said what was refused.
int write_with_refusals(const StoreOptions& given, const char* said) {
  Heard heard;
  StoreOptions options = given;
  options.warn = heard.listener();
  std::int64_t refused = 0;
  for (int go = 0; go < 2; ++go) {
    BlobStore store(options);
    std::int64_t right = 0;
    for (std::uint64_t number = 0; number < 600; ++number) {
      if (go == 0) {
        store.put(key_of(number), blob_of(number, 20'000));
        store.flush();
      }
      const auto blob = store.get(key_of(number));
      if (blob && *blob != blob_of(number, 20'000)) return 1;
      right += blob ? 1 : 0;
    }
    if (right == 0) return 2;
    refused += store.figures().refused_writes + store.figures().evicted_segments;
  }
  return refused > 0 && heard.all().find(said) != std::string::npos ? 0 : 3;
}

TEST(StoreDamage, AFullDiskDropsBlobsAlone) {
  const TemporaryDirectory directory;
  if (::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=1500k") != 0)
    GTEST_SKIP() << "no file system may be mounted here";
  StoreOptions options = small_store(directory / "store");
  const int answer = write_with_refusals(options, "");  // the oldest segments make room
  ::umount2(directory.path().c_str(), MNT_DETACH);
  EXPECT_EQ(answer, 0);
}

TEST(StoreDamage, ShortWritesAreCutOffAgain) {
  const TemporaryDirectory directory;
  StoreOptions options = small_store(directory / "store");
  options.limits.segment_bytes = 256 << 10;
  EXPECT_EQ(answer_of(start_child([&] {
              ::signal(SIGXFSZ, SIG_IGN);
              const rlimit limit{.rlim_cur = 100'003, .rlim_max = 100'003};
              ::setrlimit(RLIMIT_FSIZE, &limit);
              return write_with_refusals(options, "cannot write");
            })),
            0);
}

TEST(StoreDamage, FreeSpaceIsLeftToOthers) {
  const TemporaryDirectory directory;
  StoreOptions options = small_store(directory / "store");
  options.limits.free_bytes = std::int64_t{1} << 60;
  BlobStore store(options);
  store.put(key_of(1), blob_of(1));
  store.flush();
  EXPECT_EQ(store.figures().blobs, 0);
  EXPECT_EQ(store.figures().dropped_puts, 1);
}

TEST(StoreDamage, AFolderWithoutPermissionIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  const TemporaryDirectory directory;
  fill(small_store(directory / "store"), 2);
  EXPECT_EQ(answer_of(start_child([&] {
              if (::setuid(65534) != 0) return 1;
              const std::string error = testing::error_of([&] { BlobStore(small_store(directory / "store")); });
              return error.find("Permission denied") != std::string::npos ? 0 : 2;
            })),
            0);
}

}  // namespace
}  // namespace fathom::store
