// `fathom logits`, from the outside.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "fathom/checkpoint/safetensors_file.h"
#include "tests/apps/model_copy_support.h"
#include "tests/apps/program_support.h"

namespace fathom::testing {
namespace {

class LogitsCommand : public ::testing::Test {
 protected:
  // Writes `ids` and runs; the floats that came.
  std::vector<float> logits(const std::string& ids, const Arguments& more = {}) {
    std::ofstream(folder_.path() / "ids.txt") << ids;
    Arguments arguments{"logits", kSprat.string(), "--ids",     (folder_.path() / "ids.txt").string(),
                        "--out",  out_.string(),   "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    ran_ = run_program(arguments);
    if (ran_.exit_code != 0) return {};
    const std::string bytes = text_of(out_);
    std::vector<float> result(bytes.size() / sizeof(float));
    std::memcpy(result.data(), bytes.data(), result.size() * sizeof(float));
    return result;
  }
  void expect_error(const std::string& part) {
    EXPECT_EQ(ran_.exit_code, 1);
    EXPECT_NE(ran_.err.find(part), std::string::npos) << ran_.err << " has no " << part;
  }

  TemporaryFolder folder_;
  std::filesystem::path out_ = folder_.path() / "logits.f32";
  Ran ran_;
};

// The golden's own tokens give the golden's logits.
TEST_F(LogitsCommand, AreThoseOfTheReference) {
  const SafetensorsFile golden(kSprat / "goldens-smooth.safetensors");
  std::string ids;
  for (const std::int32_t id : golden.integers("token_ids")) ids += std::to_string(id) + "\n";
  const auto expected = golden.floats("logits");
  const auto found = logits(ids, {"--cache", "float32"});
  ASSERT_EQ(found.size(), expected.size()) << ran_.err;
  for (std::size_t value = 0; value < found.size(); ++value) ASSERT_NEAR(found[value], expected[value], 1e-3);
  EXPECT_NE(ran_.out.find("256 rows of 1536"), std::string::npos) << ran_.out;
}

TEST_F(LogitsCommand, TheChunkChangesNothing) {
  const std::string ids = "0 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20";
  const auto whole = logits(ids);
  ASSERT_EQ(whole.size(), 17U * 1536U);
  for (const char* chunk : {"1", "4", "16", "1000000"}) EXPECT_EQ(logits(ids, {"--chunk", chunk}), whole) << chunk;
}

TEST_F(LogitsCommand, FaultyIdsAreNamed) {
  EXPECT_TRUE(logits("").empty());
  expect_error("ids.txt");
  EXPECT_TRUE(logits("1 2 three 4").empty());
  expect_error("after the first 2");
  EXPECT_TRUE(logits("1 1536").empty());
  expect_error("1536");
  EXPECT_TRUE(logits("99999999999").empty());
  expect_error("ids.txt");
}

TEST_F(LogitsCommand, FilesThatCannotBeAreNamed) {
  out_ = "/no/such/folder/logits.f32";
  EXPECT_TRUE(logits("1 2").empty());
  expect_error("/no/such/folder/logits.f32");
  EXPECT_EQ(run_program({"logits", kSprat.string(), "--ids", "/no/ids", "--out", out_.string()}).exit_code, 1);
  EXPECT_EQ(run_program({"logits", kSprat.string()}).exit_code, 2);
}

}  // namespace
}  // namespace fathom::testing
