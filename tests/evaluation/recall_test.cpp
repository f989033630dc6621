#include "fathom/evaluation/recall.h"

#include <gtest/gtest.h>

#include "fathom/chat/prompt.h"
#include "tests/evaluation/evaluation_support.h"

namespace fathom::testing {
namespace {

class RecallTest : public ::testing::Test {
 protected:
  RecallTest() {
    std::string prose;
    for (int sentence = 0; sentence < 300; ++sentence)
      prose += "It was a calm day in the year " + std::to_string(1500 + sentence) + ". So it was. ";
    write_text(directory_ / "prose", prose);
    std::string facts;
    for (int group = 0; group < 3; ++group) {
      facts += R"({"facts": [)";
      for (int fact = 0; fact < 5; ++fact)
        facts += std::string(fact == 0 ? "" : ", ") + R"({"sentence": "Fact )" + std::to_string(group * 5 + fact) +
                 R"( is here.", "question": "Where is fact )" + std::to_string(group * 5 + fact) +
                 R"(?", "check": {"kind": "any_of", "expected": [")" + (fact < 2 ? "" : "zzqqzzqq") + R"("]}})";
      facts += "]}\n";
    }
    write_text(directory_ / "facts", facts);
  }
  std::vector<Table> evaluate(std::vector<RecallSuite::Length> lengths, Amount amount = {}) {
    return evaluate(asked_, std::move(lengths), amount);
  }
  std::vector<Table> evaluate(const AskedModel& asked, std::vector<RecallSuite::Length> lengths, Amount amount = {}) {
    PartRun run(asked, amount);
    auto tables = evaluate_recall({.facts = directory_ / "facts",
                                   .carrier = {directory_ / "prose"},
                                   .max_tokens = 4,
                                   .lengths = std::move(lengths)},
                                  run.context());
    log_ = run.log_lines();
    return tables;
  }
  const TemporaryDirectory directory_;
  const AskedModel asked_;
  std::vector<std::string> log_;
};

TEST_F(RecallTest, ByLengthAndPlace) {
  const auto tables = evaluate({{.tokens = 300, .texts = 2}, {.tokens = 600, .texts = 1}});
  ASSERT_EQ(tables.size(), 1U);
  const auto& rows = tables.front().rows;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(to_text(rows[0][0]), "300");
  EXPECT_EQ(to_text(rows[0][1]), "40.0 % of 10");
  for (const std::size_t fifth : {2U, 3U}) EXPECT_EQ(to_text(rows[0][fifth]), "100.0 % of 2");
  for (const std::size_t fifth : {4U, 5U, 6U}) EXPECT_EQ(to_text(rows[0][fifth]), "0.0 % of 2");
  EXPECT_EQ(to_text(rows[1][1]), "40.0 % of 5");
  ASSERT_EQ(log_.size(), 15U);
  EXPECT_NE(log_[0].find("Where is fact 0?"), std::string::npos);
  EXPECT_NE(log_[5].find("Where is fact 5?"), std::string::npos) << "the next text has the next facts";
}

TEST_F(RecallTest, LengthsBeyondTheModelAreLeftOut) {
  EXPECT_EQ(evaluate({{.tokens = 256, .texts = 1}, {.tokens = 1 << 21, .texts = 1}}).front().rows.size(), 1U);
}

TEST_F(RecallTest, MoreOrFewerTexts) {
  evaluate({{.tokens = 200, .texts = 2}}, {.scale = 2.0});
  EXPECT_EQ(log_.size(), 20U) << "four texts; the facts of the first come again";
  evaluate({{.tokens = 200, .texts = 2}}, {.scale = 0.01});
  EXPECT_EQ(log_.size(), 5U) << "one text at least";
  evaluate({{.tokens = 200, .texts = 2}}, {.limit = 1});
  EXPECT_EQ(log_.size(), 5U);
}

// A text is read once for its five questions, and what is answered is the same.
TEST_F(RecallTest, WithWhatWasReadKept) {
  evaluate({{.tokens = 900, .texts = 2}});
  const auto log = log_;
  const AskedModel keeping(512, 64, 1, {.on = true, .minimum = 16, .interval = 256});
  evaluate(keeping, {{.tokens = 900, .texts = 2}});
  EXPECT_EQ(log, log_);
  const EngineFigures plain = asked_.model().engine.figures();
  const EngineFigures kept = keeping.model().engine.figures();
  EXPECT_EQ(kept.hits, 8);
  EXPECT_EQ(kept.prompt_tokens + kept.cached_tokens, plain.prompt_tokens);
  EXPECT_LT(kept.prompt_tokens * 5, plain.prompt_tokens * 2);
}

TEST_F(RecallTest, TheSameEveryTime) {
  evaluate({{.tokens = 300, .texts = 2}});
  const auto log = log_;
  evaluate({{.tokens = 300, .texts = 2}});
  EXPECT_EQ(log, log_);
}

}  // namespace
}  // namespace fathom::testing
