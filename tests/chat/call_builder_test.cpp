#include "fathom/chat/call_builder.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

std::string joined(const AnswerEvents& events) {
  std::string text;
  for (const AnswerDelta& delta : events.deltas) text += delta.text;
  return text;
}

TEST(CallBuilder, StringsGoOutAsTheyComeAndJsonWaits) {
  CallBuilder builder({});
  AnswerEvents events;
  builder.begin("f");
  builder.begin_value("a", true, events);
  builder.append_value("x", events);
  EXPECT_EQ(joined(events), "{\"a\": \"x");
  builder.end_value(events);
  builder.begin_value("b", false, events);
  builder.append_value("[1,", events);
  EXPECT_EQ(joined(events), "{\"a\": \"x\"");
  builder.append_value("2]", events);
  builder.end_value(events);
  builder.finish("", true, events);
  EXPECT_EQ(joined(events), "{\"a\": \"x\", \"b\": [1,2]}");
  EXPECT_EQ(events.deltas.back().kind, AnswerDelta::Kind::call_end);
  EXPECT_TRUE(events.faults.empty());
}

TEST(CallBuilder, AWrapperWaitsForCompany) {
  CallBuilder builder({});
  AnswerEvents events;
  builder.begin("f");
  builder.begin_value("arguments", true, events);
  builder.append_value("{}", events);
  builder.end_value(events);
  EXPECT_TRUE(events.deltas.empty());
  builder.begin_value("b", true, events);
  EXPECT_EQ(joined(events), "{\"arguments\": \"{}\", \"b\": \"");
}

TEST(CallBuilder, AnOpenValueIsClosedAtTheEnd) {
  CallBuilder builder({});
  AnswerEvents events;
  builder.begin("f");
  builder.begin_value("a", true, events);
  builder.append_value("x", events);
  builder.finish("", false, events);
  EXPECT_EQ(joined(events), "{\"a\": \"x\"}");
  EXPECT_FALSE(events.deltas.back().complete);
}

TEST(CallBuilder, BeginsAnewForEveryCall) {
  CallBuilder builder({});
  for (int call = 0; call < 2; ++call) {
    AnswerEvents events;
    builder.begin("f");
    builder.begin_value("a", false, events);
    builder.append_value("1", events);
    builder.end_value(events);
    builder.finish(" \n", true, events);
    EXPECT_EQ(joined(events), "{\"a\": 1}");
  }
}

}  // namespace
}  // namespace fathom
