#include "fathom/checkpoint/shard_set.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/checkpoint/checkpoint_support.h"

namespace fathom {
namespace {

using testing::error_of;
using testing::file_text;
using testing::LooseTensors;
using testing::TemporaryDirectory;
using testing::write_text;

void expect_error(const std::filesystem::path& directory, std::string_view said) {
  const std::string error = error_of([&] { open_shards(directory); });
  EXPECT_NE(error.find(said), std::string::npos) << "expected: " << said << "\nfound: " << error;
  EXPECT_NE(error.find(directory.string()), std::string::npos) << error;
}

// Two shards, a in one.safetensors and b in two.safetensors.
void write_pair(const std::filesystem::path& directory, std::string_view map) {
  write_text(directory / "one.safetensors", file_text(LooseTensors{{"a", "I8", {1}, "x"}}));
  write_text(directory / "two.safetensors", file_text(LooseTensors{{"b", "I8", {2}, "yz"}}));
  write_text(directory / kIndexFile, fmt::format(R"({{"metadata":{{}},"weight_map":{}}})", map));
}

TEST(ShardSet, OneFileIsTheCheckpoint) {
  const TemporaryDirectory directory;
  expect_error(directory.path(), "found 0 safetensors files");
  write_text(directory / "goldens-smooth.safetensors", file_text("{}"));
  expect_error(directory.path(), "found 0 safetensors files");
  write_text(directory / "weights.safetensors", file_text(LooseTensors{{"a", "I8", {1}, "x"}}));
  EXPECT_EQ(open_shards(directory.path()).size(), 1U);
  write_text(directory / "more.safetensors", file_text("{}"));
  expect_error(directory.path(), "found 2 safetensors files");
  write_text(directory / kSingleFile, file_text("{}"));
  EXPECT_EQ(open_shards(directory.path())[0].path().filename(), kSingleFile);
}

TEST(ShardSet, AnIndexNamesTheFiles) {
  const TemporaryDirectory directory;
  write_pair(directory.path(), R"({"a":"one.safetensors","b":"two.safetensors"})");
  const auto files = open_shards(directory.path());
  ASSERT_EQ(files.size(), 2U);
  EXPECT_NE(files[0].find("a"), nullptr);
  EXPECT_NE(files[1].find("b"), nullptr);
}

TEST(ShardSet, MissingShard) {
  const TemporaryDirectory directory;
  write_pair(directory.path(), R"({"a":"one.safetensors","b":"three.safetensors"})");
  expect_error(directory.path(), "shard three.safetensors is missing in the directory, expected for tensor b");
}

TEST(ShardSet, WrongShard) {
  const TemporaryDirectory directory;
  write_pair(directory.path(), R"({"a":"two.safetensors","b":"one.safetensors"})");
  expect_error(directory.path(), "tensor a lies in one.safetensors, expected two.safetensors");
}

TEST(ShardSet, MissingAndUnexpectedTensors) {
  const TemporaryDirectory directory;
  write_pair(directory.path(), R"({"a":"one.safetensors","c":"two.safetensors"})");
  expect_error(directory.path(), "unexpected tensor b in two.safetensors");
  expect_error(directory.path(), "tensor c is missing, expected in two.safetensors");
}

TEST(ShardSet, DuplicateTensors) {
  const TemporaryDirectory directory;
  write_pair(directory.path(), R"({"a":"one.safetensors","b":"two.safetensors","a":"two.safetensors"})");
  expect_error(directory.path(), "tensor a is named twice");
  write_pair(directory.path(), R"({"a":"one.safetensors","b":"two.safetensors"})");
  write_text(directory / "two.safetensors", file_text(LooseTensors{{"a", "I8", {1}, "x"}, {"b", "I8", {1}, "y"}}));
  expect_error(directory.path(), "tensor a lies in one.safetensors and again in two.safetensors");
}

TEST(ShardSet, IndexThatIsNone) {
  const TemporaryDirectory directory;
  for (const char* map : {"[]", "3", "null", "{}"}) {
    write_pair(directory.path(), map);
    expect_error(directory.path(), "weight_map");
  }
  for (const char* text : {"", "{", "[]", "{}", "\xff"}) {
    write_text(directory / kIndexFile, text);
    expect_error(directory.path(), kIndexFile);
  }
}

TEST(ShardSet, ShardsStandBesideTheIndex) {
  const TemporaryDirectory directory;
  for (const char* shard : {"\"../one.safetensors\"", "\"/etc/passwd\"", "\"\"", "\".\"", "\"..\"", "\"a/b\"", "7",
                            "[\"one.safetensors\"]", "\"one\\u0000.safetensors\""}) {
    write_pair(directory.path(), fmt::format(R"({{"a":"one.safetensors","b":{}}})", shard));
    expect_error(directory.path(), "expected the name of a file beside the index");
  }
}

TEST(ShardSet, BrokenShardIsNamed) {
  const TemporaryDirectory directory;
  write_pair(directory.path(), R"({"a":"one.safetensors","b":"two.safetensors"})");
  write_text(directory / "two.safetensors", "short");
  expect_error(directory.path(), "two.safetensors: the file has 5 bytes");
}

TEST(ShardSet, NoDirectory) {
  EXPECT_NE(error_of([] { open_shards("/no/such/directory"); }).find("/no/such/directory"), std::string::npos);
}

}  // namespace
}  // namespace fathom
