#include "fathom/engine/prefix_disk.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/engine/prefix_blob.h"
#include "tests/store/store_support.h"

namespace fathom::testing {
namespace {

using namespace std::chrono_literals;
using Ids = std::vector<std::int32_t>;

// Pages of four ids; their contents say which they are.
class PrefixDiskTest : public ::testing::Test {
 protected:
  PrefixDiskTest() {
    layout_.page_tokens = 4;
    layout_.page_bytes = 64;
    layout_.state_bytes = 256;
  }
  static Memory filled(std::int64_t bytes, std::int32_t value) {
    Memory memory(host_allocator(), bytes);
    std::fill_n(memory.data(), bytes, static_cast<std::byte>(value));
    return memory;
  }
  PrefixDisk disk(const std::string& identity = "one") {
    return {{.store = store_, .identity = identity, .warn = heard_.listener()}, layout_, backend_};
  }
  // A text of these ids was read; its pages hold their first id, its state the last.
  void leave(PrefixDisk& disk, const Ids& ids, const std::string& scope = "", bool with_pages = true) {
    PrefixChain chain = disk.chain(scope);
    chain.extend(ids, std::ssize(ids));
    for (std::int64_t page = 0; page < chain.pages() && with_pages; ++page)
      disk.put_page(chain, ids, page,
                    std::make_shared<const Memory>(filled(64, ids[static_cast<std::size_t>(page * 4)])));
    CacheSnapshot snapshot{
        .tokens = std::ssize(ids), .mtp_tokens = 0, .state = filled(256, ids.back()), .partial_page = nullptr};
    if (ids.size() % 4 > 0) snapshot.partial_page = std::make_shared<Memory>(filled(64, 7));
    disk.put_snapshot(chain, ids, snapshot);
  }
  std::int64_t found(const PrefixDisk& disk, const Ids& ids, std::int64_t least = 1, const std::string& scope = "") {
    PrefixChain chain = disk.chain(scope);
    return disk.deepest(chain, ids, least, std::ssize(ids));
  }
  std::unique_ptr<PrefixLoad> loaded(PrefixDisk& disk, const Ids& ids, std::int64_t first_page,
                                     PrefixLoad::State expected) {
    PrefixChain chain = disk.chain("");
    chain.extend(ids, std::ssize(ids));
    auto load = disk.load(chain, ids, first_page);
    PrefixLoad::State state = load->advance(1);
    for (; state == PrefixLoad::State::reading; state = load->advance(1)) disk.wait_for_blobs(2ms);
    EXPECT_EQ(state, expected);
    return load;
  }

  const TemporaryDirectory directory_;
  Heard heard_;
  std::shared_ptr<store::BlobStore> store_ =
      std::make_shared<store::BlobStore>(small_store(directory_ / "store", &heard_));
  CpuBackend backend_{{.threads = 1}};
  CacheLayout layout_;
};

TEST_F(PrefixDiskTest, TheDeepestSnapshotWithItsPagesIsFound) {
  PrefixDisk one = disk();
  leave(one, {1, 2, 3, 4, 5, 6});
  leave(one, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_EQ(found(one, {1, 2, 3, 4, 5, 6, 7}), 6);
  EXPECT_EQ(found(one, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), 9);
  EXPECT_EQ(found(one, {1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0}), 6) << "behind it a page without a snapshot";
  EXPECT_EQ(found(one, {1, 2, 3, 4, 5, 6, 7}, 7), 0) << "too short";
  EXPECT_EQ(found(one, {1, 2, 3, 4, 5}), 0);
  EXPECT_EQ(found(one, {1, 2, 3, 4, 5, 6, 7}, 1, "x"), 0) << "another account";
  EXPECT_EQ(found(disk("two"), {1, 2, 3, 4, 5, 6, 7}), 0) << "another model";
  EXPECT_EQ(found(disk(), {1, 2, 3, 4, 5, 6, 7}), 6);
  leave(one, {9, 8, 7, 6, 5}, "", false);
  EXPECT_EQ(found(one, {9, 8, 7, 6, 5}), 0) << "its page is not there";
}

// Against a plain list of what was left.
TEST_F(PrefixDiskTest, RandomTextsAreFoundAsInAList) {
  std::mt19937_64 random(5);
  const auto text = [&] {
    Ids ids(1 + random() % 14);
    for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random() % 2);
    return ids;
  };
  PrefixDisk one = disk();
  std::vector<Ids> list;
  for (int round = 0; round < 400; ++round) {
    const Ids ids = text();
    std::int64_t expected = 0;
    for (const Ids& left : list)
      if (left.size() <= ids.size() && std::equal(left.begin(), left.end(), ids.begin()))
        expected = std::max(expected, std::ssize(left));
    ASSERT_EQ(found(one, ids), expected);
    list.push_back(text());
    leave(one, list.back());
  }
}

TEST_F(PrefixDiskTest, WhatWasPutIsLoaded) {
  PrefixDisk one = disk();
  const Ids ids = {11, 2, 3, 4, 15, 6, 7, 8, 19, 10};
  leave(one, ids);
  for (std::int64_t first = 0; first < 3; ++first) {
    const auto load = loaded(one, ids, first, PrefixLoad::State::whole);
    EXPECT_EQ(load->bytes(), 256 + (2 - first) * 64 + 64);
    ASSERT_EQ(std::ssize(load->pages()), 2 - first);
    if (first < 2) {
      EXPECT_EQ(*load->pages().back()->data(), std::byte{15});
    }
    const CacheSnapshot snapshot = load->take_snapshot();
    EXPECT_EQ(snapshot.tokens, 10);
    EXPECT_EQ(*snapshot.state.data(), std::byte{10});
    EXPECT_EQ(*snapshot.partial_page->data(), std::byte{7});
  }
  EXPECT_EQ(heard_.all(), "");
}

TEST_F(PrefixDiskTest, WhatIsThereIsNotWrittenAgain) {
  PrefixDisk one = disk();
  leave(one, {1, 2, 3, 4, 5});
  store_->flush();
  const std::int64_t written = store_->figures().written_bytes;
  leave(one, {1, 2, 3, 4, 5});
  store_->flush();
  EXPECT_EQ(store_->figures().written_bytes, written);
  EXPECT_EQ(one.dropped(), 0);
}

TEST_F(PrefixDiskTest, WhatTheStoreCannotTakeIsDroppedAndCounted) {
  store::StoreOptions options = small_store(directory_ / "other");
  options.limits.queue_bytes = 100;
  store_ = std::make_shared<store::BlobStore>(options);
  PrefixDisk one = disk();
  leave(one, {1, 2, 3, 4, 5});
  EXPECT_EQ(one.dropped(), 2);
  EXPECT_EQ(found(one, {1, 2, 3, 4, 5}), 0);
}

// Under the right keys, the wrong bytes: each is told, goes, and is never taken.
TEST_F(PrefixDiskTest, WrongBlobsAreLeftOut) {
  PrefixDisk one = disk();
  const Ids ids = {1, 2, 3, 4, 5, 6};
  PrefixChain chain = one.chain("");
  chain.extend(ids, 1);
  for (const store::BlobKey& wrong : {chain.page(0), chain.snapshot(ids)}) {
    leave(one, ids);
    store_->erase(wrong);
    store_->put(wrong, store::BlobStore::Blob(300, std::byte{1}));
    ASSERT_EQ(found(one, ids), 6);
    loaded(one, ids, 0, PrefixLoad::State::failed);
    EXPECT_FALSE(store_->contains(wrong));
    EXPECT_EQ(found(one, ids), 0);
  }
  EXPECT_NE(heard_.all().find("[prefix] a blob on disk is left out: no blob of a prefix cache"), std::string::npos)
      << heard_.all();
}

}  // namespace
}  // namespace fathom::testing
