#include "fathom/tensor/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

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

// Places without memory behind them: large ones cost nothing.
class Places final : public Allocator {
 public:
  std::byte* allocate(std::int64_t bytes) override {
    ++allocations_;
    live_ += bytes;
    return std::exchange(next_, next_ + bytes);
  }
  void release(std::byte* /*data*/, std::int64_t bytes) noexcept override { live_ -= bytes; }

  int allocations() const { return allocations_; }
  std::int64_t live() const { return live_; }

 private:
  std::byte* next_ = reinterpret_cast<std::byte*>(std::uintptr_t{64});
  std::int64_t live_ = 0;
  int allocations_ = 0;
};

TEST(Arena, ALargeStepThatGrowsALittleTakesALittleMore) {
  constexpr std::int64_t kPiece = std::int64_t{300} << 20;
  Places places;
  Arena arena(places);
  for (const int pieces : {4, 5}) {
    const Arena::Scope scope(arena);
    for (int piece = 0; piece < pieces; ++piece) (void)arena.take<std::byte, 1>({kPiece});
    EXPECT_LE(arena.bytes(), pieces * kPiece + (64 << 20));
  }
  const Arena::Scope scope(arena);
  for (int piece = 0; piece < 100; ++piece) (void)arena.take<std::byte, 1>({kPiece / 20});
  EXPECT_LE(arena.bytes(), 5 * kPiece + (64 << 20)) << "small pieces lie where large ones did";
}

TEST(Arena, StepsThatDoubleLeaveLittleBehind) {
  Places places;
  Arena arena(places);
  const auto step = [&](std::int64_t bytes) {
    const Arena::Scope scope(arena);
    for (int piece = 0; piece < 3; ++piece) (void)arena.take<std::byte, 1>({bytes});
  };
  std::int64_t bytes = 0;
  for (bytes = std::int64_t{16} << 20; bytes <= std::int64_t{1} << 30; bytes *= 2) step(bytes);
  bytes /= 2;
  step(bytes);
  EXPECT_LE(places.live(), 3 * bytes / 4 * 5) << "of the largest step; all of them took twice that";
  const int allocations = places.allocations();
  for (const std::int64_t some : {bytes, bytes / 3, std::int64_t{5}, bytes}) step(some);
  EXPECT_EQ(places.allocations(), allocations) << "and all others lie in it";
}

TEST(Arena, StepsThatGrowByLittleDoNotMoveEachTime) {
  Places places;
  Arena arena(places);
  for (std::int64_t bytes = std::int64_t{500} << 20; bytes < std::int64_t{600} << 20; bytes += 64 << 10) {
    const Arena::Scope scope(arena);
    (void)arena.take<std::byte, 1>({bytes});
    (void)arena.take<std::byte, 1>({bytes / 2});
  }
  EXPECT_LE(places.allocations(), 30) << "of 1,600 steps";
}

TEST(Arena, NothingIsAPlaceToo) {
  Arena arena(host_allocator());
  EXPECT_NE((arena.take<float, 2>({0, 5}).data()), nullptr);
  EXPECT_THROW((arena.take<float, 1>({-1})), InternalError);
}

}  // namespace
}  // namespace fathom
