#include "fathom/checkpoint/reshard.h"

#include <gtest/gtest.h>

#include "fathom/checkpoint/checkpoint.h"
#include "fathom/checkpoint/shard_set.h"
#include "tests/checkpoint/checkpoint_support.h"

namespace fathom {
namespace {

using testing::error_of;
using testing::TemporaryDirectory;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Reshard, ThreeFilesHoldTheSameCheckpoint) {
  const TemporaryDirectory directory;
  const std::filesystem::path source = FATHOM_TEST_DATA "/tiny-pro";
  reshard_checkpoint(source, directory / "three", 3);
  const Checkpoint one = Checkpoint::open(source);
  const Checkpoint three = Checkpoint::open(directory / "three");
  EXPECT_EQ(three.files().size(), 3U);
  EXPECT_EQ(three.config(), one.config());
  std::size_t tensors = 0;
  for (const SafetensorsFile& file : three.files())
    for (const SafetensorsTensor& tensor : file.tensors()) {
      const SafetensorsTensor& original = one.files()[0].at(tensor.name);
      EXPECT_EQ(tensor.dtype, original.dtype);
      EXPECT_EQ(tensor.shape, original.shape);
      EXPECT_EQ(text_of(tensor.bytes), text_of(original.bytes));
      ++tensors;
    }
  EXPECT_EQ(tensors, one.files()[0].tensors().size());
  // And back: the tensors' bytes follow each other as they did.
  reshard_checkpoint(directory / "three", directory / "one", 1);
  const Checkpoint back = Checkpoint::open(directory / "one");
  ASSERT_EQ(back.files().size(), 1U);
  for (std::size_t position = 0; position < tensors; ++position)
    EXPECT_EQ(back.files()[0].tensors()[position].name, one.files()[0].tensors()[position].name);
}

TEST(Reshard, CopiesWhatLiesBeside) {
  const TemporaryDirectory directory;
  reshard_checkpoint(FATHOM_SOURCE "/models/sprat", directory / "two", 2);
  EXPECT_TRUE(std::filesystem::exists(directory / "two" / "tokenizer.json"));
  EXPECT_FALSE(std::filesystem::exists(directory / "two" / "goldens-smooth.safetensors"));
}

TEST(Reshard, OverwritesNoCheckpoint) {
  const TemporaryDirectory directory;
  reshard_checkpoint(FATHOM_SOURCE "/models/sprat", directory / "a", 1);
  for (const char* source : {FATHOM_SOURCE "/models/sprat", FATHOM_TEST_DATA "/tiny-pro"})
    EXPECT_NE(error_of([&] { reshard_checkpoint(source, directory / "a", 2); }).find("already"), std::string::npos);
  EXPECT_NE(error_of([&] { reshard_checkpoint(directory / "a", directory / "a", 2); }).find("already"),
            std::string::npos);
}

TEST(Reshard, MoreFilesThanTensors) {
  const TemporaryDirectory directory;
  EXPECT_NE(error_of([&] {
              reshard_checkpoint(FATHOM_SOURCE "/models/sprat", directory / "a", 341);
            }).find("341 shards of 340 tensors"),
            std::string::npos);
  reshard_checkpoint(FATHOM_SOURCE "/models/sprat", directory / "b", 340);
  EXPECT_EQ(Checkpoint::open(directory / "b").files().size(), 340U);
}

TEST(Reshard, NoSource) {
  const TemporaryDirectory directory;
  EXPECT_NE(error_of([&] { reshard_checkpoint("/no/such", directory / "a", 1); }).find("/no/such"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(directory / "a"));
}

}  // namespace
}  // namespace fathom
