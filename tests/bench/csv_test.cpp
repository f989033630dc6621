#include "fathom/bench/csv.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/bench/report_support.h"

namespace fathom::bench {
namespace {

// Fields of a line, quotes taken off.
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  bool inside = false;
  for (std::size_t place = 0; place < line.size(); ++place) {
    const char character = line[place];
    if (character == '"') {
      if (inside && place + 1 < line.size() && line[place + 1] == '"') {
        fields.back() += line[++place];
      } else {
        inside = !inside;
      }
    } else if (character == ',' && !inside) {
      fields.emplace_back();
    } else {
      fields.back() += character;
    }
  }
  return fields;
}

TEST(Csv, EveryFigureHasItsColumn) {
  std::istringstream text(csv(testing::made_up_report()));
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(fields_of(line));
  ASSERT_EQ(lines.size(), 1 + 3 + kStages + 1);
  for (const std::vector<std::string>& line : lines) ASSERT_EQ(line.size(), lines.front().size());
  const auto at = [&](std::size_t row, std::string_view column) {
    for (std::size_t place = 0; place < lines.front().size(); ++place)
      if (lines.front()[place] == column) return lines[row][place];
    return std::string("no such column");
  };
  EXPECT_EQ(at(1, "model"), "a \"shape\" < & >, first 3 layers");
  EXPECT_EQ(at(1, "stage"), "total");
  EXPECT_EQ(at(1, "threads"), "2");
  EXPECT_EQ(at(1, "batch"), "2");
  EXPECT_EQ(at(1, "seconds_median"), "0.5");
  EXPECT_EQ(at(1, "seconds_least"), "0.4");
  EXPECT_EQ(at(1, "seconds_most"), "0.75");
  EXPECT_EQ(at(1, "tokens_per_second"), "4");
  EXPECT_EQ(at(1, "gigabytes_per_second"), "10");
  EXPECT_EQ(at(1, "gigaflops_per_second"), "20");
  // Bound by bytes: 5 GB at 20 GB/s are a quarter of a second, of a half.
  EXPECT_EQ(at(1, "read_gigabytes_per_second"), "20");
  EXPECT_EQ(at(1, "peak_gigaflops_per_second"), "60");
  EXPECT_EQ(at(1, "share_of_bound"), "0.5");
  const std::size_t experts = 2 + static_cast<std::size_t>(Stage::experts);
  EXPECT_EQ(at(experts, "stage"), "experts");
  EXPECT_EQ(at(experts, "bytes"), "4000000000");
  EXPECT_EQ(at(experts, "share_of_bound"), "0.5");
  EXPECT_EQ(at(2, "stage"), "embed");
  EXPECT_EQ(at(2, "gigabytes_per_second"), "0");
  EXPECT_EQ(at(2 + kStages, "stage"), "rest");
  EXPECT_EQ(at(lines.size() - 2, "depth"), "1048576");
  EXPECT_EQ(at(lines.size() - 1, "phase"), "prefill");
}

}  // namespace
}  // namespace fathom::bench
