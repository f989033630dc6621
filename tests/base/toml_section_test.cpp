#include "fathom/base/toml_section.h"

#include <gtest/gtest.h>

#include "tests/base/file_support.h"

namespace fathom {
namespace {

using testing::error_of;
using testing::TemporaryDirectory;

TEST(TomlSection, EveryKindOfValue) {
  const TemporaryDirectory folder;
  const std::filesystem::path file = folder.path() / "a.toml";
  testing::write_text(file, "whole = 7\nreal = 2\nyes = true\ntext = \"a\"\npath = \"b/c\"\n[table]\nx = 1\n");
  TomlSection root = TomlSection::load("recipe", file, {});
  std::int64_t whole = 0;
  double real = 0.0;
  double missing = 9.0;
  bool yes = false;
  std::string text;
  std::filesystem::path path;
  root.read("whole", whole, 0, 10);
  root.read("real", real, 0.0, 10.0);  // a whole number is a number
  root.read("missing", missing, 0.0, 1.0);
  root.read("yes", yes);
  root.read("text", text);
  root.read("path", path);
  EXPECT_EQ(whole, 7);
  EXPECT_EQ(real, 2.0);
  EXPECT_EQ(missing, 9.0);
  EXPECT_TRUE(yes);
  EXPECT_EQ(text, "a");
  EXPECT_EQ(path, folder.path() / "b/c");
  std::int64_t inner = 0;
  TomlSection table = root.section("table");
  table.read("x", inner, 0, 1);
  EXPECT_EQ(inner, 1);
  table.finish();
  root.finish();
}

TEST(TomlSection, KindsAreNotMixed) {
  const TemporaryDirectory folder;
  const std::filesystem::path file = folder.path() / "a.toml";
  testing::write_text(file, "whole = 7.0\nyes = 1\ntext = 3\ntable = 4\nlist = [1]\n");
  TomlSection root = TomlSection::load("recipe", file, {});
  std::int64_t whole = 0;
  bool yes = false;
  std::string text;
  EXPECT_NE(error_of([&] { root.read("whole", whole, 0, 10); }).find("a.toml:1: whole is no whole number"),
            std::string::npos);
  EXPECT_NE(error_of([&] { root.read("yes", yes); }).find("neither true nor false"), std::string::npos);
  EXPECT_NE(error_of([&] { root.read("text", text); }).find("no text in quotes"), std::string::npos);
  EXPECT_NE(error_of([&] { root.section("table"); }).find("is no table"), std::string::npos);
  EXPECT_NE(error_of([&] { root.sections("list"); }).find("[0] is no table"), std::string::npos);
  EXPECT_NE(error_of([&] { root.sections("table"); }).find("no list of tables"), std::string::npos);
}

TEST(TomlSection, SettingsMakeTablesThatAreNotThere) {
  const TemporaryDirectory folder;
  const std::filesystem::path file = folder.path() / "a.toml";
  testing::write_text(file, "");
  TomlSection root = TomlSection::load("recipe", file, {"a.b=3", "a.word=hello", "a.quoted=\"x y\""});
  TomlSection a = root.section("a");
  std::int64_t b = 0;
  std::string word;
  std::string quoted;
  a.read("b", b, 0, 10);
  a.read("word", word);
  a.read("quoted", quoted);
  EXPECT_EQ(b, 3);
  EXPECT_EQ(word, "hello");
  EXPECT_EQ(quoted, "x y");
}

}  // namespace
}  // namespace fathom
