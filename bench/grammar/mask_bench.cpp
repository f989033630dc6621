// Microseconds a step of constrained decoding takes on DeepSeek-V4's 129,280 tokens: the mask, and the token that came.
// Documents are walked token by token as the tokenizer writes them. "first": by the first request with its grammar;
// "later": by the second and third. bench/grammar/run builds and starts it.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/grammar/constraint.h"

namespace {

using Clock = std::chrono::steady_clock;
using namespace fathom;
using namespace fathom::grammar;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

struct Case {
  std::string name;
  ConstraintPlan plan;
  std::string text;
};

std::string order(int index) {
  return fmt::format(
      R"({{"id": {}, "customer": "Anna Lindström-{} wrote: \"please ring twice\"", "email": "anna{}@example.org", )"
      R"("items": [{{"sku": "A-{:04}", "count": {}, "note": null}}, {{"sku": "B-0001", "count": 2, "note": "a longer note )"
      R"(about how this should be packed, in several words"}}], "paid": true}})",
      index, index, index, index, index % 9 + 1);
}

std::vector<Case> cases() {
  const std::string item =
      R"({"type": "object", "properties": {"sku": {"type": "string", "pattern": "^[A-Z]-[0-9]{4}$"}, "count": {"type": "integer",
          "minimum": 1, "maximum": 99}, "note": {"type": ["string", "null"]}}, "required": ["sku", "count", "note"],
          "additionalProperties": false})";
  const std::string order_schema =
      R"({"type": "object", "properties": {"id": {"type": "integer"}, "customer": {"type": "string"}, "email": {"type": "string",
          "format": "email"}, "items": {"type": "array", "items": )" +
      item + R"(}, "paid": {"type": "boolean"}}, "required": ["id", "customer", "email", "items", "paid"],
          "additionalProperties": false})";
  const std::string orders = R"({"type": "object", "properties": {"orders": {"type": "array", "items": )" +
                             order_schema + R"(}}, "required": ["orders"], "additionalProperties": false})";
  std::string text = "{\"orders\": [";
  for (int index = 0; index < 40; ++index) text += (index > 0 ? ", " : "") + order(index);
  text += "]}";
  std::string code;
  for (int line = 0; line < 60; ++line)
    code += fmt::format("    if (x[{}] < y) {{ return \"</a>{}\"; }}\n", line, line);
  const std::string call =
      "\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"write\">\n<｜DSML｜parameter name=\"path\" "
      "string=\"true\">src/a.cpp"
      "</｜DSML｜parameter>\n<｜DSML｜parameter name=\"content\" string=\"true\">" +
      code +
      "</｜DSML｜parameter>\n<｜DSML｜parameter name=\"mode\" string=\"false\">{\"bits\": [6, 4, "
      "4]}</｜DSML｜parameter>\n"
      "</｜DSML｜invoke>\n</｜DSML｜tool_calls>";
  const std::vector<ConstraintTool> tools = {
      {"write",
       R"({"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}, "mode": {"type": "object",
           "properties": {"bits": {"type": "array", "items": {"type": "integer"}}}, "required": ["bits"]}},
           "required": ["path", "content"], "additionalProperties": false})",
       true}};
  return {{"json_object", {.answer = ConstraintPlan::Answer::json_object}, text},
          {"json_schema", {.answer = ConstraintPlan::Answer::json_schema, .schema = orders}, text},
          {"tool call", {.tools = tools, .choice = ConstraintPlan::Choice::required}, call}};
}

struct Times {
  std::vector<double> steps;

  std::string text() {
    std::sort(steps.begin(), steps.end());
    double sum = 0;
    for (const double step : steps) sum += step;
    return fmt::format("{:6} steps, median {:6.2f}, p99 {:7.2f}, most {:8.1f}, mean {:6.2f} us", steps.size(),
                       steps[steps.size() / 2], steps[steps.size() * 99 / 100], steps.back(),
                       sum / static_cast<double>(steps.size()));
  }
};

void walk(TokenConstraint& constraint, const std::vector<std::int32_t>& tokens, std::vector<std::uint32_t>& mask,
          Times& times) {
  for (const std::int32_t token : tokens) {
    const Clock::time_point start = Clock::now();
    if (constraint.narrows()) constraint.allowed(mask);
    const bool allowed = !constraint.narrows() || (mask[token / 32] >> (token % 32) & 1);
    if (allowed) constraint.accept(token);
    times.steps.push_back(microseconds_since(start));
    if (!allowed) throw InputError("token {} is not allowed", token);
  }
}

}  // namespace

int main() {
  const Tokenizer tokenizer = Tokenizer::deepseek_v4();
  Clock::time_point start = Clock::now();
  ConstraintMaker maker(tokenizer);
  fmt::print("vocabulary {} tokens, taken in {:.0f} ms\n", tokenizer.vocab(), microseconds_since(start) / 1000);
  std::vector<std::uint32_t> mask(static_cast<std::size_t>(tokenizer.vocab() + 31) / 32);
  for (const Case& one : cases()) {
    std::vector<std::int32_t> tokens = tokenizer.encode(one.text);
    tokens.push_back(one.plan.end_of_sentence);
    start = Clock::now();
    auto constraint = maker.make(one.plan);
    fmt::print("{:12} compiled in {:.2f} ms\n", one.name, microseconds_since(start) / 1000);
    Times first, later;
    walk(*constraint, tokens, mask, first);
    for (int round = 0; round < 2; ++round) walk(*maker.make(one.plan), tokens, mask, later);
    fmt::print("{:12} first {}\n{:12} later {}\n", "", first.text(), "", later.text());
  }
}
