#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "fathom/base/mapped_file.h"
#include "tests/apps/program_support.h"

namespace fathom {
namespace {

using testing::Ran;
using testing::run_program;

Ran bench(testing::Arguments arguments) {
  arguments.insert(arguments.begin(), {"bench", "--repeats", "1", "--decode-steps", "2", "--threads", "1"});
  return run_program(arguments);
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

class BenchCommand : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("fathom_bench_" + std::to_string(::getpid()));
};

TEST_F(BenchCommand, SaysWhatWasAsked) {
  std::filesystem::create_directories(folder_);
  const std::string csv = folder_ / "speed.csv";
  const std::string svg = folder_ / "speed.svg";
  const Ran ran = bench({"--shape", "tiny-flash", "--layers", "0,2,3", "--prefill", "9,20", "--decode-depth", "0,300",
                         "--batch", "1,2", "--stages", "--csv", csv, "--svg", svg});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_TRUE(contains(ran.out, "tiny-flash, layers 0,2,3 on cpu; memory is read at ")) << ran.out;
  for (const char* part : {"prefill 9 ", "prefill 20 ", "decode at 0, batch 1 ", "decode at 300, batch 2 ", "by stage",
                           "index top-k ", "shared expert "})
    EXPECT_TRUE(contains(ran.out, part)) << part << ran.out;
  const std::string lines = read_text_file(csv);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1 + 6 * 20);
  EXPECT_TRUE(contains(read_text_file(svg), "</svg>"));
}

TEST_F(BenchCommand, ACheckpointsWeights) {
  const Ran ran = bench({"--model", testing::kSprat.string(), "--decode-depth", "5", "--cache", "float32"});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_TRUE(contains(ran.out, "decode at 5, batch 1 ")) << ran.out;
  EXPECT_FALSE(contains(ran.out, "prefill")) << ran.out;
}

TEST_F(BenchCommand, FaultsNameThePlaceAndTheValue) {
  const auto fault = [](const testing::Arguments& arguments, int code, std::string_view part) {
    const Ran ran = bench(arguments);
    EXPECT_EQ(ran.exit_code, code) << ran.err;
    EXPECT_TRUE(contains(ran.err, part)) << ran.err;
  };
  fault({"--shape", "flush"}, 1, "preset \"flush\" is unknown, expected one of deepseek-v4-flash");
  fault({"--shape", "tiny-flash", "--layers", "7"}, 1, "[layers] 7 layers, expected 1 to the config's 6");
  fault({"--shape", "tiny-flash", "--layers", "2,1"}, 1, "[layers] layer 1 in place 2");
  fault({"--shape", "pro"}, 1, "[bench] weights and caches take ");
  fault({"--model", testing::kSprat.string(), "--decode-depth", "9000000"}, 1,
        "[bench] the cases reach position 9000002");
  fault({"--shape", "tiny-flash", "--prefill", "0"}, 2, "--prefill: Value 0 not in range");
  fault({"--shape", "tiny-flash", "--decode-depth", "-1"}, 2, "--decode-depth");
  fault({"--shape", "tiny-flash", "--batch", "x"}, 2, "--batch");
  fault({"--shape", "tiny-flash", "--model", "models/sprat"}, 2, "--model");
  fault({"--model", "models/sprat", "--layers", "2"}, 2, "--layers excludes --model");
  fault({}, 2, "--shape");
}

}  // namespace
}  // namespace fathom
