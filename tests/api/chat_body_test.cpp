#include "fathom/api/chat_body.h"

#include <gtest/gtest.h>

#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

std::string with(const std::string& members, const std::string& content = "u") {
  return R"({"model":"deepseek-v4-flash","messages":[{"role":"user","content":")" + content + "\"}]" +
         (members.empty() ? "" : "," + members) + "}";
}

const std::string kTools = R"("tools":[{"type":"function","function":{"name":"f"}}])";

Policy strict() {
  Policy policy = test::policy();
  policy.strict_hosted = true;
  return policy;
}

std::string fault(const std::string& body, const Policy& policy = test::policy(),
                  const RequestContext& context = test::context()) {
  return test::body_refusal([&] { read_chat(body, policy, context); });
}

TEST(ChatBody, TheLeastThatIsARequest) {
  const Call call = test::chat(with(""));
  EXPECT_EQ(call.surface, Surface::chat);
  EXPECT_EQ(call.model, "deepseek-v4-flash");
  EXPECT_EQ(call.prompt.thinking_mode, ThinkingMode::thinking);
  EXPECT_EQ(call.prompt.reasoning_effort, ReasoningEffort::high);
  EXPECT_FALSE(call.stream);
  EXPECT_FALSE(call.include_usage);
  EXPECT_TRUE(call.tools.empty());
  EXPECT_EQ(call.tool_choice.kind, ToolChoice::Kind::none);
  EXPECT_EQ(call.sampling.max_tokens, std::nullopt);
  EXPECT_EQ(call.sampling.top_logprobs, -1);
  EXPECT_EQ(call.user, "");
  EXPECT_EQ(call.agent_effort, "");
  EXPECT_EQ(test::prompt_of(call), "<｜begin▁of▁sentence｜><｜User｜>u<｜Assistant｜><think>");
}

TEST(ChatBody, OneCallAtATime) {
  EXPECT_TRUE(test::chat(with(kTools)).parallel_calls);
  EXPECT_TRUE(test::chat(with(R"("parallel_tool_calls":7,)" + kTools)).parallel_calls);
  const std::string one = with(R"("parallel_tool_calls":false,)" + kTools);
  EXPECT_FALSE(test::chat(one).parallel_calls);
  EXPECT_TRUE(read_chat(one, strict(), test::context()).parallel_calls) << "the hosted API does not look at it";
}

TEST(ChatBody, EveryField) {
  RequestContext beta = test::context();
  beta.beta = true;
  const Call call = read_chat(
      with(
          R"("thinking":{"type":"disabled"},"max_tokens":17,"temperature":0.25,"top_p":0.5,"stop":["x"],"stream":true,)"
          R"("stream_options":{"include_usage":true},"tool_choice":"required","logprobs":true,"top_logprobs":3,)"
          R"("user_id":"me","seed":7,"frequency_penalty":2,)" +
          kTools),
      test::policy(), beta);
  EXPECT_TRUE(call.beta);
  EXPECT_TRUE(call.stream);
  EXPECT_TRUE(call.include_usage);
  EXPECT_EQ(call.prompt.thinking_mode, ThinkingMode::chat);
  EXPECT_EQ(call.sampling.max_tokens, 17);
  EXPECT_EQ(call.sampling.temperature, 0.25);
  EXPECT_EQ(call.sampling.top_p, 0.5);
  EXPECT_EQ(call.sampling.stop, std::vector<std::string>{"x"});
  EXPECT_EQ(call.sampling.top_logprobs, 3);
  EXPECT_EQ(call.sampling.seed, 7U);
  EXPECT_EQ(call.user, "me");
  EXPECT_EQ(call.tool_choice.kind, ToolChoice::Kind::required);
  ASSERT_EQ(call.tools.size(), 1U);
  EXPECT_NE(test::prompt_of(call).find(R"({"name": "f"})"), std::string::npos);
}

TEST(ChatBody, UnknownKeysAreIgnored) {
  EXPECT_EQ(fault(with(R"("n":5,"logit_bias":{"1":2},"parallel_tool_calls":false,"store":true,"metadata":7,)"
                       R"("prompt_cache_key":"k","service_tier":[],"user":{"a":1},"extra_body":{"thinking":{}},)"
                       R"("thinking_mode":"chat","drop_thinking":"x","functions":3,"reasoning":{"effort":"none"})")),
            "none");
  EXPECT_EQ(
      test::chat(with(R"("thinking_mode":"chat","extra_body":{"thinking":{"type":"disabled"}})")).prompt.thinking_mode,
      ThinkingMode::thinking);
}

TEST(ChatBody, Thinking) {
  const auto mode = [](const std::string& members, const std::string& model = "deepseek-v4-pro") {
    const Call call = test::chat(R"({"model":")" + model + R"(","messages":[{"role":"user","content":"u"}])" +
                                 (members.empty() ? "" : "," + members) + "}");
    const bool max = call.prompt.reasoning_effort == ReasoningEffort::max;
    return call.prompt.thinking_mode == ThinkingMode::chat ? "off" : max ? "max" : "high";
  };
  EXPECT_STREQ(mode(""), "high");
  EXPECT_STREQ(mode(R"("thinking":null,"reasoning_effort":null)"), "high");
  EXPECT_STREQ(mode(R"("thinking":{"type":"enabled"})"), "high");
  EXPECT_STREQ(mode(R"("thinking":{"type":"adaptive"})"), "high");
  EXPECT_STREQ(mode(R"("thinking":{"type":"disabled"},"reasoning_effort":"max")"), "off");
  EXPECT_STREQ(mode(R"("thinking":{"type":"enabled"},"reasoning_effort":"none")"), "off");
  for (const std::string effort : {"minimal", "low", "medium", "high"})
    EXPECT_STREQ(mode("\"reasoning_effort\":\"" + effort + "\""), "high") << effort;
  for (const std::string effort : {"xhigh", "max", "ultra"})
    EXPECT_STREQ(mode("\"reasoning_effort\":\"" + effort + "\""), "max") << effort;
  EXPECT_STREQ(mode("", "deepseek-chat"), "off");
  EXPECT_STREQ(mode(R"("thinking":{"type":"enabled"})", "deepseek-chat"), "high");
  EXPECT_STREQ(mode(R"("thinking":{"type":"disabled"})", "deepseek-reasoner"), "high");
  EXPECT_EQ(fault(with(R"("reasoning_effort":"huge")")),
            "~ reasoning_effort: unknown variant `huge`, expected one of `none`, `minimal`, `low`, `medium`, `high`, "
            "`xhigh`, `max`, `ultra`");
  EXPECT_EQ(fault(with(R"("thinking":{"type":"on"})")),
            "~ thinking.type: unknown variant `on`, expected one of `enabled`, `disabled`, `adaptive`");
  EXPECT_EQ(fault(with(R"("thinking":{})")), "~ thinking: missing field `type`");
  EXPECT_EQ(fault(with(R"("thinking":true)")), "~ thinking: invalid type: boolean `true`, expected a map");
}

TEST(ChatBody, SamplingIsIgnoredInThinkingButMustBeSampling) {
  const Call call = test::chat(with(R"("temperature":0.1,"top_p":0.2)"));
  EXPECT_EQ(call.sampling.temperature, 1.0);
  EXPECT_EQ(call.sampling.top_p, 1.0);
  EXPECT_EQ(fault(with(R"("temperature":9)")), "Invalid temperature value, the valid range of temperature is [0, 2]");
}

TEST(ChatBody, LimitsByEitherName) {
  EXPECT_EQ(test::chat(with(R"("max_completion_tokens":384000)")).sampling.max_tokens, 384000);
  EXPECT_EQ(test::chat(with(R"("max_completion_tokens":5,"max_tokens":4)")).sampling.max_tokens, 4);
  EXPECT_EQ(test::chat(with(R"("max_completion_tokens":5,"max_tokens":null)")).sampling.max_tokens, 5);
  EXPECT_EQ(fault(with(R"("max_completion_tokens":0)")),
            "Invalid max_completion_tokens value, the valid range of max_completion_tokens is [1, 393216]");
}

TEST(ChatBody, Logprobs) {
  const auto best = [](const std::string& members) { return test::chat(with(members)).sampling.top_logprobs; };
  EXPECT_EQ(best(R"("logprobs":true)"), 0);
  EXPECT_EQ(best(R"("logprobs":true,"top_logprobs":20)"), 20);
  EXPECT_EQ(best(R"("logprobs":false,"top_logprobs":0)"), -1);
  EXPECT_EQ(best(R"("logprobs":null,"top_logprobs":null)"), -1);
  EXPECT_EQ(fault(with(R"("top_logprobs":5)")), "Invalid top_logprobs value, top_logprobs needs logprobs to be true");
  EXPECT_EQ(fault(with(R"("logprobs":true,"top_logprobs":21)")),
            "Invalid top_logprobs value, the valid range of top_logprobs is [0, 20]");
  EXPECT_EQ(fault(with(R"("logprobs":5)")), "~ logprobs: invalid type: integer `5`, expected a boolean");
}

TEST(ChatBody, Formats) {
  EXPECT_EQ(fault(with(R"("response_format":{"type":"json_object"})")),
            "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.");
  const Call call = test::chat(with(R"("response_format":{"type":"json_object"})", "as JsOn"));
  EXPECT_EQ(call.response_format.kind, ResponseFormat::Kind::json_object);
  EXPECT_NE(test::prompt_of(call).find("## Response Format:"), std::string::npos);
  const std::string schema = R"("response_format":{"type":"json_schema","json_schema":{"schema":{"type":"array"}}})";
  const Call with_schema = test::chat(with(schema));
  EXPECT_EQ(with_schema.response_format.schema, R"({"type": "array"})");
  EXPECT_NE(test::prompt_of(with_schema).find(R"({"type": "array"})"), std::string::npos);
  EXPECT_EQ(fault(with(schema), strict()), "This response_format type is unavailable now");
}

TEST(ChatBody, AChosenToolInThinkingIsBeyondTheHostedApi) {
  const std::string refused = "Thinking mode does not support this tool_choice";
  for (const std::string choice : {R"("required")", R"({"type":"function","function":{"name":"f"}})"}) {
    const std::string members = kTools + ",\"tool_choice\":" + choice;
    EXPECT_EQ(fault(with(members)), "none");
    EXPECT_EQ(fault(with(members), strict()), refused);
    EXPECT_EQ(fault(with(members + R"(,"thinking":{"type":"disabled"})"), strict()), "none");
  }
  for (const std::string choice : {"\"auto\"", "\"none\""})
    EXPECT_EQ(fault(with(kTools + ",\"tool_choice\":" + choice), strict()), "none");
}

TEST(ChatBody, WithoutChoiceThereAreNoTools) {
  const Call call = test::chat(with(kTools + R"(,"tool_choice":"none")"));
  EXPECT_TRUE(call.tools.empty());
  EXPECT_EQ(test::prompt_of(call), test::prompt_of(test::chat(with(""))));
}

TEST(ChatBody, ReasoningThatWasNotPassedBack) {
  const auto body = [](const std::string& members, const std::string& reasoning) {
    return R"({"model":"deepseek-v4-pro","messages":[{"role":"user","content":"u"},{"role":"assistant",)" + reasoning +
           R"("content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},)"
           R"({"role":"tool","tool_call_id":"1","content":"r"}],)" +
           members + "}";
  };
  Policy policy = test::policy();
  EXPECT_EQ(fault(body(kTools, ""), policy), "none");
  EXPECT_NE(test::prompt_of(test::chat(body(kTools, ""))).find("<think></think>"), std::string::npos);
  policy.strict_reasoning = true;
  EXPECT_EQ(fault(body(kTools, ""), policy),
            "The `reasoning_content` in the thinking mode must be passed back to the API.");
  EXPECT_EQ(fault(body(kTools, R"("reasoning_content":"",)"), policy), "none") << "an empty one is one";
  EXPECT_EQ(fault(body(kTools, R"("reasoning_content":null,)"), policy),
            "The `reasoning_content` in the thinking mode must be passed back to the API.");
  EXPECT_EQ(fault(body(kTools + R"(,"thinking":{"type":"disabled"})", ""), policy), "none");
  EXPECT_EQ(fault(body(R"("max_tokens":5)", ""), policy), "none") << "no tools";
}

TEST(ChatBody, AgentsWithTools) {
  RequestContext opencode = test::context();
  opencode.user_agent = "opencode/1.18.33 ai-sdk/provider-utils/4";
  opencode.session_affinity = "ses_1";
  const Call raised = read_chat(with(kTools + R"(,"tool_choice":"auto")"), test::policy(), opencode);
  EXPECT_EQ(raised.prompt.reasoning_effort, ReasoningEffort::max);
  EXPECT_NE(raised.agent_effort, "");
  const Call title = read_chat(with(R"("reasoning_effort":"low")"), test::policy(), opencode);
  EXPECT_EQ(title.prompt.reasoning_effort, ReasoningEffort::high);
  EXPECT_EQ(title.agent_effort, "");
}

TEST(ChatBody, Refusals) {
  EXPECT_EQ(fault("{}"), "~ missing field `model`");
  EXPECT_EQ(fault(R"({"model":"deepseek-v4-pro"})"), "~ missing field `messages`");
  EXPECT_EQ(fault(R"({"model":null,"messages":[]})"), "~ model: invalid type: null, expected a string");
  EXPECT_EQ(fault(R"({"model":"gpt-5","messages":[]})"),
            "The supported API model names are deepseek-v4-pro or deepseek-v4-flash, but you passed gpt-5.");
  EXPECT_EQ(fault(with(R"("stream_options":{"include_usage":true})")),
            "stream_options should be set along with stream = true");
  EXPECT_EQ(fault("[]"), "~ invalid type: sequence, expected a map");
}

// What the clients of api.md section 11 were seen to send.
TEST(ChatBody, OpenClaw) {
  const Call call = test::chat(
      R"({"model":"deepseek-v4-pro","messages":[{"role":"system","content":"<!-- openclaw:attempt:STABLE -->\nYou are"},)"
      R"({"role":"user","content":[{"type":"text","text":"hi"}]},{"role":"user","content":"again"}],"stream":true,)"
      R"("store":false,"stream_options":{"include_usage":true},"max_completion_tokens":384000,)"
      R"("thinking":{"type":"enabled"},"reasoning_effort":"high",)" +
      kTools + "}");
  EXPECT_EQ(call.sampling.max_tokens, 384000);
  EXPECT_NE(test::prompt_of(call).find("<｜User｜>hi\n\nagain<｜Assistant｜><think>"), std::string::npos);
}

}  // namespace
}  // namespace fathom::api
