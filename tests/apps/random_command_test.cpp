#include <gtest/gtest.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "fathom/apps/commands.h"
#include "fathom/base/error.h"
#include "fathom/checkpoint/checkpoint.h"

namespace fathom {
namespace {

class RandomCommand : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(directory_); }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string run(std::vector<std::string> arguments) {
    CLI::App program;
    add_random_command(program);
    arguments.insert(arguments.begin(), {"random", "--out", directory_.string()});
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes a vector
    testing::internal::CaptureStdout();
    try {
      program.parse(arguments);
    } catch (...) {
      testing::internal::GetCapturedStdout();
      throw;
    }
    return testing::internal::GetCapturedStdout();
  }

  const std::string config_ = FATHOM_TEST_DATA "/tiny-pro/config.json";
  const std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("fathom_random_" + std::to_string(::getpid()));
};

TEST_F(RandomCommand, WritesWhatItSays) {
  const std::string said = run(
      {"--config", config_, "--layers", "3", "--set", "vocab_size=77", "--set", "sliding_window=16", "--shards", "2"});
  const Checkpoint checkpoint = Checkpoint::open(directory_);
  EXPECT_EQ(checkpoint.config().layers, 3);
  EXPECT_EQ(checkpoint.config().mtp_layers, 1);
  EXPECT_EQ(checkpoint.config().compress_ratios, (std::vector<std::int64_t>{128, 128, 4, 0}));
  EXPECT_EQ(checkpoint.config().vocab, 77);
  EXPECT_EQ(checkpoint.config().window, 16);
  EXPECT_EQ(checkpoint.files().size(), 2U);
  EXPECT_NE(said.find(" tensors, "), std::string::npos);
}

TEST_F(RandomCommand, SettingsMayBeTextAndLieInsideAnObject) {
  run({"--config", config_, "--set", "expert_dtype=fp8", "--set", "rope_scaling.factor=4", "--set", "vocab_size=389"});
  const Checkpoint checkpoint = Checkpoint::open(directory_);
  EXPECT_EQ(checkpoint.config().expert_format, ExpertFormat::fp8);
  EXPECT_EQ(checkpoint.config().yarn.factor, 4.0);
  EXPECT_EQ(checkpoint.config().vocab, 389);
}

TEST_F(RandomCommand, Faults) {
  EXPECT_THROW(run({"--config", config_, "--layers", "6"}), InputError);
  EXPECT_THROW(run({"--config", config_, "--layers", "-1"}), InputError);
  EXPECT_THROW(run({"--config", config_, "--set", "vocab_size"}), InputError);
  EXPECT_THROW(run({"--config", config_, "--set", "vocab_sizes=3"}), InputError);
  EXPECT_THROW(run({"--config", config_, "--set", "vocab_size=three"}), InputError);
  EXPECT_THROW(run({"--config", config_, "--set", "vocab_size=0"}), InputError);
  EXPECT_THROW(run({"--config", config_, "--set", "rope_scaling.size=3"}), InputError);
  EXPECT_THROW(run({"--config", config_, "--set", "~=3"}), InputError);
  EXPECT_THROW(run({"--config", config_, "--set", "=3"}), InputError);
  EXPECT_THROW(run({"--config", config_, "--shards", "0"}), InputError);
  EXPECT_THROW(run({"--config", "/no/such.json"}), InputError);
  EXPECT_THROW(run({"--preset", "deepseek-v5"}), InputError);
  EXPECT_THROW(run({}), CLI::ParseError);
  EXPECT_FALSE(std::filesystem::exists(directory_));
}

}  // namespace
}  // namespace fathom
