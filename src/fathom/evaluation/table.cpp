#include "fathom/evaluation/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fathom/base/error.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

// Characters, as a terminal with one column a character shows them.
std::size_t width(std::string_view text) {
  std::size_t characters = 0;
  for (std::size_t at = 0; at < text.size(); at += static_cast<std::size_t>(utf8_step(text, at).length)) ++characters;
  return characters;
}

std::string padded(const std::string& text, std::size_t columns, bool left) {
  const std::string space(columns - std::min(columns, width(text)), ' ');
  return left ? text + space : space + text;
}

std::vector<std::vector<std::string>> texts_of(const Table& table) {
  std::vector<std::vector<std::string>> lines{table.columns};
  for (const std::vector<Cell>& row : table.rows) {
    check_equal(row.size(), table.columns.size(), "cells of a row");
    std::vector<std::string> line;
    line.reserve(row.size());
    for (const Cell& cell : row) line.push_back(to_text(cell));
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string markdown_line(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

}  // namespace

std::string to_text(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* number = std::get_if<Number>(&cell)) return fmt::format("{:.{}f}", number->value, number->decimals);
  const Share& share = std::get<Share>(cell);
  if (share.of == 0) return "-";
  return fmt::format("{:.1f} % of {}", 100.0 * static_cast<double>(share.right) / static_cast<double>(share.of),
                     share.of);
}

std::string plain_table(const Table& table) {
  const auto lines = texts_of(table);
  std::vector<std::size_t> widths(table.columns.size(), 0);
  for (const auto& line : lines)
    for (std::size_t column = 0; column < line.size(); ++column)
      widths[column] = std::max(widths[column], width(line[column]));
  std::string text = table.title + "\n";
  for (const auto& line : lines) {
    text += " ";
    for (std::size_t column = 0; column < line.size(); ++column)
      text += (column == 0 ? " " : "  ") + padded(line[column], widths[column], column == 0);
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
  }
  return text;
}

std::string markdown_table(const Table& table) {
  std::vector<std::string> rule(table.columns.size(), "--:");
  if (!rule.empty()) rule.front() = "---";
  auto lines = texts_of(table);
  std::string text = fmt::format("### {}\n\n{}{}", table.title, markdown_line(lines.front()), markdown_line(rule));
  for (std::size_t line = 1; line < lines.size(); ++line) text += markdown_line(lines[line]);
  return text;
}

std::string json_table(const Table& table) {
  nlohmann::ordered_json json{{"title", table.title}, {"rows", nlohmann::ordered_json::array()}};
  for (const std::vector<Cell>& row : table.rows) {
    check_equal(row.size(), table.columns.size(), "cells of a row");
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (std::size_t column = 0; column < row.size(); ++column) {
      nlohmann::ordered_json& value = object[table.columns[column]];
      if (const auto* text = std::get_if<std::string>(&row[column])) value = *text;
      if (const auto* number = std::get_if<Number>(&row[column])) value = number->value;
      if (const auto* share = std::get_if<Share>(&row[column]))
        value = nlohmann::ordered_json{{"right", share->right}, {"of", share->of}};
    }
    json["rows"].push_back(std::move(object));
  }
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace fathom
