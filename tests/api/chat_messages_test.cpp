#include "fathom/api/chat_messages.h"

#include <gtest/gtest.h>

#include "fathom/api/body_fields.h"
#include "fathom/chat/prompt.h"
#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

struct Reading {
  bool strict = false;
  bool beta = false;
};

std::vector<ChatMessage> read(const std::string& messages, Reading reading = {}) {
  Policy policy = test::policy();
  policy.strict_hosted = reading.strict;
  std::vector<ChatMessage> list;
  read_body("{\"messages\":" + messages + "}", [&](const JsonField& request) {
    list = read_chat_messages(request.member("messages"), policy, reading.beta);
  });
  return list;
}

std::string fault(const std::string& messages, Reading reading = {}) {
  return test::body_refusal([&] { read(messages, reading); });
}

std::string prompt(const std::string& messages, Reading reading = {}) {
  return render_prompt(read(messages, reading), {.thinking_mode = ThinkingMode::chat});
}

const std::string kUser = R"({"role":"user","content":"u"})";
const std::string kCalls = R"({"role":"assistant","content":null,"tool_calls":[)"
                           R"({"id":"1","type":"function","function":{"name":"f","arguments":"{}"}},)"
                           R"({"id":"2","type":"function","function":{"name":"f","arguments":"{}"}}]})";

std::string result(const std::string& id) { return R"({"role":"tool","tool_call_id":")" + id + R"(","content":"r"})"; }

TEST(ChatMessages, Roles) {
  const std::string roles = "expected one of `system`, `user`, `assistant`, `tool`, `latest_reminder`";
  EXPECT_EQ(fault("[" + kUser + R"(,{"role":"function","content":"x"}])"),
            "~ messages[1].role: unknown variant `function`, " + roles);
  EXPECT_EQ(fault(R"([{"role":"developer","content":"x"},)" + kUser + "]", {.strict = true}),
            "~ messages[0].role: unknown variant `developer`, " + roles);
  EXPECT_EQ(read(R"([{"role":"developer","content":"x"},)" + kUser + "]").front().role, Role::system);
  EXPECT_EQ(read(R"([{"role":"latest_reminder","content":"x"},)" + kUser + "]").front().role, Role::latest_reminder);
  EXPECT_EQ(fault("[{\"content\":\"x\"}]"), "~ messages[0]: missing field `role`");
  EXPECT_EQ(fault(R"([{"role":3,"content":"x"}])"),
            "~ messages[0].role: invalid type: integer `3`, expected one of `system`, `user`, `assistant`, `tool`, "
            "`latest_reminder`");
}

// The text that the hosted API was seen to answer, with its place.
TEST(ChatMessages, TheObservedErrorToTheByte) {
  const std::string body = R"({"messages":[{"role":"user","content":"u"},{"role":"developer","content":"d"}]})";
  Policy policy = test::policy();
  policy.strict_hosted = true;
  EXPECT_EQ(test::refusal([&] {
              read_body(body, [&](const JsonField& request) {
                read_chat_messages(request.member("messages"), policy, false);
              });
            }),
            "Failed to deserialize the JSON body into the target type: messages[1].role: unknown variant `developer`, "
            "expected one of `system`, `user`, `assistant`, `tool`, `latest_reminder` at line 1 column 62");
}

TEST(ChatMessages, Contents) {
  EXPECT_EQ(read(R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}])")[0].content,
            "a\n\nb");
  EXPECT_EQ(read(R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:"}},)"
                 R"({"type":"text","text":"what is it?"}]}])")[0]
                .content,
            "[Unsupported image_url]\n\nwhat is it?");
  EXPECT_EQ(read(R"([{"role":"user","content":""}])")[0].content, "");
  EXPECT_EQ(read(R"([{"role":"user","content":null}])")[0].content, std::nullopt);
  EXPECT_EQ(read(R"([{"role":"user","content":[]}])")[0].content, "");
  EXPECT_EQ(read(R"([{"role":"user","content":"u","name":["ignored"],"wo_eos":true,"task":"x","tools":7}])").size(),
            1U);
  for (const std::string role : {"system", "user", "tool"})
    EXPECT_EQ(fault("[{\"role\":\"" + role + "\"}]"), "~ messages[0]: missing field `content`") << role;
  EXPECT_EQ(fault(R"([{"role":"user","content":7}])"),
            "~ messages[0].content: invalid type: integer `7`, expected a string, an array of parts or null");
  EXPECT_EQ(fault(R"([{"role":"user","content":["x"]}])"),
            "~ messages[0].content[0]: invalid type: string \"x\", expected a map");
  EXPECT_EQ(fault("[]"), "Empty input messages");
  EXPECT_EQ(fault("{}"), "~ messages: invalid type: map, expected a sequence");
  EXPECT_EQ(fault("[null]"), "~ messages[0]: invalid type: null, expected a map");
}

TEST(ChatMessages, AssistantsSaySomething) {
  const std::string unset = "Invalid assistant message: content or tool_calls must be set";
  const auto with = [](const std::string& assistant) { return "[" + kUser + "," + assistant + "," + kUser + "]"; };
  EXPECT_EQ(fault(with(R"({"role":"assistant"})")), unset);
  EXPECT_EQ(fault(with(R"({"role":"assistant","content":null,"tool_calls":[]})")), unset);
  EXPECT_EQ(fault(with(R"({"role":"assistant","content":null,"reasoning_content":"r"})")), unset);
  EXPECT_EQ(fault(with(R"({"role":"assistant","content":""})")), "none");
  EXPECT_EQ(read(with(R"({"role":"assistant","content":"","reasoning_content":""})"))[1].reasoning_content, "");
  EXPECT_EQ(read(with(R"({"role":"assistant","content":""})"))[1].reasoning_content, std::nullopt);
}

TEST(ChatMessages, CallsAreAnsweredRightBehindThem) {
  const std::string missing =
      "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
      "(insufficient tool messages following tool_calls message)";
  const std::string stray = "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'";
  const auto with = [](const std::string& rest) { return "[" + kUser + "," + kCalls + rest + "]"; };
  EXPECT_EQ(fault(with("," + result("1") + "," + result("2"))), "none");
  EXPECT_EQ(fault(with("," + result("2") + "," + result("1") + "," + kUser)), "none");
  EXPECT_EQ(fault(with("," + result("1"))), missing);
  EXPECT_EQ(fault(with("," + kUser)), missing);
  EXPECT_EQ(fault(with("," + result("1") + "," + kUser + "," + result("2"))), missing) << "not contiguous";
  EXPECT_EQ(fault(with("," + result("1") + R"(,{"role":"system","content":"s"},)" + result("2"))), missing);
  EXPECT_EQ(fault(with("," + result("1") + "," + result("3"))), stray);
  EXPECT_EQ(fault("[" + kUser + "," + result("1") + "]"), stray);
  EXPECT_EQ(fault(with("," + result("1") + "," + result("2") + "," + kUser + "," + result("1"))), stray);
  EXPECT_EQ(fault(with(R"(,{"role":"tool","content":"r"})")), "~ messages[2]: missing field `tool_call_id`");
  EXPECT_EQ(fault("[" + kUser + R"(,{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}])"),
            "~ messages[1].tool_calls[0]: missing field `id`");
  EXPECT_EQ(fault("[" + kUser + R"(,{"role":"assistant","tool_calls":[{"id":"1","function":{}}]}])"),
            "~ messages[1].tool_calls[0].function: missing field `name`");
  EXPECT_EQ(read(with("," + result("1") + "," + result("2")))[1].tool_calls.size(), 2U);
}

TEST(ChatMessages, AnAnswersBeginningIsBeta) {
  const auto with = [](const std::string& members) {
    return "[" + kUser + R"(,{"role":"assistant","content":"a")" + members + "}]";
  };
  EXPECT_EQ(fault(with("")).substr(0, 47), "The last message must be a user or tool message");
  EXPECT_EQ(fault(with(""), {.beta = true}).substr(0, 21), "The last message must");
  EXPECT_EQ(fault(with(R"(,"prefix":false)"), {.beta = true}).substr(0, 21), "The last message must");
  EXPECT_EQ(fault(with(R"(,"prefix":true)")),
            "messages[1].prefix is only available when using beta api (set a base_url that ends in /beta)");
  EXPECT_EQ(fault(with(R"(,"prefix":1)"), {.beta = true}),
            "~ messages[1].prefix: invalid type: integer `1`, expected a boolean");
  EXPECT_EQ(prompt(with(R"(,"prefix":true)"), {.beta = true}),
            "<｜begin▁of▁sentence｜><｜User｜>u<｜Assistant｜></think>a");
  const auto thought = read(with(R"(,"prefix":true,"reasoning_content":"r")"), {.beta = true});
  EXPECT_EQ(render_prompt(thought, {}), "<｜begin▁of▁sentence｜><｜User｜>u<｜Assistant｜><think>r</think>a");
  EXPECT_EQ(fault(R"([{"role":"assistant","content":"a","prefix":true},)" + kUser + "]"), "none")
      << "elsewhere it is ignored";
}

TEST(ChatMessages, ASystemMessageAfterTheFirstTurnIsPartOfTheUsers) {
  const std::string begin = "<｜begin▁of▁sentence｜>";
  const std::string system = R"({"role":"system","content":"s"})";
  EXPECT_EQ(prompt("[" + system + "," + kUser + "]"), begin + "s<｜User｜>u<｜Assistant｜></think>");
  EXPECT_EQ(prompt("[" + kUser + "," + system + "]"), begin + "<｜User｜>u\n\ns<｜Assistant｜></think>");
  EXPECT_EQ(prompt("[" + kUser + "," + system + R"(,{"role":"assistant","content":"a"},)" + kUser + "]"),
            begin + "<｜User｜>u\n\ns<｜Assistant｜></think>a<｜end▁of▁sentence｜><｜User｜>u<｜Assistant｜></think>")
      << "the second request begins with the first";
  EXPECT_EQ(prompt("[" + system + "," + system + "," + kUser + "]"), begin + "ss<｜User｜>u<｜Assistant｜></think>")
      << "as the released encoding";
  EXPECT_EQ(prompt("[" + system + "]"), begin + "<｜User｜>s<｜Assistant｜></think>");
  EXPECT_EQ(prompt("[" + system + "," + system + "]"), begin + "s<｜User｜>s<｜Assistant｜></think>");
}

}  // namespace
}  // namespace fathom::api
