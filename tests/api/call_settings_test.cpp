#include "fathom/api/call_settings.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

struct Settled {
  std::string mode;
  std::string agent;
  double temperature = 0;
};

Settled settled(std::optional<ThinkingMode> mode, const std::string& effort, const RequestContext& context,
                const Policy& policy = test::policy(), bool tools = true, NamedThinking named = NamedThinking::open) {
  const JsonValue value = read_json(effort, "test");
  Call call;
  call.sampling.temperature = 0.3;
  if (tools) call.tools = {{.name = "f", .parameters = "{}"}};
  settle_thinking(call, {.id = "x", .thinking = named}, {.mode = mode, .effort = JsonField(&value, "effort")}, policy,
                  context);
  const bool max = call.prompt.reasoning_effort == ReasoningEffort::max;
  return {.mode = call.prompt.thinking_mode == ThinkingMode::chat ? "chat"
                  : max                                           ? "max"
                                                                  : "high",
          .agent = call.agent_effort,
          .temperature = call.sampling.temperature};
}

TEST(CallSettings, EffortsOfEveryApi) {
  const auto mode = [](const std::string& effort) { return settled({}, effort, test::context()).mode; };
  EXPECT_EQ(mode("null"), "high");
  for (const std::string effort : {"\"minimal\"", "\"low\"", "\"medium\"", "\"high\""}) EXPECT_EQ(mode(effort), "high");
  for (const std::string effort : {"\"xhigh\"", "\"max\"", "\"ultra\""}) EXPECT_EQ(mode(effort), "max");
  EXPECT_EQ(mode("\"none\""), "chat");
  EXPECT_THROW(mode("\"huge\""), InputError);
  EXPECT_THROW(mode("3"), InputError);
  EXPECT_EQ(settled(ThinkingMode::chat, "\"max\"", test::context()).mode, "chat");
  EXPECT_EQ(settled(ThinkingMode::chat, "\"max\"", test::claude_code()).mode, "chat");
}

TEST(CallSettings, OldNamesSayWhetherToThink) {
  const auto mode = [](NamedThinking named, std::optional<ThinkingMode> wish, const std::string& effort) {
    return settled(wish, effort, test::context(), test::policy(), true, named).mode;
  };
  using enum NamedThinking;
  EXPECT_EQ(mode(off_at_first, {}, "null"), "chat");
  EXPECT_EQ(mode(off_at_first, {}, "\"max\""), "chat") << "an effort does not turn thinking on";
  EXPECT_EQ(mode(off_at_first, ThinkingMode::thinking, "null"), "high");
  EXPECT_EQ(mode(off_at_first, ThinkingMode::thinking, "\"max\""), "max");
  EXPECT_EQ(mode(on, {}, "null"), "high");
  EXPECT_EQ(mode(on, ThinkingMode::chat, "null"), "high");
  EXPECT_EQ(mode(on, ThinkingMode::chat, "\"none\""), "high");
  EXPECT_EQ(mode(on, {}, "\"max\""), "max");
}

TEST(CallSettings, InThinkingModeSamplingCountsForNothing) {
  EXPECT_EQ(settled({}, "null", test::context()).temperature, 1.0);
  EXPECT_EQ(settled(ThinkingMode::chat, "null", test::context()).temperature, 0.3);
}

TEST(CallSettings, AgentsWithToolsThinkAsHardAsTheyCan) {
  RequestContext opencode = test::context();
  opencode.user_agent = "opencode/1.18.33 ai-sdk/provider-utils/4";
  RequestContext affinity = test::context();
  affinity.session_affinity = "ses_1";
  RequestContext beta = test::context();
  beta.anthropic_beta = "claude-code-20250219";
  for (const RequestContext& context : {opencode, affinity, beta, test::claude_code()}) {
    EXPECT_EQ(settled({}, "\"high\"", context).mode, "max");
    EXPECT_TRUE(settled({}, "null", context).agent.starts_with("max; agent with tools, known by "));
    EXPECT_EQ(settled({}, "null", context, test::policy(), false).mode, "high") << "titles and summaries";
    EXPECT_EQ(settled({}, "\"max\"", context).agent, "") << "nothing was changed";
    Policy policy = test::policy();
    policy.agent_effort = AgentEffort::off;
    EXPECT_EQ(settled({}, "null", context, policy).mode, "high");
    policy.agent_effort = AgentEffort::respect_explicit;
    EXPECT_EQ(settled({}, "\"low\"", context, policy).mode, "high");
    EXPECT_EQ(settled({}, "null", context, policy).mode, "max");
  }
  EXPECT_EQ(settled({}, "null", opencode).agent, "max; agent with tools, known by user-agent opencode");
  EXPECT_EQ(settled({}, "null", affinity).agent, "max; agent with tools, known by x-session-affinity");
  EXPECT_EQ(settled({}, "null", beta).agent, "max; agent with tools, known by anthropic-beta claude-code");
  EXPECT_EQ(settled({}, "null", test::claude_code()).agent, "max; agent with tools, known by user-agent claude-cli");
  RequestContext other = test::context();
  other.user_agent = "my-claude-cli/1";
  EXPECT_EQ(settled({}, "null", other).mode, "high");
}

TEST(CallSettings, AsStrictAsTheHostedApi) {
  Call call;
  call.tools = {{.name = "f", .parameters = "{}"}};
  call.messages.resize(2);
  call.messages[1].role = Role::assistant;
  call.messages[1].tool_calls = {{.id = "1", .name = "f", .arguments = "{}"}};
  call.tool_choice.kind = ToolChoice::Kind::required;
  Policy policy = test::policy();
  const auto fault = [&] { return test::refusal([&] { check_hosted_limits(call, policy, "content[].thinking"); }); };
  EXPECT_EQ(fault(), "none");
  policy.strict_hosted = true;
  EXPECT_EQ(fault(), "Thinking mode does not support this tool_choice");
  policy.strict_hosted = false;
  policy.strict_reasoning = true;
  EXPECT_EQ(fault(), "The `content[].thinking` in the thinking mode must be passed back to the API.");
  call.messages[1].reasoning_content = "";
  EXPECT_EQ(fault(), "none") << "an empty one is one";
  call.messages[1].reasoning_content.reset();
  call.prompt.thinking_mode = ThinkingMode::chat;
  EXPECT_EQ(fault(), "none");
}

}  // namespace
}  // namespace fathom::api
