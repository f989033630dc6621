#include "fathom/base/output_file.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "tests/base/file_support.h"

namespace fathom {
namespace {

using testing::TemporaryDirectory;

TEST(OutputFile, AppearsWhenItIsWhole) {
  const TemporaryDirectory directory;
  OutputFile file(directory / "a");
  file.write("one ");
  file.write("two");
  EXPECT_FALSE(std::filesystem::exists(directory / "a"));
  file.close();
  EXPECT_FALSE(std::filesystem::exists(directory / "a"));
  file.publish();
  EXPECT_EQ(testing::read_text(directory / "a"), "one two");
  EXPECT_FALSE(std::filesystem::exists(directory / "a.partial"));
}

TEST(OutputFile, LeavesNothingWhenItIsNot) {
  const TemporaryDirectory directory;
  testing::write_text(directory / "a", "before");
  {
    OutputFile file(directory / "a");
    file.write("half");
  }
  {
    OutputFile file(directory / "a");
    file.close();
    const OutputFile moved = std::move(file);
  }
  EXPECT_EQ(testing::read_text(directory / "a"), "before");
  EXPECT_FALSE(std::filesystem::exists(directory / "a.partial"));
}

TEST(OutputFile, LargeWritesPassThroughTheBuffer) {
  const TemporaryDirectory directory;
  std::string text;
  for (int part = 0; part < 700'000; ++part) text += static_cast<char>(part * 7);
  OutputFile file(directory / "a");
  for (int round = 0; round < 5; ++round) file.write(text);
  file.close();
  file.publish();
  EXPECT_EQ(testing::read_text(directory / "a"), text + text + text + text + text);
}

TEST(OutputFile, FaultsNameTheFile) {
  EXPECT_NE(testing::error_of([] { OutputFile("/no/such/directory/a"); }).find("/no/such/directory/a"),
            std::string::npos);
  const TemporaryDirectory directory;
  OutputFile file(directory / "a");
  file.close();
  EXPECT_THROW(file.write("late"), InternalError);
  EXPECT_THROW(file.close(), InternalError);
  std::filesystem::create_directory(directory / "b");
  OutputFile blocked(directory / "b");
  EXPECT_THROW(blocked.publish(), InternalError);
  blocked.close();
  EXPECT_NE(testing::error_of([&] { blocked.publish(); }).find("cannot rename"), std::string::npos);
}

TEST(OutputFile, FullDiskIsSaid) {
  const std::string error = testing::error_of([] {
    const TemporaryDirectory directory;
    std::filesystem::create_symlink("/dev/full", directory / "a.partial");
    OutputFile file(directory / "a");
    file.write("x");
    file.close();
  });
  EXPECT_NE(error.find("No space left on device"), std::string::npos) << error;
}

}  // namespace
}  // namespace fathom
