#include "fathom/engine/prefix_blob.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/base/error.h"
#include "tests/model/small_model.h"

namespace fathom::testing {
namespace {

using prefix_blob::Blob;

class PrefixBlobTest : public ::testing::Test {
 protected:
  Memory random_memory(std::int64_t bytes) {
    Memory memory(host_allocator(), bytes);
    for (std::int64_t place = 0; place < bytes; ++place) memory.data()[place] = static_cast<std::byte>(random_());
    return memory;
  }
  CacheSnapshot snapshot(std::int64_t tokens) {
    CacheSnapshot made{.tokens = tokens,
                       .mtp_tokens = tokens / 2,
                       .state = random_memory(layout_.state_bytes),
                       .partial_page = nullptr};
    if (tokens % layout_.page_tokens > 0)
      made.partial_page = std::make_shared<Memory>(random_memory(layout_.page_bytes));
    return made;
  }
  static bool same(const Memory& one, const Memory& other) {
    return one.bytes() == other.bytes() &&
           std::memcmp(one.data(), other.data(), static_cast<std::size_t>(one.bytes())) == 0;
  }
  std::vector<std::int32_t> ids(std::int64_t count) {
    std::vector<std::int32_t> made;
    while (std::ssize(made) < count) made.push_back(static_cast<std::int32_t>(random_() % 57));
    return made;
  }

  std::mt19937_64 random_{3};
  CpuBackend backend_{{.threads = 1}};
  const CacheLayout layout_ = make_cache_layout(small_config(), CacheStorage::released, 1);
};

TEST_F(PrefixBlobTest, PagesAndSnapshotsComeBackBitForBit) {
  const auto block = ids(layout_.page_tokens);
  const Memory page = random_memory(layout_.page_bytes);
  const Blob stored = prefix_blob::of_page(block, page, backend_);
  EXPECT_EQ(std::ssize(stored), prefix_blob::page_bytes(layout_));
  EXPECT_EQ(prefix_blob::page_fault(stored, block, layout_), "");
  EXPECT_TRUE(same(*prefix_blob::page(stored, layout_, backend_), page));

  for (const std::int64_t tokens : {std::int64_t{1}, layout_.page_tokens, 2 * layout_.page_tokens + 5}) {
    const auto text = ids(tokens);
    const CacheSnapshot taken = snapshot(tokens);
    const Blob blob = prefix_blob::of_snapshot(text, taken, layout_, backend_);
    EXPECT_EQ(std::ssize(blob), prefix_blob::snapshot_bytes(tokens, layout_));
    EXPECT_EQ(prefix_blob::snapshot_fault(blob, text, layout_), "");
    const CacheSnapshot found = prefix_blob::snapshot(blob, layout_, backend_);
    EXPECT_EQ(found.tokens, tokens);
    EXPECT_EQ(found.mtp_tokens, tokens / 2);
    EXPECT_TRUE(same(found.state, taken.state));
    ASSERT_EQ(found.partial_page != nullptr, taken.partial_page != nullptr);
    if (taken.partial_page) {
      EXPECT_TRUE(same(*found.partial_page, *taken.partial_page));
    }
  }
}

TEST_F(PrefixBlobTest, WhatIsNotOfThisLayoutAndTextIsRefused) {
  const auto text = ids(layout_.page_tokens + 5);
  const auto block = std::span(text).first(static_cast<std::size_t>(layout_.page_tokens));
  const Blob page = prefix_blob::of_page(block, random_memory(layout_.page_bytes), backend_);
  const Blob state = prefix_blob::of_snapshot(text, snapshot(std::ssize(text)), layout_, backend_);
  const auto fault = [&](const Blob& blob) { return prefix_blob::snapshot_fault(blob, text, layout_); };

  // Every byte before the contents counts, and every length.
  for (std::size_t place = 0; place < 64 + 5 * sizeof(std::int32_t); ++place) {
    Blob changed = state;
    changed[place] ^= std::byte{0x40};
    const bool drafted = place >= 24 && place < 32;  // a number that a snapshot brings along
    if (!drafted) {
      EXPECT_NE(fault(changed), "") << place;
    }
    Blob cut = state;
    cut.resize(place);
    EXPECT_NE(fault(cut), "") << place;
  }
  Blob longer = state;
  longer.push_back({});
  EXPECT_NE(fault(longer), "");
  EXPECT_NE(fault(page), "") << "a page is no snapshot";
  EXPECT_NE(prefix_blob::page_fault(state, block, layout_), "");
  auto other = text;
  other.back() ^= 1;
  EXPECT_EQ(prefix_blob::snapshot_fault(state, other, layout_), "the tokens of another text");
  other.pop_back();
  EXPECT_NE(prefix_blob::snapshot_fault(state, other, layout_), "");

  const CacheLayout wider = make_cache_layout(small_config(), CacheStorage::released, 2);
  EXPECT_NE(prefix_blob::snapshot_fault(state, text, wider), "");
  const CacheLayout plain = make_cache_layout(small_config(), CacheStorage::float32, 1);
  EXPECT_NE(prefix_blob::page_fault(page, block, plain), "");

  Blob drafted = state;
  drafted[31] = std::byte{0x80};  // below zero
  EXPECT_NE(fault(drafted), "");
  EXPECT_THROW(prefix_blob::page(Blob(10), layout_, backend_), InternalError);
}

}  // namespace
}  // namespace fathom::testing
