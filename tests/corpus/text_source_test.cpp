#include "fathom/corpus/text_source.h"

#include <gtest/gtest.h>

#include "tests/base/file_support.h"
#include "tests/corpus/corpus_support.h"

namespace fathom {
namespace {

using testing::error_of;
using testing::TemporaryDirectory;

std::string read_all(const std::filesystem::path& path) {
  TextSource source(path);
  std::string text;
  double share = 0.0;
  while (source.read(text)) {
    EXPECT_GE(source.share(), share);
    share = source.share();
  }
  EXPECT_EQ(source.share(), 1.0);
  return text;
}

std::string long_text() {
  std::string text;
  for (int number = 0; number < 20'000; ++number) text += testing::prose(number);
  return text;
}

TEST(TextSource, ReadsPlainAndPackedAlike) {
  const TemporaryDirectory directory;
  const std::string text = long_text();
  ASSERT_GT(text.size(), std::size_t{3} << 20);
  testing::write_text(directory / "plain", text);
  testing::write_text(directory / "packed", testing::zstd_packed(text));
  testing::write_text(directory / "two", testing::zstd_packed(text) + testing::zstd_packed("more"));
  EXPECT_LT(std::filesystem::file_size(directory / "packed"), text.size() / 2);
  EXPECT_EQ(read_all(directory / "plain"), text);
  EXPECT_EQ(read_all(directory / "packed"), text);
  EXPECT_EQ(read_all(directory / "two"), text + "more");
}

TEST(TextSource, EmptyFilesAreEmpty) {
  const TemporaryDirectory directory;
  testing::write_text(directory / "plain", "");
  testing::write_text(directory / "packed", testing::zstd_packed(""));
  EXPECT_EQ(read_all(directory / "plain"), "");
  EXPECT_EQ(read_all(directory / "packed"), "");
}

TEST(TextSource, SaysWhenItIsDamaged) {
  const TemporaryDirectory directory;
  const std::string packed = testing::zstd_packed(long_text());
  testing::write_text(directory / "cut", packed.substr(0, packed.size() / 2));
  EXPECT_NE(error_of([&] { read_all(directory / "cut"); }).find("is truncated"), std::string::npos);
  std::string broken = packed;
  broken.replace(4, 20, std::string(20, '\xFF'));
  testing::write_text(directory / "broken", broken);
  EXPECT_NE(error_of([&] { read_all(directory / "broken"); }).find("broken cannot be unpacked"), std::string::npos);
  EXPECT_NE(error_of([&] { read_all(directory / "none"); }).find("cannot open"), std::string::npos);
}

}  // namespace
}  // namespace fathom
