#include "fathom/tensor/arena.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fathom {
namespace {

TEST(Arena, StretchesDoNotOverlapAndAreAligned) {
  Arena arena(host_allocator());
  std::vector<std::span<std::byte>> taken;
  for (std::int64_t size = 1; size < 3'000'000; size = size * 3 + 1)
    taken.push_back(arena.take<std::byte, 1>({size}).span());
  for (std::size_t index = 0; index < taken.size(); ++index) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(taken[index].data()) % 64, 0U);
    std::fill(taken[index].begin(), taken[index].end(), std::byte(static_cast<std::uint8_t>(index)));
  }
  for (std::size_t index = 0; index < taken.size(); ++index)
    EXPECT_EQ(std::count(taken[index].begin(), taken[index].end(), std::byte(static_cast<std::uint8_t>(index))),
              std::ssize(taken[index]));
}

TEST(Arena, AScopeGivesBackWhatCameAfterIt) {
  Arena arena(host_allocator());
  float* kept = arena.take<float, 1>({10}).data();
  kept[9] = 4.0F;
  float* first = nullptr;
  for (int round = 0; round < 100; ++round) {
    const Arena::Scope scope(arena);
    float* mine = arena.take<float, 2>({300, 1000}).data();
    if (round == 0) first = mine;
    EXPECT_EQ(mine, first) << "no step but the first allocates";
    const Arena::Scope inner(arena);
    EXPECT_NE((arena.take<float, 1>({1}).data()), mine);
  }
  EXPECT_EQ(kept[9], 4.0F);
}

TEST(Arena, HoldsNoMoreThanSeveralTimesTheNeed) {
  Arena arena(host_allocator());
  for (int round = 0; round < 50; ++round) {
    const Arena::Scope scope(arena);
    for (int piece = 0; piece < 40; ++piece) (void)arena.take<std::byte, 1>({100'000});
  }
  EXPECT_LE(arena.bytes(), 4 * 40 * 100'000 + (1 << 20));
}

TEST(Arena, NothingIsAPlaceToo) {
  Arena arena(host_allocator());
  EXPECT_NE((arena.take<float, 2>({0, 5}).data()), nullptr);
  EXPECT_THROW((arena.take<float, 1>({-1})), InternalError);
}

}  // namespace
}  // namespace fathom
