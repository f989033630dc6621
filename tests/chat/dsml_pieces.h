// Pieces of answers in DSML, for tests that put them together in wrong ways.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fathom/chat/answer_parser.h"
#include "tests/chat/chat_support.h"

namespace fathom::test {

using Faults = std::vector<AnswerFault>;

inline const std::string kEos = "<｜end▁of▁sentence｜>";
inline const std::string kOpen = "\n\n<｜DSML｜tool_calls>\n";
inline const std::string kClose = "</｜DSML｜tool_calls>";
inline const std::string kInvoke = "<｜DSML｜invoke name=\"f\">\n";
inline const std::string kInvokeEnd = "</｜DSML｜invoke>\n";
inline const std::string kCity = "<｜DSML｜parameter name=\"city\" string=\"true\">Rome</｜DSML｜parameter>\n";
inline const std::string kCall = kInvoke + kCity + kInvokeEnd;
inline const std::string kCityJson = R"({"city": "Rome"})";

inline std::string parameter(const std::string& name, const std::string& flag, const std::string& value) {
  return "<｜DSML｜parameter name=\"" + name + "\"" + flag + ">" + value + "</｜DSML｜parameter>\n";
}

inline std::string block(const std::string& parameters) { return kOpen + kInvoke + parameters + kInvokeEnd + kClose; }

inline bool has(const Answer& answer, AnswerFault fault) {
  return std::find(answer.faults.begin(), answer.faults.end(), fault) != answer.faults.end();
}

// The arguments of the only call.
inline std::string only_call(const Answer& answer) {
  EXPECT_EQ(answer.calls.size(), 1U);
  return answer.calls.size() == 1 ? answer.calls[0].arguments : "";
}

inline AnswerOptions with_tool(std::vector<std::string> parameters) {
  AnswerOptions options = chat_mode();
  options.tools = {{.name = "f", .parameters = std::move(parameters), .schema = "{}"}};
  return options;
}

}  // namespace fathom::test
