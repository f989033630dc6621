#include "fathom/apps/golden_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "fathom/backends/cpu/cpu_backend.h"
#include "tests/apps/model_copy_support.h"
#include "tests/apps/program_support.h"

namespace fathom::testing {
namespace {

constexpr const char* kReleased = "goldens-released.safetensors";
constexpr std::int64_t kVocab = 1536;
constexpr std::int64_t kPrompt = 256;  // sprat's golden is one prompt

// A report that passes, to be spoilt.
GoldenReport good_report() {
  GoldenReport report;
  report.name = "goldens-smooth";
  report.tolerance = {.logits_largest = 0.1, .logits_mean = 0.01, .streams_largest = 0.2, .mtp_largest = 0.3};
  report.tokens = 2;
  report.logits.add(1.0F, 1.005F);
  report.mtp.add(1.0F, 1.25F);
  report.streams.add(1.0F, 1.125F);
  report.experts = {.sets = 4, .wrong = 0, .ties = 1};
  report.index = {.sets = 3, .wrong = 0, .ties = 0};
  return report;
}

TEST(Difference, KeepsTheLargestAndTheMean) {
  Difference difference;
  EXPECT_EQ(difference.mean(), 0.0);
  difference.add(1.0F, 1.0F);
  difference.add(1.0F, 1.5F);
  difference.add(-1.0F, -2.0F);
  EXPECT_EQ(difference.largest, 1.0);
  EXPECT_EQ(difference.mean(), 0.5);
  EXPECT_EQ(difference.values, 3);
  EXPECT_TRUE(difference.finite);
}

TEST(Difference, WhatIsNoNumberShowsOnEitherSide) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const auto& [found, expected] : {std::pair{std::nanf(""), 1.0F}, std::pair{1.0F, std::nanf("")},
                                        std::pair{infinity, infinity}, std::pair{-infinity, 0.0F}}) {
    Difference difference;
    difference.add(found, expected);
    EXPECT_FALSE(difference.finite) << found << " and " << expected;
    EXPECT_EQ(difference.values, 1);
  }
}

TEST(GoldenReport, PassesWithinItsToleranceAlone) {
  EXPECT_TRUE(good_report().passed());
  const auto fails = [](const auto& spoil) {
    GoldenReport report = good_report();
    spoil(report);
    return !report.passed() && report.line().starts_with("FAIL");
  };
  EXPECT_TRUE(fails([](GoldenReport& report) { report.logits.add(0.0F, 0.11F); })) << "largest";
  EXPECT_TRUE(fails([](GoldenReport& report) {
    for (int value = 0; value < 9; ++value) report.logits.add(0.0F, 0.05F);
  })) << "mean";
  EXPECT_TRUE(fails([](GoldenReport& report) { report.mtp.add(0.0F, 0.31F); }));
  EXPECT_TRUE(fails([](GoldenReport& report) { report.streams.add(0.0F, 0.21F); }));
  EXPECT_TRUE(fails([](GoldenReport& report) { report.logits.add(0.0F, std::nanf("")); }));
  EXPECT_TRUE(fails([](GoldenReport& report) { report.mtp.add(0.0F, std::nanf("")); }));
  EXPECT_TRUE(fails([](GoldenReport& report) { report.streams.add(0.0F, std::nanf("")); }));
  EXPECT_TRUE(fails([](GoldenReport& report) { report.experts.wrong = 1; }));
  EXPECT_TRUE(fails([](GoldenReport& report) { report.index.wrong = 1; }));
  EXPECT_TRUE(fails([](GoldenReport& report) { report.logits = {}; })) << "nothing compared is nothing shown";
}

TEST(GoldenReport, TheLineAndTheJsonSayTheSame) {
  GoldenReport report = good_report();
  report.index.wrong = 2;
  report.tied_rows = 1;
  const std::string line = report.line();
  for (const char* part : {"FAIL", "goldens-smooth", "2 tokens", "logits max 5.0e-03", "experts 4/4 (1 tied)",
                           "index 1/3", "1 tied row(s) left out"})
    EXPECT_NE(line.find(part), std::string::npos) << line << " has no " << part;
  const auto json = nlohmann::json::parse(report.json());
  EXPECT_EQ(json["golden"], "goldens-smooth");
  EXPECT_EQ(json["passed"], false);
  EXPECT_EQ(json["index_topk"]["wrong"], 2);
  EXPECT_EQ(json["experts"]["ties"], 1);
  EXPECT_EQ(json["logits"]["values"], 1);
  EXPECT_EQ(json["tied_rows"], 1);
  report.logits.add(0.0F, std::nanf(""));
  EXPECT_NE(report.line().find("NOT FINITE"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(report.json())["logits"]["finite"], false);
}

TEST(FindGoldens, TakesWhatLiesBesideTheCheckpointInOrder) {
  ModelCopy copy(kSprat);
  copy.write("goldens-a.safetensors", "");
  copy.write("goldens.safetensors", "");
  copy.write("goldens-b.json", "");
  const auto found = find_goldens(copy.path());
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].filename(), "goldens-a.safetensors");
  EXPECT_EQ(found[1].filename(), kReleased);
  EXPECT_EQ(found[2].filename(), "goldens-smooth.safetensors");
  EXPECT_EQ(storage_of_golden(found[1]), CacheStorage::released);
  EXPECT_EQ(storage_of_golden(found[2]), CacheStorage::float32);
}

TEST(OracleRunLengths, ArePrefillThenTokenByToken) {
  EXPECT_EQ(oracle_run_lengths(0, 400, 440), 400);
  EXPECT_EQ(oracle_run_lengths(400, 400, 440), 1);
  EXPECT_EQ(oracle_run_lengths(439, 400, 440), 1);
}

class CheckGolden : public ::testing::Test {
 protected:
  GoldenReport check(const RunLengths& run_lengths = oracle_run_lengths) {
    const auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(copy_.path()));
    Transformer transformer(checkpoint, backend_, {.storage = CacheStorage::released});
    return check_golden(transformer, copy_ / kReleased, run_lengths);
  }
  std::string error() {
    try {
      check();
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }
  void expect_error(const std::vector<std::string>& parts) {
    const std::string found = error();
    for (const std::string& part : parts) EXPECT_NE(found.find(part), std::string::npos) << found << " has no " << part;
  }

  ModelCopy copy_{kSprat};
  CpuBackend backend_{{.threads = 1}};
};

TEST_F(CheckGolden, AgreesHoweverTheTokensAreFed) {
  const GoldenReport whole = check();
  EXPECT_TRUE(whole.passed()) << whole.line();
  EXPECT_EQ(whole.tokens, kPrompt);
  EXPECT_EQ(whole.logits.values, kPrompt * kVocab);
  EXPECT_EQ(whole.experts.sets, 4 * kPrompt);
  EXPECT_EQ(whole.index.sets, 2 * kPrompt);
  EXPECT_EQ(whole.streams.values, 4 * 3 * 4 * 128);
  const GoldenReport chunked =
      check([](std::int64_t start, std::int64_t, std::int64_t) { return start % 3 == 0 ? 7 : 50; });
  EXPECT_EQ(chunked.json(), whole.json());
  const GoldenReport greedy = check([](std::int64_t, std::int64_t, std::int64_t) { return std::int64_t{1} << 40; });
  EXPECT_EQ(greedy.json(), whole.json()) << "lengths are cut to what there is";
}

TEST_F(CheckGolden, OneWrongLogitFails) {
  copy_.set_element(kReleased, "logits", 100 * kVocab + 7, 90.0F);
  const GoldenReport report = check();
  EXPECT_FALSE(report.passed());
  EXPECT_GT(report.logits.largest, 50.0);
}

TEST_F(CheckGolden, ALogitThatIsNoNumberFails) {
  copy_.set_element(kReleased, "logits", 3, std::nanf(""));
  EXPECT_FALSE(check().passed());
}

TEST_F(CheckGolden, AWrongStreamFails) {
  copy_.set_element(kReleased, "layers.2.streams", 5, 1000.0F);
  EXPECT_FALSE(check().passed());
}

TEST_F(CheckGolden, AWrongExpertIsCounted) {
  copy_.set_element(kReleased, "layers.3.experts", 0, std::int32_t{0});
  copy_.set_element(kReleased, "layers.3.experts", 1, std::int32_t{7});
  copy_.set_element(kReleased, "layers.3.experts", 2, std::int32_t{1});
  copy_.set_element(kReleased, "layers.3.experts", 3, std::int32_t{6});
  const GoldenReport report = check();
  EXPECT_GE(report.experts.wrong, 1);
  EXPECT_LE(report.experts.wrong, 2);
  EXPECT_FALSE(report.passed());
}

TEST_F(CheckGolden, AWrongEntryIsCounted) {
  // At position 255 all 64 entries are visible and chosen: taking one away is no tie, for the sets differ in size.
  copy_.set_element(kReleased, "layers.1.index_topk", kPrompt * 64 - 1, std::int32_t{-1});
  const GoldenReport report = check();
  EXPECT_EQ(report.index.wrong, 1);
  EXPECT_EQ(report.index.ties, 0);
}

TEST_F(CheckGolden, WrongShapesNameTensorAndBothSizes) {
  copy_.cut_rows(kReleased, "logits", 255);
  expect_error({kReleased, "logits", std::to_string(255 * kVocab), std::to_string(256 * kVocab)});
}

TEST_F(CheckGolden, WrongSetsNameTensorAndBothSizes) {
  copy_.cut_rows(kReleased, "layers.1.experts", 200);
  expect_error({"layers.1.experts", "400", "512"});
}

TEST_F(CheckGolden, WrongStreamsNameTensorAndBothSizes) {
  copy_.cut_rows(kReleased, "layers.0.streams", 2);
  expect_error({"layers.0.streams", std::to_string(2 * 512), std::to_string(3 * 512)});
}

TEST_F(CheckGolden, EntriesThatDoNotDivideAmongThePromptAreNamed) {
  copy_.cut_rows(kReleased, "layers.3.index_topk", 255);
  copy_.set_element(kReleased, "prompt_length", 0, std::int32_t{256});
  EXPECT_NE(error(), "");
}

TEST_F(CheckGolden, APromptBeyondTheTokensIsNamed) {
  copy_.set_element(kReleased, "prompt_length", 0, std::int32_t{257});
  expect_error({"prompt_length", "257", "256"});
  copy_.set_element(kReleased, "prompt_length", 0, std::int32_t{0});
  expect_error({"prompt_length", "0"});
}

TEST_F(CheckGolden, AMissingTensorIsNamed) {
  copy_.rename(kReleased, "token_ids", "tokens");
  expect_error({"token_ids"});
}

// A golden that asks for more than the checkpoint has must not pass as if all of it had been compared.
TEST_F(CheckGolden, WhatIsNotComparedIsNamed) {
  EXPECT_EQ(check().line().find("NOT COMPARED"), std::string::npos);
  copy_.rename(kReleased, "layers.3.streams", "layers.30.streams");
  copy_.rename(kReleased, "layers.1.index_topk", "layers.0.index_topk");  // a layer without an indexer
  const GoldenReport report = check();
  EXPECT_EQ(std::set<std::string>(report.not_compared.begin(), report.not_compared.end()),
            (std::set<std::string>{"layers.0.index_topk", "layers.30.streams"}));
  EXPECT_NE(report.line().find("NOT COMPARED: layers."), std::string::npos) << report.line();
  EXPECT_EQ(nlohmann::json::parse(report.json())["not_compared"].size(), 2U);
}

TEST_F(CheckGolden, AnUnknownTokenIsNamed) {
  copy_.set_element(kReleased, "token_ids", 9, std::int32_t{1536});
  expect_error({"1536"});
}

// A damaged golden must not make the program read where nothing is. It runs by itself here: what it does may end it.
class DamagedGolden : public ::testing::Test {
 protected:
  void expect_named(std::string_view tensor, std::int64_t index, std::int32_t value) {
    ModelCopy copy(kSprat);
    copy.remove("goldens-smooth.safetensors");
    copy.set_element(kReleased, tensor, index, value);
    const Ran ran = run_program({"check", "--threads", "1", copy.path().string()});
    EXPECT_EQ(ran.exit_code, 1);
    for (const std::string& part : {std::string(tensor), std::to_string(value)})
      EXPECT_NE(ran.err.find(part), std::string::npos) << ran.err << " has no " << part;
  }
};

TEST_F(DamagedGolden, ExpertsThatDoNotExistAreNamed) {
  for (const std::int32_t expert : {8, -2, 2000000000}) expect_named("layers.1.experts", 20, expert);
}

TEST_F(DamagedGolden, EntriesThatDoNotExistAreNamed) {
  for (const std::int32_t entry : {64, -2, 2000000000}) expect_named("layers.1.index_topk", 200 * 64, entry);
}

TEST_F(CheckGolden, ATruncatedFileIsAnInputError) {
  copy_.write(kReleased, text_of(kSprat / kReleased).substr(0, 100000));
  expect_error({kReleased});
  copy_.write(kReleased, "");
  expect_error({kReleased});
}

}  // namespace
}  // namespace fathom::testing
