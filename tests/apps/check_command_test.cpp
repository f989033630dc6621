// `fathom check`, from the outside.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/apps/model_copy_support.h"
#include "tests/apps/program_support.h"

namespace fathom::testing {
namespace {

constexpr const char* kSmooth = "goldens-smooth.safetensors";

Ran check(const std::filesystem::path& directory, const Arguments& more = {}) {
  Arguments arguments{"check", "--threads", "1", directory.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_program(arguments);
}

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text << " has no " << part;
}

TEST(CheckCommand, SpratAgreesWithItsGoldens) {
  const Ran ran = check(kSprat);
  EXPECT_EQ(ran.exit_code, 0) << ran.out << ran.err;
  EXPECT_TRUE(ran.out.starts_with("ok   goldens-released")) << ran.out;
  expect_has(ran.out, "\nok   goldens-smooth");
  expect_has(ran.out, "cpu backend");
  EXPECT_EQ(ran.err, "");
}

TEST(CheckCommand, TheJsonIsALineForEachGolden) {
  const Ran ran = check(kSprat, {"--json"});
  EXPECT_EQ(ran.exit_code, 0);
  std::istringstream lines(ran.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["passed"], true);
    EXPECT_EQ(json["tokens"], 256);
  }
  EXPECT_EQ(count, 2);
}

TEST(CheckCommand, APerturbedLogitFailsWithOne) {
  ModelCopy copy(kSprat);
  copy.set_element(kSmooth, "logits", 200 * 1536 + 11, 3.25F);
  const Ran ran = check(copy.path());
  EXPECT_EQ(ran.exit_code, 1);
  expect_has(ran.out, "ok   goldens-released");
  expect_has(ran.out, "FAIL goldens-smooth");
  expect_has(ran.err, "1 of 2 goldens");
}

TEST(CheckCommand, ALogitThatIsNoNumberFailsWithOne) {
  ModelCopy copy(kSprat);
  copy.remove("goldens-released.safetensors");
  copy.set_element(kSmooth, "logits", 5, std::nanf(""));
  const Ran ran = check(copy.path());
  EXPECT_EQ(ran.exit_code, 1);
  expect_has(ran.out, "NOT FINITE");
}

TEST(CheckCommand, AGoldenOfAnotherShapeIsNamedWithBothSizes) {
  ModelCopy copy(kSprat);
  copy.remove("goldens-released.safetensors");
  copy.cut_rows(kSmooth, "logits", 100);
  const Ran ran = check(copy.path());
  EXPECT_EQ(ran.exit_code, 1);
  for (const std::string& part :
       {std::string(kSmooth), std::string("logits"), std::to_string(100 * 1536), std::to_string(256 * 1536)})
    expect_has(ran.err, part);
}

// A bit of a weight, far behind the header: only the goldens can tell.
TEST(CheckCommand, AFlippedBitInAWeightIsFound) {
  ModelCopy copy(kSprat);
  copy.remove("goldens-released.safetensors");
  copy.set_element("model.safetensors", "layers.1.attn.wkv.weight", 1000, std::uint8_t{0x7e});  // 448
  const Ran ran = check(copy.path());
  EXPECT_EQ(ran.exit_code, 1) << ran.out;
  expect_has(ran.out, "FAIL");
}

TEST(CheckCommand, WithoutGoldensThereIsNothingToSay) {
  ModelCopy copy(kSprat);
  copy.remove("goldens-released.safetensors");
  copy.remove(kSmooth);
  const Ran ran = check(copy.path());
  EXPECT_EQ(ran.exit_code, 1);
  expect_has(ran.err, copy.path().string());
  EXPECT_EQ(check("/no/such/model").exit_code, 1);
}

TEST(CheckCommand, BadUsageExitsWithTwo) {
  EXPECT_EQ(run_program({"check"}).exit_code, 2);
  EXPECT_EQ(check(kSprat, {"--backend", "gpu"}).exit_code, 2);
}

}  // namespace
}  // namespace fathom::testing
