#include "fathom/trainer/state_file.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>

#include "fathom/base/error.h"
#include "tests/trainer/run_support.h"

namespace fathom::train {
namespace {

using testing::TemporaryFolder;

StateFile state_of(std::int64_t step) {
  return {.step = step,
          .text = R"({"place": "row \"7\""})",
          .tensors = {{"weight", torch::full({2, 3}, static_cast<double>(step))},
                      {"updates", torch::tensor({step, step + 1}, torch::kInt64)},
                      {"random", torch::arange(5, torch::kUInt8)},
                      {"empty", torch::zeros({0})},
                      {"scalar", torch::tensor(2.5F)}}};
}

TEST(StateFile, ReadsBackToTheBit) {
  const TemporaryFolder folder;
  const StateFolder states(folder.path());
  const StateFile written = state_of(12);
  states.write(written);
  std::vector<std::string> warnings;
  const std::optional<StateFile> read = states.read_newest(warnings);
  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(read->step, 12);
  EXPECT_EQ(read->text, written.text);
  ASSERT_EQ(read->tensors.size(), written.tensors.size());
  for (std::size_t place = 0; place < read->tensors.size(); ++place) {
    EXPECT_EQ(read->tensors[place].first, written.tensors[place].first);
    EXPECT_TRUE(read->tensors[place].second.equal(written.tensors[place].second));
  }
}

TEST(StateFile, KeepsTheNewestTwo) {
  const TemporaryFolder folder;
  const StateFolder states(folder.path());
  for (const std::int64_t step : {5, 10, 15, 123456789}) states.write(state_of(step));
  const auto files = states.files();
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].filename(), "step-00000015.safetensors");
  EXPECT_EQ(files[1].filename(), "step-123456789.safetensors");
}

TEST(StateFile, FallsBackOverDamageAndSaysSo) {
  const TemporaryFolder folder;
  const StateFolder states(folder.path());
  states.write(state_of(5));
  states.write(state_of(10));
  const std::filesystem::path newest = states.files().back();
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(newest));
  const std::string whole = testing::read_file(newest);
  for (const std::int64_t place : {std::int64_t{3}, std::int64_t{40}, size - 30, size - 1}) {
    std::string damaged = whole;
    damaged[static_cast<std::size_t>(place)] = static_cast<char>(damaged[static_cast<std::size_t>(place)] ^ 0x10);
    testing::write_file(newest, damaged);
    std::vector<std::string> warnings;
    const auto read = states.read_newest(warnings);
    ASSERT_TRUE(read.has_value()) << "byte " << place;
    EXPECT_EQ(read->step, 5) << "byte " << place;
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("step-00000010"), std::string::npos) << warnings[0];
  }
  testing::write_file(newest, whole.substr(0, whole.size() / 2));
  std::vector<std::string> warnings;
  EXPECT_EQ(states.read_newest(warnings)->step, 5);
  EXPECT_EQ(warnings.size(), 1U);
}

TEST(StateFile, AnEmptyFolderHasNone) {
  const TemporaryFolder folder;
  std::vector<std::string> warnings;
  EXPECT_FALSE(StateFolder(folder.path() / "none").read_newest(warnings).has_value());
  EXPECT_TRUE(warnings.empty());
}

}  // namespace
}  // namespace fathom::train
