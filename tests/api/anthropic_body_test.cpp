#include "fathom/api/anthropic_body.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "fathom/api/api_error.h"
#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

std::string with(const std::string& members) {
  return R"({"model":"deepseek-v4-flash","max_tokens":100,"messages":[{"role":"user","content":"u"}])" +
         (members.empty() ? "" : "," + members) + "}";
}

std::string fault(const std::string& body) {
  return test::body_refusal([&] { test::anthropic(body); });
}

TEST(AnthropicBody, TheLeastThatIsARequest) {
  const Call call = test::anthropic(R"({"model":"deepseek-v4-pro[1m]","messages":[{"role":"user","content":"u"}]})");
  EXPECT_EQ(call.surface, Surface::anthropic);
  EXPECT_EQ(call.requested_model, "deepseek-v4-pro[1m]");
  EXPECT_EQ(call.model, "deepseek-v4-pro");
  EXPECT_EQ(call.sampling.max_tokens, std::nullopt);
  EXPECT_FALSE(call.stream);
  EXPECT_EQ(call.tool_choice.kind, ToolChoice::Kind::none);
  EXPECT_EQ(test::prompt_of(call), "<｜begin▁of▁sentence｜><｜User｜>u<｜Assistant｜><think>");
}

TEST(AnthropicBody, FieldsOfTheAnswer) {
  const Call call = test::anthropic(with(R"("stream":true,"temperature":0.2,"top_p":0.5,"top_k":40,
      "stop_sequences":["a","","b"],"thinking":{"type":"disabled"},"metadata":{"user_id":"me"},"service_tier":"auto",
      "container":"c","mcp_servers":[],"context_management":{"edits":[]},"speed":"fast","fallbacks":[])"));
  EXPECT_TRUE(call.stream);
  EXPECT_EQ(call.sampling.max_tokens, 100);
  EXPECT_EQ(call.sampling.temperature, 0.2);
  EXPECT_EQ(call.sampling.top_p, 0.5);
  EXPECT_EQ(call.sampling.top_k, 0) << "ignored, as DeepSeek does";
  EXPECT_EQ(call.sampling.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(call.user.size(), 32U);
  EXPECT_EQ(call.sampling.top_logprobs, -1);
  EXPECT_EQ(test::prompt_of(call), "<｜begin▁of▁sentence｜><｜User｜>u<｜Assistant｜></think>");
}

TEST(AnthropicBody, OneCallAtATime) {
  const auto parallel = [](const std::string& choice) {
    return test::anthropic(with(R"("tools":[{"name":"f"}],"tool_choice":)" + choice)).parallel_calls;
  };
  EXPECT_TRUE(parallel("null"));
  EXPECT_TRUE(parallel(R"({"type":"any"})"));
  EXPECT_TRUE(parallel(R"({"type":"any","disable_parallel_tool_use":false})"));
  EXPECT_FALSE(parallel(R"({"type":"any","disable_parallel_tool_use":true})"));
}

TEST(AnthropicBody, Thinking) {
  const auto mode = [](const std::string& members) {
    const Call call = test::anthropic(with(members));
    if (call.prompt.thinking_mode == ThinkingMode::chat) return "chat";
    return call.prompt.reasoning_effort == ReasoningEffort::max ? "max" : "high";
  };
  EXPECT_STREQ(mode(""), "high");
  EXPECT_STREQ(mode(R"("thinking":null,"output_config":null)"), "high");
  EXPECT_STREQ(mode(R"("thinking":{"type":"adaptive","display":"omitted"})"), "high");
  EXPECT_STREQ(mode(R"("thinking":{"type":"enabled","budget_tokens":31999})"), "high");
  EXPECT_STREQ(mode(R"("thinking":{"type":"disabled"},"output_config":{"effort":"max"})"), "chat");
  EXPECT_STREQ(mode(R"("thinking":{"type":"enabled"},"output_config":{"effort":"max"})"), "max");
  EXPECT_STREQ(mode(R"("output_config":{"effort":"low","format":null})"), "high");
  EXPECT_STREQ(mode(R"("output_config":{"effort":"none"})"), "chat");
  EXPECT_EQ(fault(with(R"("thinking":{"type":"on"})")),
            "~ thinking.type: unknown variant `on`, expected one of `enabled`, `adaptive`, `disabled`");
  EXPECT_EQ(fault(with(R"("thinking":true)")), "~ thinking: invalid type: boolean `true`, expected a map");
  EXPECT_TRUE(fault(with(R"("output_config":{"effort":"huge"})"))
                  .starts_with("~ output_config.effort: unknown variant `huge`"));
}

TEST(AnthropicBody, FormatOfTheAnswer) {
  using Kind = ResponseFormat::Kind;
  const auto format = [](const std::string& members) { return test::anthropic(with(members)).response_format; };
  EXPECT_EQ(format("").kind, Kind::text);
  EXPECT_EQ(format(R"("output_config":{"format":null},"output_format":null)").kind, Kind::text);
  const std::string schema = R"({"type":"json_schema","schema":{"type":"object"}})";
  for (const std::string& members : {R"("output_config":{"format":)" + schema + "}", R"("output_format":)" + schema}) {
    const ResponseFormat read = format(members);
    EXPECT_EQ(read.kind, Kind::json_schema) << members;
    EXPECT_EQ(read.schema, R"({"type": "object"})") << members;
    EXPECT_NE(test::prompt_of(test::anthropic(with(members))).find("## Response Format"), std::string::npos);
  }
  EXPECT_EQ(fault(with(R"("output_format":{"type":"xml"})")),
            "~ output_format.type: unknown variant `xml`, expected `json_schema`");
  EXPECT_EQ(fault(with(R"("output_format":{"type":"json_schema","schema":true})")),
            "~ output_format.schema: invalid type: boolean `true`, expected a map");
}

// A thread's later turns come without what was said before: nothing but a refusal is right.
TEST(AnthropicBody, ThreadsAreRefusedInTheWordsThatTheSdkKnows) {
  for (const std::string_view thread : {R"({"type":"create"})", R"({"type":"continue","previous_message_id":"m"})"}) {
    try {
      test::anthropic(with(R"("thread":)" + std::string(thread)));
      ADD_FAILURE() << thread;
    } catch (const ApiError& error) {
      EXPECT_EQ(error.status(), 400);
      EXPECT_EQ(error.details, R"({"error_code":"thread_unsupported_request","unsupported":["thread"]})");
    }
  }
  EXPECT_NO_THROW(test::anthropic(with(R"("thread":null)")));
}

TEST(AnthropicBody, Refusals) {
  EXPECT_EQ(fault("{}"), "~ missing field `model`");
  EXPECT_EQ(fault(R"({"model":"deepseek-v4-pro"})"), "~ missing field `messages`");
  EXPECT_EQ(fault(R"({"model":"deepseek-v4-pro","messages":[]})"), "messages: at least one message is required");
  EXPECT_EQ(fault(with(R"("stream":"yes")")), "~ stream: invalid type: string \"yes\", expected a boolean");
  EXPECT_EQ(fault(with(R"("temperature":2.5)")), "Invalid temperature value, the valid range of temperature is [0, 2]");
  EXPECT_EQ(fault(with(R"("top_p":-1)")), "Invalid top_p value, the valid range of top_p is [0, 1]");
  EXPECT_EQ(fault(R"({"model":"deepseek-v4-pro","max_tokens":0,"messages":[]})"),
            "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]");
  EXPECT_EQ(fault(with(R"("stop_sequences":["1","2","3","4","5","6","7","8","9","a","b","c","d","e","f","g","h"])")),
            "Invalid stop_sequences value, at most 16 strings are allowed");
  EXPECT_EQ(fault(with(R"("metadata":7)")), "none") << "never validated";
  EXPECT_EQ(fault(with(R"("metadata":{"user_id":7})")), "none");
  EXPECT_EQ(test::refusal([] {
              Policy strict = test::policy();
              strict.strict_hosted = true;
              read_anthropic(with(R"("tools":[{"name":"f"}],"tool_choice":{"type":"any"})"), strict, test::context());
            }),
            "Thinking mode does not support this tool_choice");
}

TEST(AnthropicBody, ChoosingNoToolOffersNone) {
  const std::string tools = R"("tools":[{"name":"f","input_schema":{"type":"object"}}])";
  const Call call = test::anthropic(with(tools + R"(,"tool_choice":{"type":"none"})"));
  EXPECT_TRUE(call.tools.empty());
  EXPECT_EQ(test::prompt_of(call), test::prompt_of(test::anthropic(with(""))));
  const Call offered = test::anthropic(with(tools));
  ASSERT_EQ(offered.messages.size(), 2U);
  EXPECT_EQ(offered.messages[0].tools.size(), 1U) << "on a system message that was not there";
  EXPECT_EQ(offered.tools[0].parameters, R"({"type": "object"})");
}

// As Claude Code 2.1.330 sends its requests, cut to size.
std::string claude_code(const std::string& version, const std::string& reminder, const std::string& later) {
  return R"({"model":"deepseek-v4-pro","messages":[
    {"role":"user","content":[{"type":"text","text":"<system-reminder>\nToday\n</system-reminder>"},
                              {"type":"text","text":"list files","cache_control":{"type":"ephemeral"}}]},
    {"role":"system","content":)" +
         reminder + "}" + later + R"(],
    "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=)" +
         version + R"(; cc_entrypoint=sdk-cli;"},
              {"type":"text","text":"You are a Claude agent.","cache_control":{"type":"ephemeral"}},
              {"type":"text","text":"# Tone\nBe brief.","cache_control":{"type":"ephemeral"}}],
    "tools":[{"name":"Bash","description":"Run","input_schema":{"$schema":"x","type":"object","properties":
                {"command":{"type":"string"}},"required":["command"],"additionalProperties":false}},
             {"name":"DeferredToolPlaceholder","description":"d","input_schema":{"type":"object"},"defer_loading":true},
             {"type":"web_search_20250305","name":"web_search","max_uses":8}],
    "metadata":{"user_id":"{\"device_id\":\"d\",\"account_uuid\":\"\",\"session_id\":\")" +
         version + R"(\"}"},
    "max_tokens":32000,"thinking":{"type":"adaptive","display":"omitted"},
    "context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},
    "output_config":{"effort":"high"},"stream":true})";
}

const std::string kBlocks = R"([{"type":"text","text":"Skills: none","cache_control":{"type":"ephemeral"}}])";
const std::string kText = R"("Skills: none")";
const std::string kRound = R"(,{"role":"assistant","content":[
      {"type":"thinking","thinking":"ls will do","signature":"91cfbb94-554b-4136-8e21-fa02280d56ed"},
      {"type":"tool_use","id":"call_00_abc","name":"Bash","input":{"command":"ls"}}]},
    {"role":"user","content":[{"tool_use_id":"call_00_abc","type":"tool_result","content":"a\nb","is_error":false,
      "cache_control":{"type":"ephemeral"}}]})";

TEST(AnthropicBody, ClaudeCode) {
  const Call call = read_anthropic(claude_code("2.1.330.ac9", kBlocks, ""), test::policy(), test::claude_code());
  EXPECT_EQ(call.sampling.max_tokens, 32000);
  EXPECT_EQ(call.tools.size(), 2U);
  EXPECT_EQ(call.agent_effort, "max; agent with tools, known by user-agent claude-cli");
  const std::string prompt = test::prompt_of(call);
  EXPECT_NE(prompt.find("\n\nYou are a Claude agent.\n\n# Tone\nBe brief.\n\n## Tools\n\n"), std::string::npos);
  EXPECT_EQ(prompt.find("billing"), std::string::npos);
  EXPECT_TRUE(
      prompt.ends_with("<｜User｜><system-reminder>\nToday\n</system-reminder>\n\nlist files\n\nSkills: none"
                       "<｜Assistant｜><think>"));
}

TEST(AnthropicBody, ClaudeCodesSecondRequestBeginsWithTheFirst) {
  const auto read = [](const std::string& body) { return read_anthropic(body, test::policy(), test::claude_code()); };
  const Call first = read(claude_code("2.1.330.ac9", kBlocks, ""));
  const Call second = read(claude_code("2.1.330.636", kText, kRound));
  EXPECT_EQ(first.user, second.user);
  const std::string prompt = test::prompt_of(second);
  EXPECT_TRUE(prompt.starts_with(test::prompt_of(first)));
  EXPECT_TRUE(prompt.ends_with(
      "<think>ls will do</think>\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"Bash\">\n<｜DSML｜parameter "
      "name=\"command\" string=\"true\">ls</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>"
      "<｜end▁of▁sentence｜><｜User｜><tool_result>a\nb</tool_result><｜Assistant｜><think>"));
}

TEST(AnthropicBody, TokenCountsNeedNoLimit) {
  const std::string body = claude_code("1", kText, kRound);
  std::string counted = body;
  counted.erase(counted.find(R"("max_tokens":32000,)"), std::string_view(R"("max_tokens":32000,)").size());
  EXPECT_EQ(test::prompt_of(test::anthropic(counted)), test::prompt_of(test::anthropic(body)));
}

// Claude Code's search asks for a tool of the server and nothing else.
TEST(AnthropicBody, ASearchThatNobodyRuns) {
  const Call call = test::anthropic(with(
      R"("tools":[{"type":"web_search_20250305","name":"web_search"}],"tool_choice":{"type":"tool","name":"web_search"})"));
  EXPECT_EQ(call.tool_choice.kind, ToolChoice::Kind::none);
  EXPECT_TRUE(call.tools.empty());
}

TEST(AnthropicBody, ReasoningThatWasNotPassedBack) {
  Policy strict = test::policy();
  strict.strict_reasoning = true;
  std::string without = kRound;
  const std::size_t begin = without.find("{\"type\":\"thinking\"");
  without.erase(begin, without.find("},", begin) + 2 - begin);
  const auto read = [&](const std::string& round) {
    return test::refusal([&] { read_anthropic(claude_code("1", kText, round), strict, test::context()); });
  };
  EXPECT_EQ(read(kRound), "none");
  EXPECT_EQ(read(without), "The `content[].thinking` in the thinking mode must be passed back to the API.");
}

}  // namespace
}  // namespace fathom::api
