#include "fathom/evaluation/table.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "fathom/chat/json_text.h"

namespace fathom {
namespace {

const Table kTable{
    .title = "Recall",
    .columns = {"tokens", "right", "mean"},
    .rows = {{std::string("256"), Share{3, 8}, Number{1.23456, 2}}, {std::string("größer"), Share{}, Number{10.0, 0}}}};

TEST(Table, Cells) {
  EXPECT_EQ(to_text(Share{1, 3}), "33.3 % of 3");
  EXPECT_EQ(to_text(Share{0, 5}), "0.0 % of 5");
  EXPECT_EQ(to_text(Share{0, 0}), "-");
  EXPECT_EQ(to_text(Number{1.4842, 3}), "1.484");
  EXPECT_EQ(to_text(std::string("a")), "a");
  Share share;
  share.count(true);
  share.count(false);
  EXPECT_EQ(to_text(share), "50.0 % of 2");
}

TEST(Table, ColumnsAreAligned) {
  EXPECT_EQ(plain_table(kTable),
            "Recall\n"
            "  tokens        right  mean\n"
            "  256     37.5 % of 8  1.23\n"
            "  größer            -    10\n");
}

TEST(Table, Markdown) {
  EXPECT_EQ(markdown_table(kTable),
            "### Recall\n\n"
            "| tokens | right | mean |\n"
            "| --- | --: | --: |\n"
            "| 256 | 37.5 % of 8 | 1.23 |\n"
            "| größer | - | 10 |\n");
}

TEST(Table, JsonHasTheNumbersInFull) {
  const JsonValue json = read_json(json_table(kTable), "table");
  EXPECT_EQ(json.find("title")->text, "Recall");
  const JsonValue& row = json.find("rows")->elements.at(0);
  EXPECT_EQ(row.find("tokens")->text, "256");
  EXPECT_EQ(row.find("right")->find("right")->text, "3");
  EXPECT_EQ(row.find("right")->find("of")->text, "8");
  EXPECT_EQ(row.find("mean")->text, "1.23456");
}

TEST(Table, ARowOfAnotherLengthIsOurFault) {
  Table table = kTable;
  table.rows.front().pop_back();
  EXPECT_THROW(plain_table(table), InternalError);
  EXPECT_THROW(markdown_table(table), InternalError);
  EXPECT_THROW(json_table(table), InternalError);
}

TEST(Table, WithoutRows) {
  EXPECT_EQ(plain_table({.title = "Nothing", .columns = {"a", "b"}, .rows = {}}), "Nothing\n  a  b\n");
}

}  // namespace
}  // namespace fathom
