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

// Grammars in which much looks alike: names of tools, listed values, alternatives inside each other, optional members.
std::vector<Case> with_look_alikes(std::vector<Case> all) {
  Case tools{"128 tools", {.choice = ConstraintPlan::Choice::required}, "\n\n<｜DSML｜tool_calls>\n"};
  for (int index = 0; index < 128; ++index) {
    std::string members, required;
    for (int member = 0; member < 20; ++member) {
      members +=
          fmt::format(R"({}"parameter_number_{}": {{"type": ["string", "integer"]}})", member > 0 ? ", " : "", member);
      if (member < 3) required += fmt::format(R"({}"parameter_number_{}")", member > 0 ? ", " : "", member);
    }
    tools.plan.tools.push_back({fmt::format("mcp__workspace__get_document_version_{}", index),
                                R"({"type": "object", "properties": {)" + members + R"(}, "required": [)" + required +
                                    R"(], "additionalProperties": false})",
                                true});
  }
  for (int index = 0; index < 128; index += 5) {
    tools.text += fmt::format("<｜DSML｜invoke name=\"mcp__workspace__get_document_version_{}\">\n", index);
    for (int member = 0; member < 20; member += member < 2 ? 1 : 3)
      tools.text += fmt::format(
          "<｜DSML｜parameter name=\"parameter_number_{}\" string=\"true\">some text, no. {}</｜DSML｜parameter>\n",
          member, index);
    tools.text += "</｜DSML｜invoke>\n";
  }
  tools.text += "</｜DSML｜tool_calls>";
  all.push_back(tools);

  std::string values, chosen;
  for (int index = 0; index < 1000; ++index)
    values += fmt::format(R"({}"category-of-goods-{}")", index > 0 ? ", " : "", index);
  for (int index = 0; index < 1000; index += 7)
    chosen += fmt::format(R"({}"category-of-goods-{}")", index > 0 ? ", " : "", index);
  all.push_back({"enum of 1000",
                 {.answer = ConstraintPlan::Answer::json_schema,
                  .schema = R"({"type": "array", "items": {"enum": [)" + values + "]}}"},
                 "[" + chosen + "]"});

  std::string alternatives;
  for (int index = 0; index < 12; ++index)
    alternatives += fmt::format(
        R"({}{{"type": "object", "properties": {{"left": {{"$ref": "#"}}, "right": {{"$ref": "#"}}, "kind": {{"const": "kind_{}"}}}},
            "required": ["left", "right", "kind"], "additionalProperties": false}})",
        index > 0 ? ", " : "", index);
  std::string tree = "null";
  for (int depth = 0; depth < 100; ++depth)
    tree = fmt::format(R"({{"left": {}, "right": null, "kind": "kind_{}"}})", tree, depth % 12);
  all.push_back({"deep oneOf",
                 {.answer = ConstraintPlan::Answer::json_schema,
                  .schema = R"({"oneOf": [{"type": "null"}, )" + alternatives + "]}"},
                 tree});

  std::string optional, given;
  for (int index = 0; index < 300; ++index)
    optional += fmt::format(R"({}"optional_member_{}": {{"type": "integer"}})", index > 0 ? ", " : "", index);
  for (int index = 0; index < 300; index += 4)
    given += fmt::format(R"({}"optional_member_{}": {})", index > 0 ? ", " : "", index, index);
  all.push_back(
      {"300 optional",
       {.answer = ConstraintPlan::Answer::json_schema,
        .schema = R"({"type": "object", "properties": {)" + optional + R"(}, "additionalProperties": false})"},
       "{" + given + "}"});
  return all;
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
  return with_look_alikes({{"json_object", {.answer = ConstraintPlan::Answer::json_object}, text},
                           {"json_schema", {.answer = ConstraintPlan::Answer::json_schema, .schema = orders}, text},
                           {"tool call", {.tools = tools, .choice = ConstraintPlan::Choice::required}, call}});
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

void measure(const Tokenizer& tokenizer) {
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

}  // namespace

// Without an argument DeepSeek-V4's vocabulary, or that of a tokenizer.json.
int main(int argc, char** argv) { measure(argc > 1 ? Tokenizer::load(argv[1]) : Tokenizer::deepseek_v4()); }
