#include "fathom/store/blob_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <future>
#include <map>

#include "tests/store/store_support.h"

namespace fathom::store {
namespace {

using testing::blob_of;
using testing::Heard;
using testing::key_of;
using testing::small_store;
using testing::TemporaryDirectory;

TEST(BlobStore, GivesBackWhatWasPutAlsoAfterARestart) {
  const TemporaryDirectory directory;
  for (int go = 0; go < 3; ++go) {
    BlobStore store(small_store(directory / "store"));
    for (std::uint64_t number = 0; number < 100; ++number) {
      if (go == 0) {
        EXPECT_TRUE(store.put(key_of(number), blob_of(number)));
      }
      EXPECT_EQ(store.get(key_of(number)), blob_of(number));
    }
    store.flush();
    EXPECT_FALSE(store.get(key_of(1000)));
    EXPECT_EQ(store.figures().blobs, 100);
  }
}

TEST(BlobStore, WritesNothingThatIsThere) {
  const TemporaryDirectory directory;
  BlobStore store(small_store(directory / "store"));
  store.put(key_of(1), blob_of(1));
  store.flush();
  const std::int64_t written = store.figures().written_bytes;
  EXPECT_TRUE(store.put(key_of(1), blob_of(1)));
  store.flush();
  EXPECT_EQ(store.figures().written_bytes, written);
}

TEST(BlobStore, ReadsAheadAndAnswersEveryWish) {
  const TemporaryDirectory directory;
  BlobStore store(small_store(directory / "store"));
  store.put(key_of(1), blob_of(1));
  store.flush();
  std::promise<std::optional<BlobStore::Blob>> there;
  std::promise<std::optional<BlobStore::Blob>> not_there;
  store.read_ahead(key_of(1), [&](std::optional<BlobStore::Blob> blob) { there.set_value(std::move(blob)); });
  store.read_ahead(key_of(2), [&](std::optional<BlobStore::Blob> blob) { not_there.set_value(std::move(blob)); });
  EXPECT_EQ(there.get_future().get(), blob_of(1));
  EXPECT_FALSE(not_there.get_future().get());
}

TEST(BlobStore, ErasedStaysErased) {
  const TemporaryDirectory directory;
  {
    BlobStore store(small_store(directory / "store"));
    for (std::uint64_t number = 0; number < 50; ++number) store.put(key_of(number), blob_of(number));
    store.flush();
    store.erase(key_of(7));
    store.flush();
    EXPECT_FALSE(store.contains(key_of(7)));
    store.put(key_of(60), blob_of(60));
    store.erase(key_of(60));
  }
  BlobStore store(small_store(directory / "store"));
  EXPECT_FALSE(store.contains(key_of(7)));
  EXPECT_FALSE(store.contains(key_of(60)));
  EXPECT_EQ(store.get(key_of(8)), blob_of(8));
  EXPECT_EQ(store.figures().blobs, 49);
}

TEST(BlobStore, AFullQueueDropsAndCounts) {
  const TemporaryDirectory directory;
  StoreOptions options = small_store(directory / "store");
  options.limits.queue_bytes = 100;
  BlobStore store(options);
  EXPECT_FALSE(store.put(key_of(1), BlobStore::Blob(101)));
  EXPECT_EQ(store.figures().dropped_puts, 1);
  EXPECT_FALSE(store.contains(key_of(1)));
}

TEST(BlobStore, SaysWhetherItWouldTakeABlob) {
  const TemporaryDirectory directory;
  StoreOptions options = small_store(directory / "store");
  options.limits.queue_bytes = 1000;
  {
    const BlobStore store(options);
    EXPECT_TRUE(store.takes(1000));
    EXPECT_FALSE(store.takes(1001));
  }
  options.limits.bytes_a_day = 1;
  options.limits.pause = std::chrono::hours(1);
  BlobStore store(options);
  EXPECT_TRUE(store.takes(100));
  store.put(key_of(1), BlobStore::Blob(100));
  store.flush();
  EXPECT_FALSE(store.takes(1)) << "the day's volume is spent";
  EXPECT_FALSE(store.renew(key_of(1)));
}

// Under a limit, what is renewed stays and what is not goes.
TEST(BlobStore, RenewedBlobsStay) {
  const TemporaryDirectory directory;
  StoreOptions options = small_store(directory / "store");
  options.limits.bytes = 1 << 20;
  BlobStore store(options);
  for (std::uint64_t number = 0; number < 400; ++number) {
    store.put(key_of(number), BlobStore::Blob(10'000));
    store.flush();
    EXPECT_TRUE(number < 1 || store.renew(key_of(0))) << number;
  }
  EXPECT_FALSE(store.contains(key_of(1)));
  EXPECT_GT(store.figures().evicted_blobs, 0);
}

TEST(BlobStore, SecondOwnerIsRefusedAndFilesArePrivate) {
  const TemporaryDirectory directory;
  BlobStore store(small_store(directory / "store"));
  store.put(key_of(1), blob_of(1));
  store.flush();
  EXPECT_NE(testing::error_of([&] { BlobStore(small_store(directory / "store")); }).find("in use by another process"),
            std::string::npos);
  struct stat status {};
  ASSERT_EQ(::stat((directory / "store").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  for (const auto& entry : std::filesystem::directory_iterator(directory / "store")) {
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << entry.path();
  }
}

TEST(BlobStore, TheDaysBudgetHoldsAcrossRestarts) {
  const TemporaryDirectory directory;
  Heard heard;
  std::atomic<std::int64_t> now{1'000'000};
  StoreOptions options = small_store(directory / "store", &heard);
  options.limits.bytes_a_day = 200'000;
  options.now = [&now] { return now.load(); };
  std::uint64_t number = 0;
  for (int go = 0; go < 4; ++go) {
    BlobStore store(options);
    for (int more = 0; more < 60; ++more) store.put(key_of(++number), BlobStore::Blob(2000));
    store.flush();
    EXPECT_LE(store.figures().written_today, 210'000);
    EXPECT_EQ(store.figures().dropped_puts > 0, go > 0);
  }
  EXPECT_NE(heard.all().find("no more until midnight"), std::string::npos);
  now += 86'400;
  BlobStore store(options);
  store.put(key_of(++number), BlobStore::Blob(2000));
  store.flush();
  EXPECT_EQ(store.get(key_of(number)), BlobStore::Blob(2000));
}

TEST(BlobStore, RemovedFolderIsNoHarm) {
  const TemporaryDirectory directory;
  Heard heard;
  BlobStore store(small_store(directory / "store", &heard));
  for (std::uint64_t number = 0; number < 100; ++number) store.put(key_of(number), blob_of(number));
  store.flush();
  std::filesystem::remove_all(directory / "store");
  for (std::uint64_t number = 0; number < 100; ++number) EXPECT_FALSE(store.get(key_of(number)));
  for (std::uint64_t number = 0; number < 100; ++number) store.put(key_of(200 + number), blob_of(number));
  store.flush();
  EXPECT_EQ(store.figures().blobs, 0);
  EXPECT_NE(heard.all().find("is gone"), std::string::npos);
}

// Any order of operations against a map: what comes back is right, what was erased does not, and space is bounded.
TEST(BlobStore, AgreesWithAMapForRandomOperations) {
  for (const bool tight : {false, true}) {
    const TemporaryDirectory directory;
    StoreOptions options = small_store(directory / "store");
    if (tight) options.limits.bytes = 256 << 10;
    options.limits.segment_bytes = 32 << 10;
    auto store = std::make_unique<BlobStore>(options);
    std::mt19937_64 random(tight ? 1 : 2);
    std::map<std::uint64_t, bool> there;
    for (int step = 0; step < 6000; ++step) {
      const std::uint64_t number = random() % 400;
      const std::uint64_t what = random() % 100;
      if (what < 50) {
        if (store->put(key_of(number), blob_of(number))) there[number] = true;
      } else if (what < 60) {
        store->erase(key_of(number));
        there[number] = false;
      } else if (what < 97) {
        const auto blob = store->get(key_of(number));
        if (blob) {
          EXPECT_EQ(*blob, blob_of(number));
          EXPECT_TRUE(there[number]);
        } else if (!tight) {
          EXPECT_FALSE(there[number]);
        }
      } else if (what < 99) {
        store->flush();
        EXPECT_LE(store->figures().bytes, options.limits.bytes);
      } else {
        store.reset();
        std::int64_t bytes = 0;
        for (const auto& entry : std::filesystem::directory_iterator(directory / "store"))
          bytes += static_cast<std::int64_t>(entry.file_size());
        EXPECT_LE(bytes, options.limits.bytes + 4096);
        store = std::make_unique<BlobStore>(options);
      }
    }
    EXPECT_EQ(store->figures().damaged, 0);
    EXPECT_EQ(store->figures().refused_writes, 0);
  }
}

}  // namespace
}  // namespace fathom::store
