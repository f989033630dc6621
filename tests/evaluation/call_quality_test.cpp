#include "fathom/evaluation/call_quality.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

const std::vector<Tool> kTools = {
    {.name = "weather",
     .parameters = {"city"},
     .schema =
         R"({"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}})"},
    {.name = "now", .parameters = {}, .schema = R"({"name": "now"})"}};

CallQuality of(std::vector<AnswerCall> calls, std::vector<AnswerFault> faults = {}) {
  Answer answer;
  answer.calls = std::move(calls);
  answer.faults = std::move(faults);
  return call_quality(answer, kTools);
}

TEST(CallQuality, FitsTheOfferedSchema) {
  EXPECT_TRUE(of({}).fits);
  EXPECT_TRUE(of({{.name = "weather", .arguments = R"({"city": "Lyon"})"}}).fits);
  EXPECT_TRUE(of({{.name = "now", .arguments = R"({"zone": "any"})"}}).fits) << "it has no schema";
  EXPECT_FALSE(of({{.name = "weather", .arguments = R"({"city": 3})"}}).fits);
  EXPECT_FALSE(of({{.name = "weather", .arguments = "{}"}}).fits);
  EXPECT_FALSE(of({{.name = "weather", .arguments = "{"}}).fits);
  EXPECT_FALSE(of({{.name = "Weather", .arguments = R"({"city": "Lyon"})"}}).fits) << "not offered";
  EXPECT_FALSE(of({{.name = "now", .arguments = "{}"}, {.name = "weather", .arguments = "{}"}}).fits) << "all of them";
}

TEST(CallQuality, WellFormedIsTheAnswersFormat) {
  EXPECT_TRUE(of({{.name = "unheard of", .arguments = "{}"}}).well_formed);
  EXPECT_FALSE(of({{.name = "now", .arguments = "{}", .complete = false}}).well_formed);
  EXPECT_FALSE(of({{.name = "now", .arguments = "{}"}}, {AnswerFault::end_tag_missing}).well_formed);
}

TEST(CallQuality, WithoutToolsNoCallFits) {
  Answer answer;
  answer.calls = {{.name = "now", .arguments = "{}"}};
  EXPECT_FALSE(call_quality(answer, {}).fits);
}

}  // namespace
}  // namespace fathom
