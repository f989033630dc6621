#include <gtest/gtest.h>

#include <filesystem>

#include "tests/apps/program_support.h"

namespace fathom {
namespace {

TEST(TrainCommand, HandsEveryWordOverOrSaysHowToBuildTheTrainer) {
  const testing::Ran ran = testing::run_program({"train", "--help"});
  if (std::filesystem::exists(std::filesystem::path(FATHOM_PROGRAM).parent_path() / "fathom-train")) {
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    EXPECT_NE(ran.out.find("fathom-train"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("--max-seconds"), std::string::npos) << ran.out;
    const testing::Ran missing = testing::run_program({"train", "/no/such/recipe.toml", "--quiet"});
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_NE(missing.err.find("[recipe] cannot read /no/such/recipe.toml"), std::string::npos) << missing.err;
  } else {
    EXPECT_EQ(ran.exit_code, 1);
    EXPECT_NE(ran.err.find("FATHOM_TRAINER=ON"), std::string::npos) << ran.err;
  }
}

}  // namespace
}  // namespace fathom
