#include "fathom/trainer/run_place.h"

#include <gtest/gtest.h>

#include "tests/trainer/run_support.h"

namespace fathom::train {
namespace {

TEST(RunPlace, ReadsBack) {
  const RunPlace place{.step = 12,
                       .stage = 1,
                       .stage_step = 2,
                       .rows = "7 \"x\"\n",
                       .targets = 99,
                       .seconds = 1.5,
                       .anticipated = 2,
                       .lengths = {.curve = 10, .held_out = 20},
                       .identity = {"a", "b"},
                       .config = "{}",
                       .threads = 2};
  const RunPlace read = RunPlace::parse(place.text(), "here");
  EXPECT_EQ(read.text(), place.text());
  EXPECT_EQ(read.rows, place.rows);
  EXPECT_NE(testing::input_error_of([] { RunPlace::parse("{}", "here"); }).find("[state] here: "), std::string::npos);
}

TEST(RunPlace, AnotherRecipeIsRefusedByItsFirstDifference) {
  RunPlace saved;
  saved.identity = {"seed 1", "clip 1"};
  check_same_recipe(saved, {"seed 1", "clip 1"});
  const std::string error = testing::input_error_of([&] { check_same_recipe(saved, {"seed 1", "clip 2"}); });
  EXPECT_NE(error.find("it says \"clip 2\", the state has \"clip 1\""), std::string::npos) << error;
  EXPECT_NE(testing::input_error_of([&] { check_same_recipe(saved, {"seed 1"}); }).find("(nothing)"),
            std::string::npos);
}

}  // namespace
}  // namespace fathom::train
