// Walks docs/token_path.md: each stop's function is defined in its file, and a stop before it calls it.
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "tests/apps/model_copy_support.h"

namespace fathom::testing {
namespace {

struct Stop {
  int number = 0;
  std::string file;
  std::string function;  // "Engine::step"
  std::string thread;
  std::string source;  // the file's text
};

std::vector<Stop> stops() {
  std::istringstream page(text_of(std::filesystem::path(FATHOM_SOURCE) / "docs" / "token_path.md"));
  const std::regex row(R"re(^\| (\d+) \|[^|]*\| `([^`]+)` \| `([^`]+)` \| ([^|]*) \|$)re");
  std::vector<Stop> found;
  for (std::string line; std::getline(page, line);) {
    std::smatch parts;
    if (!std::regex_match(line, parts, row)) continue;
    Stop stop{.number = std::stoi(parts[1]), .file = parts[2], .function = parts[3], .thread = parts[4], .source = {}};
    const auto file = std::filesystem::path(FATHOM_SOURCE) / stop.file;
    EXPECT_TRUE(std::filesystem::exists(file)) << line;
    if (std::filesystem::exists(file)) stop.source = text_of(file);
    found.push_back(std::move(stop));
  }
  return found;
}

std::string last_part(const std::string& function) {
  const std::size_t colons = function.rfind("::");
  return colons == std::string::npos ? function : function.substr(colons + 2);
}

// A definition begins at the line's start with the result's type; the name stands as the table has it.
bool defines(const std::string& source, const std::string& function) {
  return std::regex_search(source, std::regex("(^|\n)[A-Za-z][^\n;=]*[ &*]" + function + "\\("));
}

bool calls(const std::string& source, const std::string& function) {
  return std::regex_search(source, std::regex("[ .(!>]" + last_part(function) + "\\("));
}

TEST(TokenPath, StopsAreNumberedInOrder) {
  const auto path = stops();
  ASSERT_GE(path.size(), 20U);
  for (std::size_t index = 0; index < path.size(); ++index) EXPECT_EQ(path[index].number, static_cast<int>(index) + 1);
}

TEST(TokenPath, EveryFunctionIsInItsFile) {
  for (const Stop& stop : stops())
    EXPECT_TRUE(defines(stop.source, stop.function)) << stop.file << " has no " << stop.function;
}

TEST(TokenPath, EveryStopIsReachedFromOneBeforeIt) {
  const auto path = stops();
  for (std::size_t index = 1; index < path.size(); ++index) {
    bool called = false;
    for (std::size_t before = 0; before < index; ++before)
      called = called || calls(path[before].source, path[index].function);
    EXPECT_TRUE(called) << "no stop before " << path[index].number << " calls " << path[index].function;
  }
}

TEST(TokenPath, OnlyTheMainThreadAndThePoolWalkIt) {
  for (const Stop& stop : stops()) EXPECT_TRUE(stop.thread == "main" || stop.thread == "main, pool") << stop.number;
}

}  // namespace
}  // namespace fathom::testing
