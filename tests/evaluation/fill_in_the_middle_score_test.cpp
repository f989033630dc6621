#include "fathom/evaluation/fill_in_the_middle_score.h"

#include <gtest/gtest.h>

#include "fathom/chat/json_text.h"
#include "fathom/evaluation/edit_distance.h"
#include "tests/evaluation/evaluation_support.h"

namespace fathom::testing {
namespace {

TEST(FillInTheMiddleScore, EveryGapIsAskedAndScored) {
  const TemporaryDirectory directory;
  std::string code;
  for (int number = 0; number < 9; ++number)
    code += "int first = " + std::to_string(number) + ";\nint second_value = first + 1;\nreturn second_value;\n\f\n";
  write_text(directory / "code", code);
  const AskedModel asked;
  PartRun run(asked);
  const auto tables = evaluate_fill_in_the_middle(
      {.file = directory / "code", .samples = 3, .longest = 4096, .max_tokens = 5}, run.context());
  ASSERT_EQ(tables.size(), 1U);
  ASSERT_EQ(tables.front().rows.size(), 2U);
  const auto log = run.log_lines();
  ASSERT_EQ(log.size(), 6U);
  std::array<double, 2> similarity{};
  for (std::size_t index = 0; index < log.size(); ++index) {
    const JsonValue line = read_json(log[index], "log");
    std::string expected = line.find("expected")->text;
    std::string answer = line.find("answer")->text;
    for (std::string* text : {&expected, &answer}) {
      text->erase(std::min(text->find('\n'), text->size()));
      text->erase(text->find_last_not_of(" \t\r") + 1);
    }
    EXPECT_EQ(line.find("right")->truth, expected == answer);
    similarity[index % 2] += edit_similarity(answer, expected) / 3;
  }
  for (const std::size_t row : {0U, 1U}) {
    EXPECT_EQ(std::get<Share>(tables.front().rows[row][1]).of, 3);
    EXPECT_NEAR(std::get<Number>(tables.front().rows[row][2]).value, similarity[row], 1e-12);
  }
}

}  // namespace
}  // namespace fathom::testing
