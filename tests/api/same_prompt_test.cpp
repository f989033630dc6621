// One conversation, three surfaces, one prompt.
#include <gtest/gtest.h>

#include "fathom/api/chat_body.h"
#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

std::string chat_prompt(const std::string& members) {
  RequestContext beta = test::context();
  beta.beta = true;
  return test::prompt_of(read_chat(R"({"model":"deepseek-v4-pro",)" + members + "}", test::policy(), beta));
}
std::string anthropic_prompt(const std::string& members) {
  return test::prompt_of(test::anthropic(R"({"model":"deepseek-v4-pro",)" + members + "}"));
}
std::string responses_prompt(const std::string& members) {
  return test::prompt_of(test::responses(R"({"model":"deepseek-v4-pro",)" + members + "}"));
}

const std::string kSchema =
    R"({"type":"object","properties":{"command":{"type":"string","description":"…"},"timeout":{"type":"number"}},)"
    R"("required":["command"],"additionalProperties":false})";

TEST(SamePrompt, AWholeAgentsConversation) {
  const std::string chat = chat_prompt(R"("reasoning_effort":"max",
    "tools":[{"type":"function","function":{"name":"Bash","description":"Run","parameters":)" +
                                       kSchema + R"(}},
             {"type":"function","function":{"name":"Now"}}],
    "messages":[
      {"role":"system","content":"You are an agent.\n\nBe brief."},
      {"role":"user","content":"list files\n\nSkills: none"},
      {"role":"assistant","reasoning_content":"ls","content":"I'll look.","tool_calls":[
        {"id":"1","type":"function","function":{"name":"Bash","arguments":"{\"command\":\"ls -la\",\"timeout\":1e3}"}},
        {"id":"2","type":"function","function":{"name":"Now","arguments":"{}"}}]},
      {"role":"tool","tool_call_id":"2","content":"noon"},
      {"role":"tool","tool_call_id":"1","content":"a\nb"},
      {"role":"user","content":"and now?"},
      {"role":"assistant","reasoning_content":"done","content":"Two files."},
      {"role":"user","content":"Danke, schön ✓"}])");
  const std::string anthropic = anthropic_prompt(R"("output_config":{"effort":"max"},
    "tools":[{"name":"Bash","description":"Run","input_schema":)" +
                                                 kSchema + R"(,"cache_control":{"type":"ephemeral"}},
             {"name":"Now"}],
    "system":[{"type":"text","text":"You are an agent."},{"type":"text","text":"Be brief."}],
    "messages":[
      {"role":"user","content":"list files"},
      {"role":"system","content":[{"type":"text","text":"Skills: none"}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"ls","signature":"s"},
        {"type":"text","text":"I'll look."},
        {"type":"tool_use","id":"1","name":"Bash","input":{"command":"ls -la","timeout":1e3}},
        {"type":"tool_use","id":"2","name":"Now","input":{}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"2","content":"noon"},
        {"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"a\nb"}]},
        {"type":"text","text":"and now?"}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"done"},{"type":"text","text":"Two files."}]},
      {"role":"user","content":"Danke, schön ✓"}])");
  const std::string responses = responses_prompt(R"("reasoning":{"effort":"max"},
    "tools":[{"type":"function","name":"Bash","description":"Run","strict":false,"parameters":)" +
                                                 kSchema + R"(},
             {"type":"function","name":"Now"}],
    "instructions":"You are an agent.",
    "input":[
      {"role":"developer","content":"Be brief."},
      {"role":"user","content":[{"type":"input_text","text":"list files"}]},
      {"role":"developer","content":"Skills: none"},
      {"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"ls"}]},
      {"role":"assistant","content":[{"type":"output_text","text":"I'll look."}]},
      {"type":"function_call","name":"Bash","arguments":"{\"command\":\"ls -la\",\"timeout\":1e3}","call_id":"1"},
      {"type":"function_call","name":"Now","arguments":"{}","call_id":"2"},
      {"type":"function_call_output","call_id":"2","output":"noon"},
      {"type":"function_call_output","call_id":"1","output":"a\nb"},
      {"role":"user","content":"and now?"},
      {"type":"reasoning","content":[{"type":"reasoning_text","text":"done"}]},
      {"role":"assistant","content":"Two files."},
      {"role":"user","content":"Danke, schön ✓"}])");
  EXPECT_EQ(anthropic, chat);
  EXPECT_EQ(responses, chat);
  EXPECT_NE(chat.find("<think>ls</think>I'll look."), std::string::npos);
}

TEST(SamePrompt, WithoutToolsAndThinking) {
  const std::string chat = chat_prompt(R"("thinking":{"type":"disabled"},"messages":[{"role":"user","content":"a"},
    {"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"assistant","content":"d","prefix":true}])");
  EXPECT_EQ(anthropic_prompt(R"("thinking":{"type":"disabled"},"messages":[{"role":"user","content":"a"},
    {"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"assistant","content":"d"}])"),
            chat);
  EXPECT_EQ(responses_prompt(R"("reasoning":{"effort":"none"},"input":[{"role":"user","content":"a"},
    {"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"assistant","content":"d"}])"),
            chat);
}

TEST(SamePrompt, Formats) {
  for (const std::string format : {R"({"type":"json_object"})", R"({"type":"text"})"})
    EXPECT_EQ(responses_prompt(R"("input":"json","text":{"format":)" + format + "}"),
              chat_prompt(R"("messages":[{"role":"user","content":"json"}],"response_format":)" + format));
  EXPECT_EQ(
      responses_prompt(R"("input":"u","text":{"format":{"type":"json_schema","name":"n","schema":)" + kSchema + "}}"),
      chat_prompt(R"("messages":[{"role":"user","content":"u"}],"response_format":{"type":"json_schema",
              "json_schema":{"name":"n","schema":)" +
                  kSchema + "}}"));
}

}  // namespace
}  // namespace fathom::api
