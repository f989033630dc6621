#include "fathom/evaluation/evaluation.h"

#include <gtest/gtest.h>

#include "tests/evaluation/evaluation_support.h"

namespace fathom::testing {
namespace {

class EvaluationTest : public ::testing::Test {
 protected:
  EvaluationTest() {
    std::string text = "It was so. And so it went on. ";
    for (int line = 0; line < 30; ++line) text += "\nanother_line(" + std::to_string(line) + ");";
    write_text(directory_ / "text", text + "\n\n");
    write_text(directory_ / "dialogues",
               R"({"messages": [{"role": "user", "content": "Hi"}], "family": "a", "check": {"kind": "read"}})");
    write_text(directory_ / "facts", R"({"facts": [{"sentence": "A.", "question": "B?", "check": {"kind": "read"}}]})");
    suite_.file = directory_ / "eval.toml";
    suite_.bits_per_byte = {.window = 64, .texts = {{"one", directory_ / "text"}, {"two", directory_ / "text"}}};
    suite_.dialogues = {.file = directory_ / "dialogues", .max_tokens = 2, .by = {}};
    suite_.recall = {
        .facts = directory_ / "facts", .carrier = {directory_ / "text"}, .max_tokens = 2, .lengths = {{128, 1}}};
    suite_.fill_in_the_middle = {.file = directory_ / "text", .samples = 1, .longest = 512, .max_tokens = 2};
  }
  std::vector<std::string> parts(const std::vector<std::string>& only) {
    AnswerLog log;
    std::vector<std::string> names;
    const auto figures = evaluate(asked_.model(), suite_, {.only = only, .amount = {}}, log,
                                  {.part = [&](const PartFigures& part) { names.push_back(part.part); }});
    EXPECT_EQ(figures.size(), names.size());
    for (const PartFigures& part : figures) EXPECT_FALSE(part.tables.empty()) << part.part;
    return names;
  }
  const TemporaryDirectory directory_;
  const AskedModel asked_;
  Suite suite_;
};

using Names = std::vector<std::string>;

TEST_F(EvaluationTest, EveryPartInOrder) {
  EXPECT_EQ(parts({}), (Names{"bits_per_byte", "dialogues", "recall", "fill_in_the_middle"}));
}

TEST_F(EvaluationTest, ThosePartsThatAreAskedForOrThere) {
  EXPECT_EQ(parts({"fill_in_the_middle", "dialogues"}), (Names{"dialogues", "fill_in_the_middle"}));
  suite_.recall.reset();
  suite_.dialogues.reset();
  EXPECT_EQ(parts({}), (Names{"bits_per_byte", "fill_in_the_middle"}));
  EXPECT_NE(error_of([&] { parts({"recall"}); }).find("eval.toml has no part recall"), std::string::npos);
  EXPECT_NE(error_of([&] { parts({"poetry"}); }).find("\"poetry\", expected one of: bits_per_byte, dialogues"),
            std::string::npos);
}

TEST_F(EvaluationTest, AnEmptySuiteIsAFault) {
  Suite empty;
  empty.file = "here.toml";
  AnswerLog log;
  EXPECT_NE(error_of([&] { evaluate(asked_.model(), empty, {}, log, {}); }).find("here.toml has none of the parts"),
            std::string::npos);
}

TEST_F(EvaluationTest, EachTextHasItsRow) {
  AnswerLog log;
  const auto figures = evaluate(asked_.model(), suite_, {.only = {"bits_per_byte"}, .amount = {}}, log, {});
  const auto& rows = figures.front().tables.front().rows;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(to_text(rows[0][0]), "one");
  EXPECT_EQ(to_text(rows[0][1]), to_text(rows[1][1])) << "the same text";
}

}  // namespace
}  // namespace fathom::testing
