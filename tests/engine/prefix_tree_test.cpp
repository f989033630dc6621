#include "fathom/engine/prefix_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/model/small_model.h"

namespace fathom::testing {
namespace {

using Ids = std::vector<std::int32_t>;

// Pages of four ids, so that short texts make deep trees; their contents do not matter here.
class PrefixTreeTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kPageTokens = 4;
  PrefixTreeTest() {
    layout_.page_tokens = kPageTokens;
    layout_.page_bytes = 64;
    layout_.state_bytes = 256;
  }
  SequenceCache cache(std::int64_t tokens) {
    SequenceCache made(layout_, host_allocator());
    made.reserve(tokens);
    made.set_tokens(tokens);
    return made;
  }
  // A sequence that read these ids and is gone.
  void leave(const std::string& scope, const Ids& ids) {
    SequenceCache left = cache(std::ssize(ids));
    PrefixTree::Pin pin;
    tree_.share(pin, scope, ids, left);
    tree_.keep(pin, ids, [&] { return left.retire(); });
  }
  std::int64_t found(const std::string& scope, const Ids& ids) {
    return tree_.find(scope, ids, std::ssize(ids)).claim.tokens();
  }

  CacheLayout layout_;
  PrefixTree tree_{kPageTokens, 64};
};

TEST_F(PrefixTreeTest, TheDeepestSnapshotThatIsAPrefixIsFound) {
  leave("", {1, 2, 3, 4, 5, 6});
  leave("", {1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_EQ(found("", {1, 2, 3, 4, 5, 6, 7}), 6);
  EXPECT_EQ(found("", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), 9);
  EXPECT_EQ(found("", {1, 2, 3, 4, 5}), 0);
  EXPECT_EQ(found("x", {1, 2, 3, 4, 5, 6, 7}), 0) << "another scope";
  EXPECT_EQ(tree_.find("", Ids{1, 2, 3, 4, 5, 6}, 5).claim.tokens(), 0) << "longer than it may be";
  EXPECT_EQ(tree_.find("", Ids{1, 2, 3, 4, 5, 0}, 6).common, 5);
  EXPECT_EQ(tree_.find("", Ids{1, 2, 3, 4, 5, 6, 7, 0}, 8).common, 7) << "in the middle of a block";
}

TEST_F(PrefixTreeTest, PagesOfACommonBeginningAreCountedOnce) {
  const Ids beginning = {1, 2, 3, 4, 5, 6, 7, 8};
  leave("", beginning);
  EXPECT_EQ(tree_.bytes(), 2 * 64 + 256);
  Ids longer = beginning;
  longer.push_back(9);
  leave("", longer);
  EXPECT_EQ(tree_.bytes(), 2 * 64 + 2 * 256 + 64) << "one more state and its page in part";
  leave("other", beginning);
  EXPECT_EQ(tree_.bytes(), 4 * 64 + 3 * 256 + 64) << "nothing is shared between scopes";
}

TEST_F(PrefixTreeTest, WhatRunsIsNotGivenUp) {
  leave("", {1, 2, 3, 4, 5, 6, 7, 8});
  {
    const auto held = tree_.find("", Ids{1, 2, 3, 4, 5, 6, 7, 8, 9}, 8);
    EXPECT_EQ(tree_.spare_bytes(), 0);
    tree_.release(1 << 20);
    EXPECT_EQ(held.claim.tokens(), 8);
  }
  PrefixTree::Pin pin;
  SequenceCache running = cache(8);
  tree_.share(pin, "", Ids{1, 2, 3, 4, 5, 6, 7, 8}, running);
  EXPECT_EQ(tree_.spare_bytes(), 256) << "the snapshot, not the pages";
  tree_.release(1 << 20);
  EXPECT_EQ(tree_.bytes(), 2 * 64);
  pin.drop();
  EXPECT_EQ(tree_.bytes(), 0);
}

TEST_F(PrefixTreeTest, TheLeastWorthAByteGoesFirst) {
  leave("", Ids(40, 1));
  leave("", {2, 2, 2, 2});
  leave("", {3, 3, 3, 3});
  for (int use = 0; use < 3; ++use) leave("", {3, 3, 3, 3});
  tree_.release(1);
  EXPECT_EQ(found("", {2, 2, 2, 2}), 0) << "short and used once";
  EXPECT_EQ(found("", {3, 3, 3, 3}), 4);
  EXPECT_EQ(found("", Ids(40, 1)), 40);
  EXPECT_EQ(tree_.figures().evictions, 1);
}

// From elsewhere: as if a sequence had left it, and nothing where its first pages have gone.
TEST_F(PrefixTreeTest, AdoptsWhatComesFromElsewhere) {
  const auto adopt = [&](const Ids& ids, std::int64_t first_page) {
    const SequenceCache elsewhere = cache(std::ssize(ids));
    std::vector<SharedPage> pages;
    for (std::int64_t index = first_page; index < std::ssize(ids) / kPageTokens; ++index)
      pages.push_back(elsewhere.page(index));
    return tree_.adopt("", ids, first_page, pages, [&] { return cache(std::ssize(ids)).retire(); });
  };
  const Ids ids = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_EQ(tree_.pages("", ids), 0);
  EXPECT_FALSE(adopt(ids, 1));
  EXPECT_EQ(tree_.bytes(), 0);
  EXPECT_TRUE(adopt({1, 2, 3, 4, 5}, 0));
  EXPECT_EQ(tree_.pages("", ids), 1);
  EXPECT_TRUE(adopt(ids, 1));
  EXPECT_EQ(tree_.pages("", ids), 2);
  EXPECT_EQ(found("", {1, 2, 3, 4, 5, 6, 7, 8, 9, 1}), 9);
  EXPECT_EQ(tree_.bytes(), 2 * 64 + 2 * (256 + 64));
  EXPECT_TRUE(adopt(ids, 0)) << "it is there, and stays as it is";
  EXPECT_EQ(tree_.bytes(), 2 * 64 + 2 * (256 + 64));
  tree_.release(1 << 20);
  EXPECT_EQ(tree_.bytes(), 0);
}

// Against a plain list of what was left.
TEST_F(PrefixTreeTest, RandomTextsAreFoundAsInAList) {
  std::mt19937_64 random(5);
  const auto text = [&] {
    Ids ids(1 + random() % 14);
    for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random() % 2);
    return ids;
  };
  std::vector<Ids> list;
  for (int round = 0; round < 3000; ++round) {
    const Ids ids = text();
    std::int64_t expected = 0;
    std::int64_t common = 0;
    for (const Ids& left : list) {
      const auto length = std::min(left.size(), ids.size());
      const auto same = std::mismatch(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(length), left.begin());
      common = std::max<std::int64_t>(common, same.first - ids.begin());
      if (same.second == left.end()) expected = std::max(expected, std::ssize(left));
    }
    ASSERT_EQ(found("", ids), expected);
    ASSERT_EQ(tree_.find("", ids, std::ssize(ids)).common, common);
    const Ids left = text();
    leave("", left);
    list.push_back(left);
    if (round % 100 == 99) {
      tree_.release(tree_.bytes());
      ASSERT_EQ(tree_.bytes(), 0);
      ASSERT_EQ(tree_.figures().snapshots, 0);
      list.clear();
    }
  }
}

}  // namespace
}  // namespace fathom::testing
