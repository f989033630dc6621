#include "fathom/engine/chunk_pace.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(ChunkPace, WithoutATargetEveryStepIsFull) {
  ChunkPace pace(0.0, 512);
  pace.took(512, 100.0);
  EXPECT_EQ(pace.room(), 512);
}

TEST(ChunkPace, FindsTheChunkThatTakesTheTargetsTime) {
  // A step takes 10 ms and 2 ms a token: 95 tokens take 200 ms.
  const auto seconds = [](std::int64_t tokens) { return 0.010 + 0.002 * static_cast<double>(tokens); };
  ChunkPace pace(0.2, 512);
  EXPECT_EQ(pace.room(), 512) << "nothing is known yet";
  for (int step = 0; step < 30; ++step) pace.took(pace.room(), seconds(pace.room()));
  EXPECT_NEAR(static_cast<double>(pace.room()), 95.0, 3.0);
}

TEST(ChunkPace, HasRoomForSomeTokensHoweverSlowTheMachine) {
  ChunkPace slow(0.1, 512);
  slow.took(512, 1e6);
  EXPECT_EQ(slow.room(), 16);
  ChunkPace narrow(0.1, 4);
  narrow.took(16, 1e6);
  EXPECT_EQ(narrow.room(), 4);
}

// Seconds of the step that the pace comes to, and its tokens.
std::pair<double, std::int64_t> settled(double alone, double a_token, std::int64_t most) {
  ChunkPace pace(0.2, most);
  const auto seconds = [&](std::int64_t tokens) { return alone + a_token * static_cast<double>(tokens); };
  for (int step = 0; step < 200; ++step) pace.took(pace.room(), seconds(pace.room()));
  return {seconds(pace.room()), pace.room()};
}

TEST(ChunkPace, AStepThatCostsMuchWhateverItReadsReadsMuch) {
  // A GPU that has experts brought: 0.37 s, and 16 us a token. Sixteen tokens a step would read 43 a second.
  const auto [seconds, tokens] = settled(0.37, 16e-6, 4096);
  EXPECT_GE(tokens, 3000);
  EXPECT_LE(seconds, 0.6);
  // Of a token that is dearer, as many as three targets allow.
  const auto [dear_seconds, dear_tokens] = settled(0.37, 1e-3, 4096);
  EXPECT_NEAR(static_cast<double>(dear_tokens), 185.0, 20.0);
  EXPECT_LE(dear_seconds, 0.6);
}

TEST(ChunkPace, WhatCostsMoreThanThreeTargetsReadsLittle) {
  // A CPU that reads most experts for any chunk: whoever answers waits as short as can be.
  EXPECT_EQ(settled(4.0, 0.01, 512).second, 16);
}

TEST(ChunkPace, StepsThatReadNextToNothingTellNothing) {
  ChunkPace pace(0.1, 512);
  pace.took(512, 0.05);
  const auto before = pace.room();
  pace.took(1, 5.0);
  pace.took(0, 5.0);
  EXPECT_EQ(pace.room(), before);
}

}  // namespace
}  // namespace fathom
