#include "fathom/api/responses_body.h"

#include <gtest/gtest.h>

#include "fathom/api/response_store.h"
#include "fathom/chat/json_text.h"
#include "tests/api/surface_support.h"
#include "tests/api/writer_support.h"

namespace fathom::api {
namespace {

std::string with(const std::string& members, const std::string& input = "\"u\"") {
  return R"({"model":"deepseek-v4-flash","input":)" + input + (members.empty() ? "" : "," + members) + "}";
}

std::string fault(const std::string& body) {
  return test::body_refusal([&] { test::responses(body); });
}

JsonValue echo(const Call& call) { return read_json("{" + call.echo + "}", "echo"); }

TEST(ResponsesBody, TheLeastThatIsARequest) {
  const Call call = test::responses(with(""));
  EXPECT_EQ(call.surface, Surface::responses);
  EXPECT_EQ(call.model, "deepseek-v4-flash");
  EXPECT_TRUE(call.store);
  EXPECT_FALSE(call.previous_response);
  EXPECT_EQ(call.sampling.top_logprobs, -1);
  EXPECT_EQ(test::prompt_of(call), "<｜begin▁of▁sentence｜><｜User｜>u<｜Assistant｜><think>");
  EXPECT_EQ(write_json(echo(call)),
            R"({"instructions": null, "max_output_tokens": null, "metadata": {}, "reasoning": {"effort": "high", )"
            R"("summary": null}, "temperature": 1.0, "top_p": 1.0, "text": {"format": {"type": "text"}}, )"
            R"("tool_choice": "auto", "tools": [], "top_logprobs": 0, "truncation": "disabled", "user": null})");
}

TEST(ResponsesBody, FieldsOfTheAnswer) {
  const Call call = test::responses(with(R"("stream":true,"store":false,"temperature":0.5,"top_p":0.25,"user":"me",
      "max_output_tokens":7,"top_logprobs":3,"reasoning":{"effort":"none","summary":"auto"},"instructions":"i",
      "conversation":"c","background":true,"metadata":{"a":"b"},"include":["x"],"prompt":{},"truncation":"auto",
      "service_tier":"auto","prompt_cache_key":"k","stream_options":{},"max_tool_calls":3,"parallel_tool_calls":false,
      "client_metadata":{})"));
  EXPECT_TRUE(call.stream);
  EXPECT_FALSE(call.store);
  EXPECT_EQ(call.sampling.temperature, 0.5);
  EXPECT_EQ(call.sampling.top_p, 0.25);
  EXPECT_EQ(call.sampling.max_tokens, 7);
  EXPECT_EQ(call.sampling.top_logprobs, 3);
  EXPECT_EQ(call.user, "me");
  EXPECT_EQ(test::prompt_of(call), "<｜begin▁of▁sentence｜>i<｜User｜>u<｜Assistant｜></think>");
  EXPECT_EQ(test::text_at(echo(call), {"reasoning", "effort"}), "none");
  EXPECT_EQ(test::text_at(echo(call), {"instructions"}), "i");
  EXPECT_EQ(test::text_at(echo(call), {"max_output_tokens"}), "7");
}

TEST(ResponsesBody, Logprobs) {
  const auto best = [](const std::string& members) { return test::responses(with(members)).sampling.top_logprobs; };
  EXPECT_EQ(best(R"("top_logprobs":0)"), -1);
  EXPECT_EQ(best(R"("include":["message.output_text.logprobs"])"), 0);
  EXPECT_EQ(best(R"("include":["message.output_text.logprobs"],"top_logprobs":20)"), 20);
  EXPECT_EQ(best(R"("include":null)"), -1);
  EXPECT_EQ(fault(with(R"("top_logprobs":21)")),
            "Invalid top_logprobs value, the valid range of top_logprobs is [0, 20]");
}

TEST(ResponsesBody, Formats) {
  const auto format = [](const std::string& text, const std::string& input = "\"in json\"") {
    return test::responses(with("\"text\":" + text, input));
  };
  EXPECT_EQ(format("null").response_format.kind, ResponseFormat::Kind::text);
  EXPECT_EQ(format(R"({"format":{"type":"text"},"verbosity":"low"})").response_format.kind, ResponseFormat::Kind::text);
  EXPECT_EQ(format(R"({"format":{"type":"json_object"}})").response_format.kind, ResponseFormat::Kind::json_object);
  const Call call = format(R"({"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object"}}})");
  EXPECT_EQ(call.response_format.kind, ResponseFormat::Kind::json_schema);
  EXPECT_EQ(call.response_format.schema, R"({"type": "object"})");
  EXPECT_EQ(call.messages.front().response_format, R"({"type": "object"})");
  EXPECT_EQ(test::text_at(echo(call), {"text", "format", "name"}), "n");
  EXPECT_EQ(fault(with(R"("text":{"format":{"type":"json_object"}})")),
            "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.");
  EXPECT_EQ(fault(with(R"("text":{"format":{"type":"json_object"}},"instructions":"As JSON")")), "none");
  EXPECT_EQ(fault(with(R"("text":{"format":{"type":"json_schema"}})")), "~ text.format: missing field `schema`");
  EXPECT_EQ(fault(with(R"("text":{"format":{"type":"grammar"}})")),
            "~ text.format.type: unknown variant `grammar`, expected one of `text`, `json_object`, `json_schema`");
}

TEST(ResponsesBody, Refusals) {
  EXPECT_EQ(fault("{}"), "~ missing field `model`");
  EXPECT_EQ(fault(R"({"model":"deepseek-v4-pro"})"), "~ missing field `input`");
  EXPECT_EQ(fault(with("", "[]")), "input: at least one item is required");
  EXPECT_EQ(fault(with("", R"([{"type":"item_reference","id":"x"}])")), "input: at least one item is required");
  EXPECT_EQ(fault(with(R"("previous_response_id":3)")),
            "~ previous_response_id: invalid type: integer `3`, expected a string");
  EXPECT_EQ(fault(with(R"("instructions":[])")), "~ instructions: invalid type: sequence, expected a string");
  EXPECT_EQ(fault(with(R"("reasoning":"high")")), "~ reasoning: invalid type: string \"high\", expected a map");
  EXPECT_EQ(fault(with(R"("text":"json")")), "~ text: invalid type: string \"json\", expected a map");
  EXPECT_EQ(fault(with(R"("tools":[{"type":"custom","name":"exec"}])")),
            "Custom tool 'exec' is not supported, only 'apply_patch' is.");
  EXPECT_EQ(fault(with("", R"([{"type":"function_call","name":"f","arguments":"{}","call_id":"1"}])")),
            "No tool output found for function call 1.");
}

// As Codex 0.169 sends its requests, cut to size.
std::string codex(const std::string& later) {
  return R"({"model":"deepseek-v4-pro","instructions":"You are Codex.","input":[
    {"type":"message","role":"developer","content":[{"type":"input_text","text":"<permissions>"}]},
    {"type":"message","role":"developer","content":[{"type":"input_text","text":"<apps>"}]},
    {"type":"message","role":"user","content":[{"type":"input_text","text":"<environment>"}]},
    {"type":"message","role":"user","content":[{"type":"input_text","text":"list files"}]})" +
         later + R"(],
    "tools":[{"type":"function","name":"exec_command","description":"Runs","strict":false,
              "parameters":{"type":"object","properties":{"cmd":{"type":"string"}},"required":["cmd"]}},
             {"type":"namespace","name":"multi_agent_v1","description":"Agents","tools":[
               {"type":"function","name":"spawn_agent","description":"s","strict":false,"parameters":{"type":"object"}}]},
             {"type":"web_search","external_web_access":false}],
    "tool_choice":"auto","parallel_tool_calls":false,"reasoning":{"effort":"xhigh","summary":"auto"},"store":false,
    "stream":true,"include":["reasoning.encrypted_content"],"prompt_cache_key":"0199","client_metadata":{"x":"y"}})";
}

const std::string kRound = R"(,
    {"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"ls will do"}],
     "encrypted_content":null},
    {"type":"function_call","id":"fc_1","name":"exec_command","arguments":"{\"cmd\": \"ls\"}","call_id":"call_00_a"},
    {"type":"function_call","name":"spawn_agent","namespace":"multi_agent_v1","arguments":"{}","call_id":"call_01_b"},
    {"type":"function_call_output","call_id":"call_00_a","output":"a\nb"},
    {"type":"function_call_output","call_id":"call_01_b","output":"ok"})";

TEST(ResponsesBody, Codex) {
  const Call call = test::responses(codex(""));
  EXPECT_FALSE(call.store);
  EXPECT_EQ(call.prompt.reasoning_effort, ReasoningEffort::max);
  ASSERT_EQ(call.tools.size(), 2U);
  EXPECT_EQ(call.tools[1].name, "spawn_agent");
  EXPECT_EQ(call.tools[1].name_space, "multi_agent_v1");
  EXPECT_EQ(call.input_system, "<permissions>\n\n<apps>");
  const std::string prompt = test::prompt_of(call);
  EXPECT_NE(prompt.find("\n\nYou are Codex.\n\n<permissions>\n\n<apps>\n\n## Tools\n\n"), std::string::npos);
  EXPECT_TRUE(prompt.ends_with("<｜User｜><environment>\n\nlist files<｜Assistant｜><think>"));
  EXPECT_EQ(echo(call).find("tools")->elements.size(), 3U);

  const std::string second = test::prompt_of(test::responses(codex(kRound)));
  EXPECT_TRUE(second.starts_with(prompt));
  EXPECT_TRUE(
      second.ends_with("<｜User｜><tool_result>a\nb</tool_result>\n\n<tool_result>ok</tool_result>"
                       "<｜Assistant｜><think>"));
}

// A conversation by previous_response_id has the prompt of the conversation sent whole.
TEST(ResponsesBody, StoredOrSentItIsTheSamePrompt) {
  Call first = test::responses(codex(""));
  first.store = true;
  Answer answer;
  answer.reasoning_content = "ls will do";
  answer.calls = {{.name = "exec_command", .arguments = R"({"cmd": "ls"})"},
                  {.name = "spawn_agent", .arguments = "{}"}};
  ResponseStore store({});
  store.put("me", "91cfbb94", stored_response(first, answer, "91cfbb94"), {});

  const auto earlier = store.find("me", "91cfbb94", {});
  ASSERT_NE(earlier, nullptr);
  const std::vector<ToolCall>& calls = earlier->turns.back().tool_calls;
  std::string round = kRound;
  const std::string whole = codex(kRound);
  const std::string outputs = R"([{"type":"function_call_output","call_id":")" + calls[0].id + R"(","output":"a\nb"},
      {"type":"function_call_output","call_id":")" +
                              calls[1].id + R"(","output":"ok"}])";
  const std::string body = codex("");
  const std::string rest = body.substr(body.find("\"tools\""));
  Call next = test::responses(
      R"({"model":"deepseek-v4-pro","instructions":"You are Codex.","previous_response_id":"91cfbb94","input":)" +
      outputs + "," + rest);
  EXPECT_EQ(next.previous_response, "91cfbb94");
  continue_response(next, *earlier);
  EXPECT_EQ(test::prompt_of(next), test::prompt_of(test::responses(whole)));
}

TEST(ResponsesBody, AfterAStoredConversationJsonMayHaveBeenAskedForBefore) {
  const std::string format = R"("previous_response_id":"1","text":{"format":{"type":"json_object"}})";
  Call call = test::responses(with(format));
  StoredResponse earlier;
  earlier.turns.resize(2);
  earlier.turns[0].content = "as JSON";
  earlier.turns[1].role = Role::assistant;
  EXPECT_EQ(test::refusal([&] { continue_response(call, earlier); }), "none");
  earlier.turns[0].content = "as you like";
  Call other = test::responses(with(format));
  EXPECT_NE(test::refusal([&] { continue_response(other, earlier); }), "none");
}

}  // namespace
}  // namespace fathom::api
