#include "fathom/checkpoint/safetensors_file.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "tests/checkpoint/checkpoint_support.h"

namespace fathom {
namespace {

using testing::error_of;
using testing::TemporaryDirectory;

TEST(SafetensorsFile, ReadsGoldens) {
  const SafetensorsFile file(FATHOM_TEST_DATA "/tiny-flash/goldens-smooth.safetensors");
  EXPECT_EQ(file.integers("prompt_length").size(), 1U);
  const std::vector<std::int32_t> ids = file.integers("token_ids");
  EXPECT_EQ(file.at("logits").shape, (std::vector<std::int64_t>{static_cast<std::int64_t>(ids.size()), 512}));
  EXPECT_EQ(file.floats("logits").size(), ids.size() * 512);
  EXPECT_EQ(file.find("nothing"), nullptr);
}

TEST(SafetensorsFile, SaysWhatIsNotThere) {
  const SafetensorsFile file(FATHOM_TEST_DATA "/tiny-flash/goldens-smooth.safetensors");
  EXPECT_NE(error_of([&] { file.at("nothing"); }).find("tensor nothing is missing"), std::string::npos);
  EXPECT_NE(error_of([&] { file.floats("token_ids"); }).find("token_ids is I32, expected F32"), std::string::npos);
  EXPECT_NE(error_of([&] { file.integers("logits"); }).find("logits is F32, expected I32 or I64"), std::string::npos);
}

TEST(SafetensorsFile, StaysWholeWhenMoved) {
  SafetensorsFile file(FATHOM_TEST_DATA "/tiny-flash/goldens-smooth.safetensors");
  const std::vector<float> before = file.floats("logits");
  std::vector<SafetensorsFile> files;
  files.push_back(std::move(file));
  files.reserve(100);
  EXPECT_EQ(files[0].floats("logits"), before);
}

TEST(SafetensorsFile, UnalignedElementsAreRead) {
  const TemporaryDirectory directory;
  const float value = 1.5F;
  const std::int64_t wide = std::int64_t{1} << 40;
  std::string floats(reinterpret_cast<const char*>(&value), sizeof(value));
  std::string integers(reinterpret_cast<const char*>(&wide), sizeof(wide));
  testing::write_text(
      directory / "a.safetensors",
      testing::file_text({{"pad", "I8", {1}, "x"}, {"f", "F32", {1}, floats}, {"i", "I64", {1}, integers}}));
  const SafetensorsFile file(directory / "a.safetensors");
  EXPECT_EQ(file.floats("f"), (std::vector<float>{1.5F}));
  EXPECT_NE(error_of([&] { file.integers("i"); }).find("holds 1099511627776, expected 32-bit integers"),
            std::string::npos);
}

TEST(SafetensorsFile, FilesThatCannotBeOpened) {
  EXPECT_NE(error_of([] { SafetensorsFile("/no/such/file"); }), "");
  EXPECT_NE(error_of([] { SafetensorsFile("/tmp"); }), "");
  const TemporaryDirectory directory;
  testing::write_text(directory / "empty", "");
  EXPECT_NE(error_of([&] { SafetensorsFile(directory / "empty"); }).find("the file has 0 bytes"), std::string::npos);
}

}  // namespace
}  // namespace fathom
