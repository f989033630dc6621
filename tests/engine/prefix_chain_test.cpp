#include "fathom/engine/prefix_chain.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <set>

#include "fathom/base/error.h"

namespace fathom {
namespace {

using Ids = std::vector<std::int32_t>;

Digest numerics(int number) { return Hasher().add(std::int64_t{number}).finish(); }

PrefixChain chain_of(const Ids& ids, const std::string& scope = "", int number = 1, std::int64_t page_tokens = 4) {
  PrefixChain chain(numerics(number), scope, page_tokens);
  chain.extend(ids, std::ssize(ids));
  return chain;
}

Ids counting(std::int32_t count) {
  Ids ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

TEST(PrefixChain, AKeyIsOfAllThatComesBefore) {
  const Ids ids = counting(18);
  const PrefixChain chain = chain_of(ids);
  ASSERT_EQ(chain.pages(), 4);
  EXPECT_EQ(chain_of(ids).page(3), chain.page(3));
  EXPECT_EQ(chain_of(ids).snapshot(ids), chain.snapshot(ids));
  for (std::size_t changed = 0; changed < ids.size(); ++changed) {
    Ids other = ids;
    other[changed] = 99;
    const PrefixChain parted = chain_of(other);
    EXPECT_NE(parted.snapshot(other), chain.snapshot(ids));
    for (std::int64_t page = 0; page < 4; ++page)
      EXPECT_EQ(parted.page(page) == chain.page(page), static_cast<std::int64_t>(changed) >= (page + 1) * 4) << changed;
  }
  EXPECT_NE(chain_of(ids, "u").page(0), chain.page(0)) << "another account";
  EXPECT_NE(chain_of(ids, "", 2).page(0), chain.page(0)) << "other numerics";
}

TEST(PrefixChain, EveryLengthHasItsOwnKey) {
  const Ids ids = counting(40);
  const PrefixChain chain = chain_of(ids);
  std::set<store::BlobKey> keys;
  for (std::int64_t page = 0; page < chain.pages(); ++page) keys.insert(chain.page(page));
  for (std::size_t length = 0; length <= ids.size(); ++length)
    keys.insert(chain.snapshot(std::span(ids).first(length)));
  EXPECT_EQ(keys.size(), 10U + 41U);
  const auto at_once = chain.snapshots(5, std::span(ids).subspan(20, 3));
  ASSERT_EQ(at_once.size(), 4U);
  for (std::size_t behind = 0; behind < 4; ++behind)
    EXPECT_EQ(at_once[behind], chain.snapshot(std::span(ids).first(20 + behind)));
}

TEST(PrefixChain, GrowsWithItsText) {
  const Ids ids = counting(40);
  PrefixChain chain(numerics(1), "", 4);
  chain.extend(std::span(ids).first(7), 10);
  EXPECT_EQ(chain.pages(), 1);
  EXPECT_THROW(chain.page(1), InternalError);
  chain.extend(ids, 6);
  EXPECT_EQ(chain.pages(), 6);
  chain.extend(ids, 100);
  EXPECT_EQ(chain.page(9), chain_of(ids).page(9));
}

}  // namespace
}  // namespace fathom
