// Figures as a table, and the three ways to show one: for a terminal, for a model card, for a program.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace fathom {

// So many of so many.
struct Share {
  std::int64_t right = 0;
  std::int64_t of = 0;

  void count(bool is_right) {
    right += is_right ? 1 : 0;
    ++of;
  }
};

// A figure with the decimals it is shown with.
struct Number {
  double value = 0.0;
  int decimals = 0;
};

using Cell = std::variant<std::string, Share, Number>;

struct Table {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;  // as long as `columns`
};

// "70.8 % of 120", "-" of none, "1.484".
std::string to_text(const Cell& cell);

// Columns aligned, the first to the left, the others to the right.
std::string plain_table(const Table& table);
// As Markdown, under a heading of the third level.
std::string markdown_table(const Table& table);
// {"title": ..., "rows": [{COLUMN: text, number or {"right": 85, "of": 120}}]}, numbers in full.
std::string json_table(const Table& table);

}  // namespace fathom
