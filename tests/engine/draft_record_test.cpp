#include "fathom/engine/draft_record.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

// Steps of `crowd` sequences; the share of them that was drafted for.
double drafted_share(DraftRecord& record, std::int64_t crowd, int steps, double plain_rate, double drafted_rate) {
  int drafted = 0;
  for (int step = 0; step < steps; ++step) {
    const bool drafts = record.may_draft(crowd);
    drafted += drafts ? 1 : 0;
    record.gave(crowd, 10, 10.0 / (drafts ? drafted_rate : plain_rate));
  }
  return static_cast<double>(drafted) / steps;
}

TEST(DraftRecord, PlainSpeedIsKnownFirst) {
  DraftRecord record;
  EXPECT_FALSE(record.may_draft(1));
  drafted_share(record, 1, 16, 100.0, 150.0);
  EXPECT_TRUE(record.may_draft(1));
  EXPECT_FALSE(record.may_draft(2)) << "of two nothing is known";
}

TEST(DraftRecord, WhereItIsFasterNearlyAllIsDrafted) {
  DraftRecord record;
  EXPECT_GT(drafted_share(record, 1, 10000, 100.0, 150.0), 0.97);
}

TEST(DraftRecord, WhereItIsSlowerLittleIs) {
  DraftRecord record;
  drafted_share(record, 4, 8000, 100.0, 80.0);
  EXPECT_LT(drafted_share(record, 4, 20000, 100.0, 80.0), 0.05);
}

// The first hundred steps of several sequences, of drafts that are a fifth slower.
TEST(DraftRecord, ShortRunsOfManyLoseLittle) {
  DraftRecord record;
  EXPECT_LT(drafted_share(record, 4, 100, 100.0, 80.0), 0.13);
  EXPECT_LT(drafted_share(record, 5, 100, 100.0, 80.0), 0.07) << "what four showed says something of five";
  EXPECT_GT(drafted_share(record, 1, 100, 100.0, 80.0), 0.6) << "one sequence learns first";
}

TEST(DraftRecord, WhereFewerGainedMoreTryAtOnce) {
  DraftRecord record;
  drafted_share(record, 2, 200, 100.0, 150.0);
  EXPECT_GT(drafted_share(record, 3, 100, 100.0, 150.0), 0.8);
}

TEST(DraftRecord, WhatBecomesFasterIsFound) {
  DraftRecord record;
  drafted_share(record, 4, 5000, 100.0, 80.0);
  EXPECT_GT(drafted_share(record, 4, 20000, 100.0, 130.0), 0.8);
}

TEST(DraftRecord, OneDisturbedWindowEndsNothing) {
  DraftRecord record;
  drafted_share(record, 1, 400, 100.0, 150.0);
  for (int step = 0; step < 16; ++step) record.gave(1, 10, 10.0);  // 100 times slower
  EXPECT_TRUE(record.may_draft(1));
}

TEST(DraftRecord, WherePromptsAreAlwaysReadItIsTriedToo) {
  DraftRecord record;
  for (int step = 0; step < 16; ++step) record.gave(3, 0, 0.0);
  EXPECT_TRUE(record.may_draft(3));
}

TEST(DraftRecord, LargeCrowdsShareARecord) {
  DraftRecord record;
  for (const std::int64_t crowd : {9, 16}) drafted_share(record, crowd, 8, 100.0, 150.0);
  EXPECT_TRUE(record.may_draft(12));
  EXPECT_FALSE(record.may_draft(17));
  EXPECT_FALSE(record.may_draft(100000));
  drafted_share(record, 100000, 16, 100.0, 150.0);
  EXPECT_TRUE(record.may_draft(100000));
}

}  // namespace
}  // namespace fathom
