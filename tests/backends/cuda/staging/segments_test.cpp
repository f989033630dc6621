#include "fathom/backends/cuda/staging/segments.h"

#include <gtest/gtest.h>

namespace fathom::cuda {
namespace {

TEST(Segments, SpansLieBehindOneAnotherOnTheirBoundary) {
  Segments segments(256, 3);
  EXPECT_EQ(segments.bytes(), 768);
  EXPECT_EQ(segments.take(1).offset, 0);
  EXPECT_EQ(segments.take(64).offset, 64);
  EXPECT_EQ(segments.take(65).offset, 128);
  const Segments::Place next = segments.take(1);
  EXPECT_EQ(next.left, 0);
  EXPECT_EQ(next.segment, 1);
  EXPECT_EQ(next.offset, 256);
}

// No two spans of one round overlap, and whoever enters a segment again is told so.
TEST(Segments, ASegmentIsEnteredAgainOnlyAfterAllOthers) {
  Segments segments(512, 4);
  std::int64_t entered = 0;
  std::int64_t end = 0;
  for (std::int64_t turn = 0; turn < 500; ++turn) {
    const std::int64_t bytes = turn * 37 % 513;
    const Segments::Place place = segments.take(bytes);
    EXPECT_EQ(place.offset % Segments::kAlignment, 0);
    EXPECT_EQ(place.offset / 512, place.segment);
    EXPECT_LE(place.offset + bytes, (place.segment + 1) * 512);
    if (place.left >= 0) {
      EXPECT_EQ(place.segment, (place.left + 1) % 4);
      EXPECT_EQ(place.segment, (entered + 1) % 4);
      entered = place.segment;
    } else {
      EXPECT_GE(place.offset, end);
    }
    end = place.offset + bytes;
  }
}

TEST(Segments, WhatFitsInNoSegmentIsAFault) {
  Segments segments(128, 2);
  EXPECT_NO_THROW(segments.take(128));
  EXPECT_THROW(segments.take(129), InternalError);
  EXPECT_THROW(Segments(100, 2), InternalError);
  EXPECT_THROW(Segments(128, 1), InternalError);
}

}  // namespace
}  // namespace fathom::cuda
