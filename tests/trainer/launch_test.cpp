#include "fathom/trainer/launch.h"

#include <gtest/gtest.h>

#include "tests/trainer/run_support.h"

namespace fathom::train {
namespace {

using testing::TemporaryFolder;

// A shell stands for the program: $3 is the rank, $5 the file where ranks meet.
int launch(const TemporaryFolder& folder, const std::string& script, std::int64_t ranks) {
  const std::filesystem::path file = folder.path() / "rank.sh";
  testing::write_file(file, script);
  return launch_ranks("/bin/sh", {file.string(), folder.path().string()}, ranks);
}

TEST(Launch, EveryRankRunsWithItsNumber) {
  const TemporaryFolder folder;
  EXPECT_EQ(launch(folder, "test -d \"$(dirname \"$5\")\" && touch \"$1/rank$3\"", 3), 0);
  for (const char* rank : {"rank0", "rank1", "rank2"}) EXPECT_TRUE(std::filesystem::exists(folder.path() / rank));
}

TEST(Launch, OneFailureEndsTheOthers) {
  const TemporaryFolder folder;
  EXPECT_EQ(launch(folder, "[ $3 = 1 ] && exit 7; sleep 60", 2), 7);
}

TEST(Launch, TermIsHandedOn) {
  const TemporaryFolder folder;
  const std::string script =
      "trap 'exit 3' TERM; [ $3 = 0 ] && sleep 0.5 && kill -TERM $PPID; while true; do sleep 0.05; done";
  EXPECT_EQ(launch(folder, script, 2), 3);
}

TEST(Launch, StoppingIsAwaitedByAll) {
  const TemporaryFolder folder;
  EXPECT_EQ(launch(folder, "[ $3 = 1 ] && exit 3; sleep 0.2; touch \"$1/slow\"; exit 3", 2), 3);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "slow"));
}

}  // namespace
}  // namespace fathom::train
