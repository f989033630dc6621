#include "fathom/backends/cuda/choose/expert_placement.h"

#include <gtest/gtest.h>

namespace fathom::cuda {
namespace {

TEST(ExpertPlacement, AsManyOfEveryLayerAsThereIsRoomFor) {
  ExpertRoom room{.bytes = 1000, .other_bytes = 100, .layers = 3, .experts_of_layer = 8, .expert_bytes = 50};
  EXPECT_EQ(experts_on_gpu(room), 6);  // 900 / 150
  room.bytes = 100'000;
  EXPECT_EQ(experts_on_gpu(room), 8);
  room.bytes = 249;
  EXPECT_EQ(experts_on_gpu(room), 0);
  room.bytes = 50;  // not even the rest fits: the allocator will say so
  EXPECT_EQ(experts_on_gpu(room), 0);
}

TEST(ExpertPlacement, WeightsGetWhatCachesAndAStepLeave) {
  constexpr std::int64_t kGigabyte = std::int64_t{1} << 30;
  ExpectedMemory expected{.step = 2 * kGigabyte, .caches = 0, .usual_caches = 7 * kGigabyte};
  const std::int64_t free = 140 * kGigabyte;
  const std::int64_t usual = room_for_weights(free, expected);
  EXPECT_LT(usual, free - 2 * kGigabyte - 8 * kGigabyte);  // an eighth more than the caches' 7
  EXPECT_GT(usual, free - 2 * kGigabyte - 10 * kGigabyte);
  expected.caches = 14 * kGigabyte;  // asked for
  EXPECT_EQ(room_for_weights(free, expected), usual - 8 * kGigabyte);
  expected.caches = 70 * kGigabyte;
  EXPECT_LT(room_for_weights(free, expected), 60 * kGigabyte);
  expected = {.usual_caches = 70 * kGigabyte};  // nobody asked: an eighth of what is free, no more
  EXPECT_GT(room_for_weights(free, expected), 110 * kGigabyte);
  expected = {.usual_caches = kGigabyte};
  EXPECT_GT(room_for_weights(4 * kGigabyte, expected), 2 * kGigabyte) << "a small GPU has weights too";
}

TEST(ExpertPlacement, WhatIsBroughtHasItsPlacesInTheRoom) {
  constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;
  ExpertRoom room{.bytes = 130'000 * kMegabyte,
                  .other_bytes = 8'000 * kMegabyte,
                  .layers = 43,
                  .experts_of_layer = 256,
                  .expert_bytes = 13 * kMegabyte,
                  .streams = true};
  const std::int64_t count = experts_on_gpu(room);
  const std::int64_t places = streamed_places(room, count);
  EXPECT_GE(places, 256 - count);
  const auto taken = [&](std::int64_t on_gpu) {
    return room.other_bytes + (on_gpu * 43 + 2 * streamed_places(room, on_gpu)) * room.expert_bytes;
  };
  EXPECT_LE(taken(count), room.bytes);
  EXPECT_GT(taken(count + 1), room.bytes);
  ExpertRoom without = room;
  without.streams = false;
  EXPECT_EQ(streamed_places(without, 10), 0);
  EXPECT_GT(experts_on_gpu(without), count);
  EXPECT_EQ(streamed_places(room, 256), 0) << "all are there";
  room.bytes = 20'000 * kMegabyte;  // a small GPU: not all of a layer's, and a sixteenth at most
  EXPECT_EQ(streamed_places(room, experts_on_gpu(room)), 20'000 / 16 / 26);
  room.bytes = -1;
  EXPECT_EQ(streamed_places(room, 0), 2);  // 64 MiB
}

TEST(ExpertPlacement, AModelWithoutExpertsHasNoneElsewhere) {
  EXPECT_EQ(experts_on_gpu({.bytes = 10, .other_bytes = 100, .layers = 0, .experts_of_layer = 0, .expert_bytes = 0}),
            0);
}

TEST(ExpertPlacement, TheMostUsedComesForTheLeastUsed) {
  const std::vector<float> use = {9.0F, 0.0F, 5.0F, 40.0F, 2.0F, 8.0F};
  const std::vector<std::uint8_t> on_gpu = {1, 1, 1, 0, 0, 0};
  const auto swaps = choose_swaps(use, on_gpu, 8);
  ASSERT_EQ(swaps.size(), 1U);  // 40 for 0; then 8 for 5 does not pay
  EXPECT_EQ(swaps[0].to_gpu, 3);
  EXPECT_EQ(swaps[0].to_host, 1);
}

TEST(ExpertPlacement, NoMoreThanAreWantedAndNoneWithoutNeed) {
  const std::vector<float> use = {0.0F, 0.0F, 0.0F, 9.0F, 9.0F, 9.0F};
  const std::vector<std::uint8_t> on_gpu = {1, 1, 1, 0, 0, 0};
  EXPECT_EQ(choose_swaps(use, on_gpu, 2).size(), 2U);
  EXPECT_EQ(choose_swaps(use, on_gpu, 0).size(), 0U);
  EXPECT_TRUE(choose_swaps(std::vector<float>(6, 3.0F), on_gpu, 6).empty());
  EXPECT_TRUE(choose_swaps(use, std::vector<std::uint8_t>(6, 1), 6).empty());
  EXPECT_TRUE(choose_swaps({}, {}, 6).empty());
}

TEST(ExpertPlacement, TheMostUsedAreCopiedFirst) {
  const std::vector<float> use = {9.0F, 0.0F, 5.0F, 40.0F, 2.0F, 2.0F};
  const std::vector<std::uint8_t> on_gpu = {1, 0, 0, 0, 0, 0};
  EXPECT_EQ(choose_copies(use, on_gpu, 4), (std::vector<std::int64_t>{3, 2, 4, 5}));
  EXPECT_EQ(choose_copies(use, on_gpu, 99).size(), 5U);
  EXPECT_TRUE(choose_copies(use, on_gpu, 0).empty());
  EXPECT_TRUE(choose_copies({}, {}, 4).empty());
}

}  // namespace
}  // namespace fathom::cuda
