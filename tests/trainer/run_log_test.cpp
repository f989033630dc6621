#include "fathom/trainer/run_log.h"

#include <gtest/gtest.h>

#include "tests/trainer/run_support.h"

namespace fathom::train {
namespace {

using testing::TemporaryFolder;

CurvePoint point(std::int64_t step, const char* stage) {
  CurvePoint result;
  result.step = step;
  result.stage = stage;
  result.loss = 10.0 / static_cast<double>(step);
  result.gradient_norm = 1.0;
  return result;
}

TEST(RunLog, GoesOnFromTheStateAndForgetsWhatCameAfter) {
  const TemporaryFolder folder;
  RunLog::Lengths lengths;
  {
    RunLog log(folder.path(), {});
    log.add(point(5, "one, \"two\""));
    log.add(HeldOutPoint{.step = 5, .name = "prose", .loss = 2.0});
    lengths = log.sync();
    log.add(point(10, "lost"));
    log.add(HeldOutPoint{.step = 10, .name = "lost", .loss = 2.0});
  }
  RunLog log(folder.path(), lengths);
  log.add(point(10, "kept"));
  EXPECT_EQ(testing::read_file(folder.path() / "curve.csv"),
            "step,stage,targets,learning_rate,loss,bits_per_byte,mtp,balance,indexer,gradient_norm,imbalance\n"
            "5,one   two ,0,0,2,0,0,0,0,1,0\n10,kept,0,0,1,0,0,0,0,1,0\n");
  EXPECT_EQ(testing::read_file(folder.path() / "held_out.csv"), "step,name,loss,bits_per_byte\n5,prose,2,0\n");
  const std::string error = testing::input_error_of([&] { RunLog(folder.path(), {.curve = 100'000, .held_out = 0}); });
  EXPECT_NE(error.find("expected at least the 100000 of the state"), std::string::npos) << error;
}

TEST(RunLog, DrawsWhatTheFilesSay) {
  const TemporaryFolder folder;
  RunLog log(folder.path(), {});
  for (std::int64_t step = 1; step <= 6; ++step) log.add(point(step, step < 4 ? "dense" : "sparse"));
  log.add(HeldOutPoint{.step = 6, .name = "prose", .loss = 2.5});
  log.draw("a run", std::chrono::seconds(0));
  const std::string svg = testing::read_file(folder.path() / "curves.svg");
  for (const char* text : {"a run", "loss, nats a token", "prose 2.5", "learning rate", "gradient norm", ">sparse<"})
    EXPECT_NE(svg.find(text), std::string::npos) << text;
  EXPECT_EQ(svg.find("indexer"), std::string::npos) << "a column of zeros is not drawn";
  const CurvePage broken = curve_page("", "step,stage,loss\n1,a,2\n2,b", "");
  EXPECT_EQ(broken.panels.front().curves.front().x.size(), 1U) << "a row being written is left out";
}

}  // namespace
}  // namespace fathom::train
