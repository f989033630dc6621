#include "fathom/checkpoint/checkpoint_identity.h"

#include <gtest/gtest.h>

#include <fstream>

#include "fathom/checkpoint/random_checkpoint.h"
#include "tests/model/small_model.h"

namespace fathom::testing {
namespace {

class CheckpointIdentityTest : public ::testing::Test {
 protected:
  static Digest identity(const std::filesystem::path& directory, std::int64_t whole_bytes) {
    return checkpoint_identity(Checkpoint::open(directory), whole_bytes);
  }
  // Another last byte: of the last tensor.
  static void change(const std::filesystem::path& directory) {
    std::fstream file(directory / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(-1, std::ios::end);
    const char last = static_cast<char>(file.get());
    file.seekp(-1, std::ios::end);
    file.put(static_cast<char>(last ^ 1));
  }

  const SmallModel model_{small_config()};
};

TEST_F(CheckpointIdentityTest, IsOfTheContents) {
  const TemporaryFolder folder;
  const auto copy = folder.path() / "copy";
  std::filesystem::copy(model_.directory(), copy);
  const std::int64_t whole = 1 << 30;
  EXPECT_EQ(identity(model_.directory(), whole), identity(copy, whole));
  EXPECT_NE(identity(copy, whole), identity(SmallModel(small_config(), 12).directory(), whole)) << "other weights";
  ModelConfig other = small_config();
  other.rope_theta = 2000.0;
  EXPECT_NE(identity(copy, whole), identity(SmallModel(other).directory(), whole)) << "another config";
  change(copy);
  EXPECT_NE(identity(model_.directory(), whole), identity(copy, whole)) << "one bit";
}

TEST_F(CheckpointIdentityTest, OfALargeOneASampleAndTheFilesTimes) {
  const Digest before = identity(model_.directory(), 0);
  EXPECT_EQ(identity(model_.directory(), 0), before);
  const auto file = model_.directory() / "model.safetensors";
  std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) + std::chrono::seconds(1));
  EXPECT_NE(identity(model_.directory(), 0), before) << "it may have changed where no sample was taken";
  EXPECT_NE(identity(SmallModel(small_config(), 12).directory(), 0), before);
}

}  // namespace
}  // namespace fathom::testing
