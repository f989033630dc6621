#include "fathom/evaluation/dialogues.h"

#include <gtest/gtest.h>

#include "fathom/chat/answer_parser.h"
#include "fathom/evaluation/dialogue_sample.h"
#include "tests/evaluation/evaluation_support.h"

namespace fathom::testing {
namespace {

std::string line(const std::string& family, const std::string& check, const std::string& more = "") {
  return R"({"messages": [{"role": "user", "content": "Say something about )" + family +
         R"("}], "thinking_mode": "chat", "family": ")" + family + R"(", "check": )" + check + more + "}\n";
}

// Whatever noise comes back: "" is in every answer, and zzqqzzqq in none.
const std::string kRight = R"({"kind": "any_of", "expected": [""]})";
const std::string kWrong = R"({"kind": "contains", "expected": ["zzqqzzqq"]})";
const std::string kTools =
    R"(, "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}])";

std::string samples() {
  return line("a", kRight) + line("a", kRight, R"(, "note": {"digits": 2})") +
         line("b", kWrong, R"(, "note": {"digits": 2})") + line("b", kRight, R"(, "note": {"digits": 10})") +
         line("b", R"({"kind": "read"})") + line("c", R"({"kind": "no_call"})", kTools) +
         line("c", R"({"kind": "tool_call", "expected": [{"name": "f", "arguments": {}}]})", kTools) +
         line("d", R"({"kind": "json", "expected": {"zz": 1}, "schema": {"type": "object"}})");
}

const Table& table_of(const std::vector<Table>& tables, const std::string& title) {
  for (const Table& table : tables)
    if (table.title == title) return table;
  throw std::runtime_error("no table " + title);
}

std::string row_of(const Table& table, const std::string& name) {
  for (const auto& row : table.rows)
    if (to_text(row.front()) == name) return to_text(row.at(1));
  return "no row " + name;
}

class DialoguesTest : public ::testing::Test {
 protected:
  std::vector<Table> evaluate(Amount amount = {}) {
    write_text(directory_ / "d.jsonl", samples());
    PartRun run(asked_, amount);
    std::vector<Table> tables = evaluate_dialogues(
        {.file = directory_ / "d.jsonl", .max_tokens = 6, .by = {{"b", "digits"}, {"a", "unheard of"}}}, run.context());
    log_ = run.log_lines();
    return tables;
  }
  const TemporaryDirectory directory_;
  const AskedModel asked_;
  std::vector<std::string> log_;
};

TEST_F(DialoguesTest, CountsByFamilyKindAndNote) {
  const auto tables = evaluate();
  const Table& families = table_of(tables, "Dialogues by family");
  EXPECT_EQ(row_of(families, "a"), "100.0 % of 2");
  EXPECT_EQ(row_of(families, "b"), "50.0 % of 2") << "what is only read is not counted";
  EXPECT_EQ(row_of(families, "c"), "50.0 % of 2");
  EXPECT_EQ(row_of(families, "d"), "0.0 % of 1");
  EXPECT_EQ(row_of(families, "all"), "57.1 % of 7");
  EXPECT_EQ(to_text(families.rows.back().at(3)), "100.0 % of 8") << "six tokens end no answer here";
  const Table& kinds = table_of(tables, "Dialogues by kind of check");
  EXPECT_EQ(row_of(kinds, "any_of"), "100.0 % of 3");
  EXPECT_EQ(row_of(kinds, "contains"), "0.0 % of 1");
  EXPECT_EQ(row_of(kinds, "read"), "no row read");
  const Table& digits = table_of(tables, "Dialogues: b, digits");
  ASSERT_EQ(digits.rows.size(), 2U);
  EXPECT_EQ(to_text(digits.rows[0][0]), "2") << "by value, not by letters";
  EXPECT_EQ(to_text(digits.rows[0][1]), "0.0 % of 1");
  EXPECT_EQ(to_text(digits.rows[1][1]), "100.0 % of 1");
  for (const Table& table : tables) EXPECT_EQ(table.title.find("unheard of"), std::string::npos);
}

TEST_F(DialoguesTest, ToolCallsAndJsonByThemselves) {
  const Table skills = table_of(evaluate(), "Tool calls and JSON, without constraint");
  EXPECT_EQ(row_of(skills, "a call: right"), "0.0 % of 1");
  EXPECT_EQ(row_of(skills, "tools offered, no call wanted: none is made"), "100.0 % of 1");
  EXPECT_EQ(row_of(skills, "of all answers with calls: valid"), "-");
  EXPECT_EQ(row_of(skills, "JSON: it parses"), "0.0 % of 1");
  EXPECT_EQ(row_of(skills, "JSON: it fits the schema, where one is given"), "0.0 % of 1");
}

TEST_F(DialoguesTest, TheLogHasEveryVerdict) {
  evaluate();
  const auto lines = lines_of(samples());
  ASSERT_EQ(log_.size(), lines.size());
  for (std::size_t index = 0; index < lines.size(); ++index) {
    const JsonValue entry = read_json(log_[index], "log");
    const DialogueSample sample = read_dialogue_sample(lines[index], "line");
    AnswerParser parser(
        {.thinking_mode = ThinkingMode::chat, .tools_offered = !sample.tools.empty(), .tools = sample.tools});
    parser.feed(entry.find("answer")->text);
    parser.finish(AnswerEnd::cut_off);
    EXPECT_EQ(entry.find("right")->truth, passes(sample.check, parser.answer())) << log_[index];
    EXPECT_NE(entry.find("prompt")->text.find("Say something about " + sample.family), std::string::npos);
    EXPECT_EQ(entry.find("family")->text, sample.family);
  }
}

TEST_F(DialoguesTest, ALimitTakesTheFirst) {
  evaluate({.limit = 3});
  EXPECT_EQ(log_.size(), 3U);
}

TEST_F(DialoguesTest, TheSameEveryTime) {
  const auto one = evaluate();
  const auto log = log_;
  const auto other = evaluate();
  EXPECT_EQ(log, log_);
  for (std::size_t table = 0; table < one.size(); ++table)
    EXPECT_EQ(plain_table(one[table]), plain_table(other[table]));
}

}  // namespace
}  // namespace fathom::testing
