#include "fathom/checkpoint/safetensors_writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "fathom/checkpoint/shard_set.h"
#include "tests/checkpoint/checkpoint_support.h"

namespace fathom {
namespace {

using testing::error_of;
using testing::TemporaryDirectory;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(SafetensorsWriter, OneFile) {
  const TemporaryDirectory directory;
  SafetensorsWriter writer(directory / "new" / "deep",
                           {{"a", DType::i8, {3}}, {"nothing", DType::f32, {0, 4}}, {"b\"\\\n", DType::bf16, {2, 1}}},
                           1);
  writer.write("a", bytes_of("x"));
  writer.write("a", bytes_of("yz"));
  writer.write("b\"\\\n", bytes_of("1234"));
  EXPECT_FALSE(std::filesystem::exists(directory / "new" / "deep" / kSingleFile));
  writer.finish();
  const SafetensorsFile file(directory / "new" / "deep" / kSingleFile);
  ASSERT_EQ(file.tensors().size(), 3U);
  EXPECT_EQ(text_of(file.at("a").bytes), "xyz");
  EXPECT_EQ(text_of(file.at("b\"\\\n").bytes), "1234");
  EXPECT_EQ(file.at("nothing").shape, (std::vector<std::int64_t>{0, 4}));
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_FALSE(std::filesystem::exists(directory / "new" / "deep" / kIndexFile));
}

TEST(SafetensorsWriter, ShardsHoldWholeTensors) {
  for (std::int64_t shards = 1; shards <= 7; ++shards) {
    const TemporaryDirectory directory;
    std::vector<TensorPlan> plan;
    plan.reserve(7);
    for (int tensor = 0; tensor < 7; ++tensor)
      plan.push_back({fmt::format("t{}", tensor), DType::i8, {tensor == 3 ? 1000 : tensor}});  // t0 is empty
    SafetensorsWriter writer(directory.path(), plan, shards);
    for (const TensorPlan& tensor : plan)
      writer.write(tensor.name, bytes_of(std::string(static_cast<std::size_t>(tensor.bytes()), 'x')));
    writer.finish();
    const auto files = open_shards(directory.path());
    EXPECT_EQ(files.size(), static_cast<std::size_t>(shards));
    std::size_t tensors = 0;
    for (const SafetensorsFile& file : files) {
      EXPECT_FALSE(file.tensors().empty());
      tensors += file.tensors().size();
    }
    EXPECT_EQ(tensors, 7U);
  }
}

TEST(SafetensorsWriter, RefusesWhatCannotBe) {
  const TemporaryDirectory directory;
  const std::vector<TensorPlan> two = {{"a", DType::i8, {1}}, {"b", DType::i8, {1}}};
  EXPECT_NE(error_of([&] { SafetensorsWriter(directory.path(), two, 3); }).find("3 shards of 2 tensors"),
            std::string::npos);
  EXPECT_NE(error_of([&] { SafetensorsWriter(directory.path(), two, 0); }), "");
  EXPECT_NE(error_of([&] {
              SafetensorsWriter(directory.path(), {two[0], two[0]}, 1);
            }).find("written twice"),
            std::string::npos);
  EXPECT_NE(error_of([&] { SafetensorsWriter("/proc/nothing/here", two, 1); }), "");
}

TEST(SafetensorsWriter, WritesOutOfPlanAreOurFault) {
  const TemporaryDirectory directory;
  SafetensorsWriter writer(directory.path(), {{"a", DType::i8, {2}}, {"b", DType::i8, {1}}}, 2);
  EXPECT_THROW(writer.write("b", bytes_of("x")), InternalError);
  EXPECT_THROW(writer.write("a", bytes_of("xyz")), InternalError);
  SafetensorsWriter other(directory.path(), {{"a", DType::i8, {2}}}, 1);
  other.write("a", bytes_of("x"));
  EXPECT_THROW(other.finish(), InternalError);
  other.write("a", bytes_of("x"));
  EXPECT_THROW(other.write("a", bytes_of("x")), InternalError);
  EXPECT_FALSE(std::filesystem::exists(directory / kSingleFile));
}

TEST(SafetensorsWriter, UnfinishedFilesVanish) {
  const TemporaryDirectory directory;
  {
    SafetensorsWriter writer(directory.path(), {{"a", DType::i8, {2}}, {"b", DType::i8, {1}}}, 2);
    writer.write("a", bytes_of("xy"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(SafetensorsWriter, DataIsAligned) {
  const TemporaryDirectory directory;
  SafetensorsWriter writer(directory.path(), {{"a", DType::i8, {1}}}, 1);
  writer.write("a", bytes_of("x"));
  writer.finish();
  const std::string text = testing::read_text(directory / kSingleFile);
  EXPECT_EQ((text.size() - 1) % 64, 0U);
}

TEST(SafetensorsWriter, NoTensorsIsAFile) {
  const TemporaryDirectory directory;
  SafetensorsWriter writer(directory.path(), {}, 1);
  writer.finish();
  EXPECT_TRUE(SafetensorsFile(directory / kSingleFile).tensors().empty());
}

}  // namespace
}  // namespace fathom
