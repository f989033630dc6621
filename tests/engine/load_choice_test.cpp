#include "fathom/engine/load_choice.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

// A model whose tokens take 1 ms and 1 us for each 100 tokens of depth; a disk of 100 MB/s that answers after 10 ms.
LoadChoice measured() {
  LoadChoice choice;
  for (const std::int64_t depth : {0, 5'000, 10'000, 50'000})
    choice.model_read(500, static_cast<double>(depth), 500 * (1e-3 + 1e-8 * static_cast<double>(depth)));
  for (const std::int64_t bytes : {1'000'000, 2'000'000, 20'000'000, 5'000'000})
    choice.disk_read(bytes, 0.01 + static_cast<double>(bytes) / 1e8);
  return choice;
}

TEST(LoadChoice, TimesAreThoseThatWereMeasured) {
  const LoadChoice choice = measured();
  // sum of 1e-3 + 1e-8 d over d from 1,000 to 2,999
  EXPECT_NEAR(choice.seconds_by_model({.from = 1000, .to = 3000}), 2.0 + 2000 * 1e-8 * 2000, 1e-6);
  EXPECT_NEAR(choice.seconds_from_disk({.bytes = 50'000'000}), 0.51, 1e-6);
}

TEST(LoadChoice, TheQuickerOneIsTaken) {
  LoadChoice choice = measured();
  EXPECT_TRUE(choice.takes({.from = 0, .to = 2000, .bytes = 16'000'000})) << "0.17 s for 2 s";
  EXPECT_FALSE(choice.takes({.from = 2000, .to = 2100, .bytes = 16'000'000})) << "0.17 s for 0.1 s";
  EXPECT_TRUE(choice.takes({.from = 2000, .to = 2100, .bytes = 1'000'000})) << "0.02 s for 0.1 s";
  // Tokens are dearer where they stand deep.
  LoadChoice deep = measured();
  EXPECT_TRUE(deep.takes({.from = 100'000, .to = 100'100, .bytes = 16'000'000})) << "0.17 s for 0.2 s";
}

TEST(LoadChoice, WhatNobodyMeasuredIsTaken) {
  LoadChoice nothing;
  EXPECT_TRUE(nothing.takes({.from = 0, .to = 1, .bytes = 1'000'000'000}));
  LoadChoice only_disk;
  for (int load = 0; load < 10; ++load) only_disk.disk_read(1000, 5.0);
  for (int pass = 0; pass < 10; ++pass) only_disk.model_read(15, 0.0, 1e-6);  // too few tokens to tell
  EXPECT_TRUE(only_disk.takes({.from = 0, .to = 1, .bytes = 1000}));
}

TEST(LoadChoice, ADiskThatWasSlowIsTriedAgain) {
  LoadChoice choice = measured();
  const LoadChoice::Offer offer{.from = 0, .to = 50, .bytes = 16'000'000};  // 3.4 times as long as by the model
  int forgone = 0;
  while (!choice.takes(offer)) ASSERT_LT(++forgone, 20);
  EXPECT_EQ(forgone, 6);
  // It was as slow as before: that is known now.
  choice.disk_read(16'000'000, 0.17);
  EXPECT_FALSE(choice.takes(offer));
}

}  // namespace
}  // namespace fathom
