#include "fathom/base/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>

#include "fathom/base/error.h"

namespace fathom {
namespace {

class MappedFileTest : public ::testing::Test {
 protected:
  MappedFileTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("fathom_mapped_file_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + "_" +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder_);
  }
  ~MappedFileTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file(const std::string& text) {
    std::ofstream(folder_ / "file", std::ios::binary) << text;
    return folder_ / "file";
  }
  std::filesystem::path folder_;
};

TEST_F(MappedFileTest, TheBytesOfTheFile) {
  const std::string text("a\0b\n", 4);
  const MappedFile mapped(file(text));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size()), text);
  EXPECT_EQ(read_text_file(folder_ / "file"), text);
}

TEST_F(MappedFileTest, AnEmptyFileHasNoBytes) {
  EXPECT_TRUE(MappedFile(file("")).bytes().empty());
  EXPECT_EQ(read_text_file(folder_ / "file"), "");
}

TEST_F(MappedFileTest, MovesItsBytes) {
  MappedFile first(file("abc"));
  const std::byte* data = first.bytes().data();
  MappedFile second(std::move(first));
  EXPECT_EQ(second.bytes().data(), data);
  MappedFile third;
  third = std::move(second);
  EXPECT_EQ(third.bytes().data(), data);
}

TEST_F(MappedFileTest, WhatIsNotAFileIsNamed) {
  for (const std::filesystem::path& path : {folder_ / "missing", folder_}) {
    try {
      const MappedFile mapped(path);
      FAIL() << path;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
    }
  }
}

TEST_F(MappedFileTest, TextHasALimit) {
  const std::filesystem::path path = file("12345");
  EXPECT_EQ(read_text_file(path, 5), "12345");
  EXPECT_THROW(read_text_file(path, 4), InputError);
  EXPECT_THROW(read_text_file("/dev/zero", 1 << 20), InputError) << "text without an end";
}

// Kilobytes of this process's memory that mirror files.
std::int64_t kilobytes_of_files() {
  std::ifstream lines("/proc/self/status");
  std::int64_t kilobytes = 0;
  for (std::string word; lines >> word;)
    if (word == "RssFile:") lines >> kilobytes;
  return kilobytes;
}

TEST_F(MappedFileTest, PagesThatAreGivenBackAreReadAgain) {
  constexpr std::size_t kBytes = std::size_t{32} << 20;
  const std::filesystem::path path = folder_ / "large";
  std::ofstream(path, std::ios::binary) << std::string(kBytes, 'x');
  const MappedFile file(path);
  const auto all_are_x = [&] {
    return std::all_of(file.bytes().begin(), file.bytes().end(), [](std::byte byte) { return byte == std::byte{'x'}; });
  };
  ASSERT_TRUE(all_are_x());
  const std::int64_t before = kilobytes_of_files();
  give_back_pages(file.bytes().subspan(100, kBytes - 200));  // beginning and ending within a page
  EXPECT_LT(kilobytes_of_files(), before - 24 * 1024);
  EXPECT_TRUE(all_are_x());
  give_back_pages({});
}

TEST_F(MappedFileTest, TextMayComeFromAPipe) {
  const std::string text(200'000, 'x');  // more than a pipe holds at once
  const std::filesystem::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe, std::ios::binary) << text; });
  EXPECT_EQ(read_text_file(pipe), text);
  writer.join();
}

TEST_F(MappedFileTest, AFolderIsNoText) {
  try {
    read_text_file(folder_);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(folder_.string()), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace fathom
