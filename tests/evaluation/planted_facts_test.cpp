#include "fathom/evaluation/planted_facts.h"

#include <gtest/gtest.h>

#include "tests/evaluation/evaluation_support.h"

namespace fathom::testing {
namespace {

const std::string kLine =
    R"({"facts": [{"sentence": "The code is 77.", "question": "What is the code?", "check": {"kind": "contains", "expected": ["77"]}},)"
    R"( {"sentence": "Anna lives in Lyon.", "question": "Where?", "check": {"kind": "contains", "expected": ["Lyon"]}}]})";

FactGroup facts(std::size_t count) {
  FactGroup group;
  for (std::size_t fact = 0; fact < count; ++fact)
    group.push_back(
        {.sentence = "Fact " + std::to_string(fact) + " stands here.", .question = "?", .check = {}, .expected = ""});
  return group;
}

std::string prose(int sentences) {
  std::string text;
  for (int sentence = 0; sentence < sentences; ++sentence) text += "Some prose of no importance. ";
  return text.substr(0, text.size() - 1);
}

TEST(PlantedFacts, ReadsGroups) {
  const TemporaryDirectory directory;
  write_text(directory / "f", packed(kLine + "\n\n" + kLine + "\n"));
  const auto groups = read_fact_groups(directory / "f");
  ASSERT_EQ(groups.size(), 2U);
  ASSERT_EQ(groups.front().size(), 2U);
  EXPECT_EQ(groups.front()[1].sentence, "Anna lives in Lyon.");
  EXPECT_EQ(groups.front()[1].expected, R"(["Lyon"])");
  EXPECT_EQ(groups.front()[0].check.texts, std::vector<std::string>{"77"});
}

TEST(PlantedFacts, FaultsNameFileAndLine) {
  const TemporaryDirectory directory;
  const auto error = [&](const std::string& text) {
    write_text(directory / "f", text);
    return error_of([&] { read_fact_groups(directory / "f"); });
  };
  EXPECT_NE(error("\n").find("holds no facts"), std::string::npos);
  EXPECT_NE(error(kLine + "\nx").find("f:2"), std::string::npos);
  EXPECT_NE(error(R"({"facts": []})").find("one fact or more"), std::string::npos);
  EXPECT_NE(
      error(R"({"facts": [{"sentence": "", "question": "a", "check": {"kind": "read"}}]})").find("facts[0].sentence"),
      std::string::npos);
  EXPECT_NE(error(R"({"facts": [{"sentence": "a", "question": "b"}]})").find("facts[0].check"), std::string::npos);
  EXPECT_NE(error("{}").find("an array"), std::string::npos);
}

TEST(PlantedFacts, StandWholeInOrderAndSpread) {
  const std::string text = prose(100);
  for (const std::size_t count : {1U, 2U, 5U, 8U}) {
    const PlantedText planted = plant(text, facts(count));
    std::size_t last = 0;
    std::string rest = planted.text;
    for (std::size_t fact = 0; fact < count; ++fact) {
      const std::string sentence = "Fact " + std::to_string(fact) + " stands here.";
      const std::size_t found = planted.text.find(sentence);
      ASSERT_NE(found, std::string::npos);
      EXPECT_GE(found, last);
      last = found;
      EXPECT_NEAR(planted.depths[fact], (static_cast<double>(fact) + 0.5) / static_cast<double>(count), 0.02);
      EXPECT_DOUBLE_EQ(planted.depths[fact], static_cast<double>(found) / static_cast<double>(planted.text.size()));
      rest.erase(rest.find(sentence + " "), sentence.size() + 1);
    }
    EXPECT_EQ(rest, text) << "the prose is as it was";
  }
}

TEST(PlantedFacts, ShortAndEmptyProse) {
  EXPECT_EQ(plant("", facts(2)).text, "Fact 0 stands here. Fact 1 stands here.");
  EXPECT_EQ(plant("One word", facts(1)).text, "One word Fact 0 stands here.");
  EXPECT_EQ(plant("It is. So it is.", facts(1)).text, "It is. Fact 0 stands here. So it is.");
}

}  // namespace
}  // namespace fathom::testing
