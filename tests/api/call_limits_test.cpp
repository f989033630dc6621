#include "fathom/api/call_limits.h"

#include <gtest/gtest.h>

#include "fathom/api/body_fields.h"
#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

ServedModel small() { return {.id = "m", .context_tokens = 1000, .max_output_tokens = 600}; }

Policy clips(bool clip) {
  Policy policy;
  policy.clip_max_tokens = clip;
  return policy;
}

std::string limit(const std::string& value, const ServedModel& model, bool clip) {
  std::string read;
  const std::string refused = test::refusal([&] {
    read_body("{\"max_tokens\": " + value + "}", [&](const JsonField& request) {
      const auto number = read_max_tokens(request.member("max_tokens"), model, clips(clip));
      read = number ? std::to_string(*number) : "absent";
    });
  });
  return refused == "none" ? read : refused;
}

std::string range(const std::string& most) {
  return "Invalid max_tokens value, the valid range of max_tokens is [1, " + most + "]";
}

TEST(CallLimits, WhatTheModelCan) {
  const ServedModel hosted{.id = "m", .context_tokens = 1048576, .max_output_tokens = 393216};
  for (const bool clip : {false, true}) {
    EXPECT_EQ(limit("null", hosted, clip), "absent");
    EXPECT_EQ(limit("1", hosted, clip), "1");
    EXPECT_EQ(limit("393216", hosted, clip), "393216");
    EXPECT_EQ(limit("0", hosted, clip), range("393216"));
    EXPECT_EQ(limit("-5", hosted, clip), range("393216"));
    EXPECT_EQ(limit("393217", hosted, clip), range("393216"));
  }
}

TEST(CallLimits, AgentsSendTheHostedLimitToAnyModel) {
  EXPECT_EQ(limit("600", small(), false), "600");
  EXPECT_EQ(limit("601", small(), false), range("600"));
  EXPECT_EQ(limit("601", small(), true), "600");
  EXPECT_EQ(limit("384000", small(), true), "600") << "OpenClaw";
  EXPECT_EQ(limit("393217", small(), true), range("393216"));
  const ServedModel larger{.id = "m", .context_tokens = 1 << 22, .max_output_tokens = 1 << 20};
  EXPECT_EQ(limit("1000000", larger, true), "1000000");
}

TEST(CallLimits, Defaults) {
  Call call;
  EXPECT_EQ(default_max_tokens(call), 65536);
  call.prompt.reasoning_effort = ReasoningEffort::max;
  EXPECT_EQ(default_max_tokens(call), 131072);
  call.prompt.thinking_mode = ThinkingMode::chat;
  EXPECT_EQ(default_max_tokens(call), 8192);
  call.completion = Completion{};
  EXPECT_EQ(default_max_tokens(call), 4096);
}

std::string settled(std::optional<std::int64_t> asked, std::int64_t prompt_tokens, bool clip) {
  Call call;
  call.sampling.max_tokens = asked;
  std::string read;
  const std::string refused =
      test::refusal([&] { read = std::to_string(settle_max_tokens(call, small(), clips(clip), prompt_tokens)); });
  return refused == "none" ? read : refused;
}

std::string beyond(const std::string& sum, const std::string& prompt, const std::string& answer) {
  return "This model's maximum context length is 1000 tokens. However, you requested " + sum + " tokens (" + prompt +
         " in the messages, " + answer + " in the completion). Please reduce the length of the messages or completion.";
}

TEST(CallLimits, WhatThePromptLeaves) {
  for (const bool clip : {false, true}) {
    EXPECT_EQ(settled({}, 10, clip), "600");
    EXPECT_EQ(settled({}, 900, clip), "100") << "a limit that the client did not set is clipped in any case";
    EXPECT_EQ(settled({}, 999, clip), "1");
    EXPECT_EQ(settled({}, 1000, clip), beyond("1600", "1000", "600"));
    EXPECT_EQ(settled(50, 950, clip), "50");
    EXPECT_EQ(settled(50, 1000, clip), beyond("1050", "1000", "50"));
    EXPECT_EQ(settled(50, 4000, clip), beyond("4050", "4000", "50"));
  }
  EXPECT_EQ(settled(50, 951, true), "49");
  EXPECT_EQ(settled(50, 951, false), beyond("1001", "951", "50"));
}

}  // namespace
}  // namespace fathom::api
