#include "fathom/api/call_settings.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

constexpr std::int64_t kBefore = kOldNamesUntil - 1;

std::string chosen(std::string_view name, Surface surface, std::int64_t now = kBefore, Policy policy = test::policy()) {
  std::string id;
  const std::string refused = test::refusal([&] {
    const ModelChoice choice = choose_model(name, surface, policy, now);
    id = choice.id;
    if (choice.thinking) id += *choice.thinking == ThinkingMode::chat ? ", chat" : ", thinking";
  });
  return refused == "none" ? id : refused;
}

TEST(CallSettings, ModelsByName) {
  for (const Surface surface : {Surface::anthropic, Surface::responses}) {
    EXPECT_EQ(chosen("deepseek-v4-pro", surface), "deepseek-v4-pro");
    EXPECT_EQ(chosen("deepseek-v4-pro[1m]", surface), "deepseek-v4-pro");
    EXPECT_EQ(chosen("deepseek-chat", surface), "deepseek-v4-flash, chat");
    EXPECT_EQ(chosen("deepseek-reasoner", surface), "deepseek-v4-flash, thinking");
  }
  EXPECT_EQ(chosen("claude-opus-4-8", Surface::anthropic), "deepseek-v4-pro");
  EXPECT_EQ(chosen("claude-sonnet-4-6[1m]", Surface::anthropic), "deepseek-v4-flash");
  EXPECT_EQ(chosen("claude-haiku-4-5-20251001", Surface::anthropic), "deepseek-v4-flash");
  EXPECT_EQ(chosen("whatever", Surface::anthropic), "deepseek-v4-flash");
  EXPECT_EQ(chosen("claude-opus-4-8", Surface::responses),
            "The supported API model names are deepseek-v4-flash or deepseek-v4-pro, but you passed claude-opus-4-8.");
  EXPECT_EQ(
      chosen("DeepSeek-V4-Flash", Surface::responses),
      "The supported API model names are deepseek-v4-flash or deepseek-v4-pro, but you passed DeepSeek-V4-Flash.");
}

TEST(CallSettings, OldNamesAfterTheirTime) {
  Policy keeps = test::policy();
  keeps.keep_old_names = true;
  for (const Surface surface : {Surface::anthropic, Surface::responses}) {
    EXPECT_EQ(chosen("deepseek-chat", surface, kOldNamesUntil),
              "The supported API model names are deepseek-v4-flash or deepseek-v4-pro, but you passed deepseek-chat.");
    EXPECT_EQ(chosen("deepseek-chat", surface, kOldNamesUntil, keeps), "deepseek-v4-flash, chat");
  }
}

TEST(CallSettings, OneModelStandsInForTheOther) {
  Policy one = test::policy();
  one.models.erase(one.models.begin());
  EXPECT_EQ(chosen("claude-haiku", Surface::anthropic, kBefore, one), "deepseek-v4-pro");
  EXPECT_EQ(chosen("deepseek-v4-flash", Surface::responses, kBefore, one),
            "The supported API model names are deepseek-v4-pro, but you passed deepseek-v4-flash.");
  EXPECT_EQ(served_model(one, "deepseek-v4-pro").context_tokens, 1048576);
  EXPECT_THROW(served_model(one, "x"), InternalError);
}

struct Settled {
  std::string mode;
  std::string agent;
  double temperature = 0;
};

Settled settled(std::optional<ThinkingMode> mode, const std::string& effort, const RequestContext& context,
                const Policy& policy = test::policy(), bool tools = true) {
  const JsonValue value = read_json(effort, "test");
  Call call;
  call.sampling.temperature = 0.3;
  if (tools) call.tools = {{.name = "f", .parameters = "{}"}};
  settle_thinking(call, {.id = "x"}, {.mode = mode, .effort = JsonField(&value, "effort")}, policy, context);
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
    EXPECT_EQ(settled({}, "null", context).agent, "max; agent with tools");
    EXPECT_EQ(settled({}, "null", context, test::policy(), false).mode, "high") << "titles and summaries";
    EXPECT_EQ(settled({}, "\"max\"", context).agent, "") << "nothing was changed";
    Policy policy = test::policy();
    policy.agent_effort = AgentEffort::off;
    EXPECT_EQ(settled({}, "null", context, policy).mode, "high");
    policy.agent_effort = AgentEffort::respect_explicit;
    EXPECT_EQ(settled({}, "\"low\"", context, policy).mode, "high");
    EXPECT_EQ(settled({}, "null", context, policy).mode, "max");
  }
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
