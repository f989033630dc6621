#include "fathom/evaluation/score_lines.h"

#include <gtest/gtest.h>

#include "tests/base/file_support.h"

namespace fathom {
namespace {

std::string score(std::string_view check, std::string_view message) {
  return score_line(fmt::format(R"({{"check": {}, "message": {}}})", check, message), "file:7");
}
const std::string kPasses = R"({"passes": true})";
const std::string kFails = R"({"passes": false})";

TEST(ScoreLines, ContentAndCalls) {
  EXPECT_EQ(score(R"({"kind": "exact", "expected": "a"})", R"({"role": "assistant", "content": "a"})"), kPasses);
  EXPECT_EQ(score(R"({"kind": "exact", "expected": "a"})", R"({"content": null})"), kFails);
  EXPECT_EQ(score(R"({"kind": "exact", "expected": "a"})", "{}"), kFails);
  const std::string_view call = R"({"kind": "tool_call", "expected": [{"name": "f", "arguments": {"x": 1}}]})";
  EXPECT_EQ(score(call, R"({"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{\"x\": 1}"}}]})"),
            kPasses);
  EXPECT_EQ(score(call, R"({"tool_calls": [{"function": {"name": "f", "arguments": "{"}}]})"), kFails);
  EXPECT_EQ(score(call, R"({"content": "f", "tool_calls": null})"), kFails);
}

TEST(ScoreLines, FaultsOpenWithThePlace) {
  const auto error = [](std::string_view line) { return testing::error_of([&] { score_line(line, "file:7"); }); };
  for (const std::string_view line :
       {"", "{", "[]", "{}", R"({"check": {"kind": "read"}})", R"({"check": {"kind": "read"}, "message": []})",
        R"({"check": {"kind": "read"}, "message": {"tool_calls": [{}]}})",
        R"({"check": {"kind": "read"}, "message": {"tool_calls": [{"function": {"name": "f", "arguments": {}}}]}})"})
    EXPECT_NE(error(line).find("file:7"), std::string::npos) << line << ": " << error(line);
}

}  // namespace
}  // namespace fathom
