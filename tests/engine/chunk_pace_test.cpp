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
