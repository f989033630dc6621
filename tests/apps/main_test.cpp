// The program as a whole: its version, its commands and its exit codes.
#include <gtest/gtest.h>

#include <fstream>

#include "fathom/backends/cpu/instruction_set.h"
#include "tests/apps/program_support.h"
#include "tests/model/small_model.h"

namespace fathom::testing {
namespace {

TEST(Program, SaysItsVersion) {
  const Ran ran = run_program({"--version"});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_TRUE(ran.out.starts_with("fathom ")) << ran.out;
  for (const std::string& name : instruction_sets()) EXPECT_NE(ran.out.find(" " + name), std::string::npos) << ran.out;
}

TEST(Program, HelpListsEveryCommand) {
  const Ran ran = run_program({"--help"});
  EXPECT_EQ(ran.exit_code, 0);
  for (const char* command :
       {"inspect", "random", "tokenize", "prompt", "parse", "check", "logits", "generate", "chat", "serve", "corpus"})
    EXPECT_NE(ran.out.find(command), std::string::npos) << command;
}

TEST(Program, BadUsageExitsWithTwoAndSaysWhat) {
  const std::vector<std::pair<Arguments, std::string>> cases{
      {{}, "subcommand is required"},         {{"dance"}, "not expected: dance"},
      {{"--dance"}, "not expected: --dance"}, {{"generate", "--dance", "-p", "x"}, "not expected: --dance"},
      {{"check"}, "directory is required"},   {{"generate", "-p", "x", "--seed", "-1"}, "--seed: found -1"}};
  for (const auto& [wrong, what] : cases) {
    const Ran ran = run_program(wrong);
    EXPECT_EQ(ran.exit_code, 2) << what;
    EXPECT_NE(ran.err.find(what), std::string::npos) << ran.err << " has no " << what;
    EXPECT_EQ(ran.out, "") << what;
  }
  EXPECT_EQ(run_program({"--help", "dance"}).exit_code, 0) << "who asks for help gets it";
}

TEST(Program, FaultsOfTheInputExitWithOneInOneLine) {
  const Ran ran = run_program({"check", "/no/such/model"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_TRUE(ran.err.starts_with("fathom: [")) << ran.err;
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1);
}

TEST(Program, FlagsMayStandInAFile) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "fathom.toml";
  std::ofstream(file) << "[generate]\nmodel = \"" << kSprat.string() << "\"\nmax-tokens = 3\nseed = 1\nthreads = 1\n";
  const Ran ran = run_program({"--config", file.string(), "generate", "--prompt", "x"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(run_program({"--config", "/no/such/file", "generate", "--prompt", "x"}).exit_code, 2);
}

}  // namespace
}  // namespace fathom::testing
