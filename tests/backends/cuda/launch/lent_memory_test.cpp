#include "fathom/backends/cuda/launch/lent_memory.h"

#include <gtest/gtest.h>

#include <set>

#include "fathom/backends/cuda/launch/expert_store.h"
#include "fathom/base/error.h"

namespace fathom::cuda {
namespace {

using Owner = LentMemory::Owner;

class LentMemoryTest : public ::testing::Test {
 protected:
  LentMemory lent_{host_allocator(), 3};
  ExpertTable one_;
  ExpertTable two_;
};

TEST_F(LentMemoryTest, PlacesAreApartAndRunOut) {
  EXPECT_EQ(lent_.take({&one_, 0}, 60), nullptr) << "nothing was lent";
  EXPECT_EQ(lent_.block_bytes(1000), 3 * 1024);
  lent_.add_block(1000);
  lent_.add_block(1000);
  EXPECT_EQ(lent_.bytes(), 2 * 3 * 1024);
  std::set<const std::byte*> places;
  for (std::int64_t expert = 0; expert < 6; ++expert) places.insert(lent_.take({&one_, expert}, 60));
  EXPECT_EQ(places.size(), 6U);
  const std::byte* before = nullptr;
  for (const std::byte* place : places) {
    ASSERT_NE(place, nullptr);
    EXPECT_TRUE(before == nullptr || place - before >= 1000);
    before = place;
  }
  EXPECT_EQ(lent_.free_places(), 0);
  EXPECT_EQ(lent_.take({&one_, 6}, 60), nullptr);
}

TEST_F(LentMemoryTest, WhatIsGivenIsTakenAgainAndOnlyOnce) {
  lent_.add_block(64);
  std::byte* place = lent_.take({&one_, 0}, 60);
  std::byte* other = lent_.take({&two_, 0}, 60);
  lent_.give(place);
  EXPECT_THROW(lent_.give(place), InternalError);
  EXPECT_THROW(lent_.give(other + 1), InternalError);
  EXPECT_THROW(lent_.give(reinterpret_cast<const std::byte*>(&one_)), InternalError);
  EXPECT_EQ(lent_.free_places(), 2);
  EXPECT_EQ(lent_.take({&two_, 1}, 60), place);
  EXPECT_TRUE(lent_.fits(200));  // 256 as well
  EXPECT_FALSE(lent_.fits(512));
  EXPECT_THROW(lent_.add_block(512), InternalError) << "places of one size";
  EXPECT_THROW((void)lent_.take({&two_, 2}, 257), InternalError);
}

TEST_F(LentMemoryTest, ABlockThatGoesNamesItsOwners) {
  lent_.add_block(64);
  lent_.add_block(64);
  for (std::int64_t expert = 0; expert < 5; ++expert) (void)lent_.take({&one_, expert}, 60);
  EXPECT_EQ(lent_.owners_of_last_block(), (std::vector<Owner>{{&one_, 3}, {&one_, 4}}));
  lent_.drop_block();
  EXPECT_EQ(lent_.free_places(), 0);
  EXPECT_EQ(lent_.places(), 3);
  EXPECT_EQ(lent_.owners_of_last_block().size(), 3U);
  lent_.drop_block();
  EXPECT_EQ(lent_.bytes(), 0);
  EXPECT_EQ(lent_.taken(), 0);
  EXPECT_EQ(lent_.dropped(), 2);
  EXPECT_TRUE(lent_.owners_of_last_block().empty());
  EXPECT_THROW(lent_.drop_block(), InternalError);
}

TEST_F(LentMemoryTest, ATablesPlacesAreForgottenTogether) {
  lent_.add_block(64);
  (void)lent_.take({&one_, 0}, 60);
  (void)lent_.take({&two_, 0}, 60);
  (void)lent_.take({&one_, 1}, 60);
  lent_.forget(&one_);
  EXPECT_EQ(lent_.free_places(), 2);
  EXPECT_EQ(lent_.owners_of_last_block(), (std::vector<Owner>{{&two_, 0}}));
}

}  // namespace
}  // namespace fathom::cuda
