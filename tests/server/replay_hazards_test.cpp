// What clients do to a history between two turns (docs/exact_replay.md): none of it may break the prefix.
#include <gtest/gtest.h>

#include <functional>

#include "tests/server/replay_support.h"

namespace fathom::server {
namespace {

using fathom::testing::Asker;
using fathom::testing::Ids;
using fathom::testing::Json;
using fathom::testing::odd_calls;
using fathom::testing::parting;
using fathom::testing::ReplayServer;
using fathom::testing::spelled;

const std::string kAnswer = "I think.</think>I look." + odd_calls("find", "a rope", R"({"most":1.0})");
const Json kEphemeral = {{"type", "ephemeral"}};

Json text_block(const std::string& text) { return {{"type", "text"}, {"text", text}}; }
Json cached(Json block) {
  block["cache_control"] = kEphemeral;
  return block;
}

// The second turn, as the client makes it of what it was told.
using Change = std::function<void(Json&)>;
void expect_prefix(ReplayServer& server, const Json& request, const Change& change, const Asker& asker = {}) {
  const auto first = server.answer(request, spelled(kAnswer), asker);
  Json next = server.with_result(request, first.told, "under the bed");
  const Ids unchanged = server.prompt(next, asker);
  change(next);
  const Ids second = server.prompt(next, asker);
  EXPECT_EQ(parting(first.all(), second), "");
  EXPECT_EQ(second, unchanged);
}

TEST(ReplayHazards, TheBillingHeaderChangesWithTheConversation) {
  ReplayServer server("anthropic");
  const auto system = [](const std::string& version) {
    return Json::array(
        {text_block("x-anthropic-billing-header: cc_version=2.1.332." + version + "; cc_entrypoint=cli;"),
         cached(text_block("You are Claude Code."))});
  };
  Json request = server.first_request();
  request["system"] = system("636");
  expect_prefix(server, request, [&](Json& next) { next["system"] = system("03c"); });
  Json other = request;
  other["system"] = system("fff");
  EXPECT_EQ(server.prompt(other), server.prompt(request)) << "another conversation in the same folder";
  EXPECT_EQ(ReplayServer::text(server.prompt(request)).find("billing"), std::string::npos);
}

TEST(ReplayHazards, SystemMessagesFlipBetweenStringAndBlocks) {
  ReplayServer server("anthropic");
  Json request = server.first_request();
  request["system"] = Json::array({text_block("You are brief."), cached(text_block("You are kind."))});
  request["messages"].push_back(
      {{"role", "system"}, {"content", Json::array({cached(text_block("The date is today."))})}});
  expect_prefix(server, request, [](Json& next) {
    next["system"] = "You are brief.\n\nYou are kind.";
    next["messages"][1]["content"] = "The date is today.";
  });
}

TEST(ReplayHazards, CacheControlMoves) {
  ReplayServer server("anthropic");
  Json request = server.first_request();
  const std::string words = request["messages"][0]["content"];
  request["messages"][0]["content"] = Json::array({cached(text_block(words))});
  request["tools"][0] = cached(request["tools"][0]);
  expect_prefix(server, request, [&](Json& next) {
    next["messages"][0]["content"] = words;
    next["tools"][0].erase("cache_control");
    Json& said = next["messages"][1]["content"];
    said[said.size() - 1] = cached(said[said.size() - 1]);
    Json& result = next["messages"][2]["content"][0];
    result["content"] = Json::array({text_block(result["content"])});
    result = cached(result);
  });
}

TEST(ReplayHazards, SignaturesMayBeLostOrAnothers) {
  ReplayServer server("anthropic");
  const Json request = server.first_request();
  expect_prefix(server, request, [](Json& next) { next["messages"][1]["content"][0].erase("signature"); });
  expect_prefix(server, request, [](Json& next) { next["messages"][1]["content"][0]["signature"] = "x"; });
}

TEST(ReplayHazards, AnAgentChangesItsEffort) {
  ReplayServer messages("anthropic");
  Json request = messages.first_request();
  request["output_config"] = {{"effort", "high"}};
  const Asker claude = {.user_agent = "claude-cli/2.1.332 (external, cli)"};
  expect_prefix(
      messages, request, [](Json& next) { next["output_config"]["effort"] = "max"; }, claude);
  expect_prefix(
      messages, request, [](Json& next) { next.erase("output_config"); }, claude);
  ReplayServer chat("chat");
  expect_prefix(chat, chat.first_request(), [](Json& next) { next["reasoning_effort"] = "low"; },
                {.user_agent = "opencode/1.18.33"});
  expect_prefix(chat, chat.first_request(), [](Json& next) { next["reasoning_effort"] = "medium"; });
}

TEST(ReplayHazards, ArgumentsComeBackReformatted) {
  ReplayServer chat("chat");
  const auto calls = [](Json& next) -> Json& { return next["messages"][2]["tool_calls"][0]; };
  expect_prefix(chat, chat.first_request(), [&](Json& next) {
    calls(next)["function"]["arguments"] = R"({ "limits" : {"most":1}, "text":"a rope" })";
  });
  expect_prefix(chat, chat.first_request(), [&](Json& next) {
    calls(next)["id"] = "another";
    next["messages"][3]["tool_call_id"] = "another";
  });
  ReplayServer messages("anthropic");
  expect_prefix(messages, messages.first_request(), [](Json& next) {
    Json& block = next["messages"][1]["content"][2];
    ASSERT_EQ(block["type"], "tool_use");
    block["input"] = {{"limits", {{"most", 1}}}, {"text", "a rope"}};
  });
  ReplayServer responses("responses");
  expect_prefix(responses, responses.first_request(), [](Json& next) {
    for (Json& item : next["input"])
      if (item.contains("arguments")) item["arguments"] = R"({"text":"a rope","limits":{"most":1e0}})";
  });
}

TEST(ReplayHazards, ContentIsAStringOrParts) {
  ReplayServer chat("chat");
  expect_prefix(chat, chat.first_request(), [](Json& next) {
    for (Json& message : next["messages"])
      if (message["content"].is_string()) message["content"] = Json::array({text_block(message["content"])});
  });
  ReplayServer responses("responses");
  expect_prefix(responses, responses.first_request(), [](Json& next) {
    next["input"][0]["content"] = Json::array({{{"type", "input_text"}, {"text", next["input"][0]["content"]}}});
    for (Json& item : next["input"]) item.erase("id");
  });
}

// Spacing and escapes of the request are nobody's words. The order of keys in a tool's schema is the client's.
TEST(ReplayHazards, TheBodyIsWrittenInAnotherWay) {
  for (const char* surface : {"chat", "anthropic", "responses"}) {
    ReplayServer server(surface);
    Json request = server.first_request();
    request["tools"][0]["description"] = "Finds 深圳 and é.";
    const auto first = server.answer(request, spelled(kAnswer));
    const Json next = server.with_result(request, first.told, "ünder the bed");
    EXPECT_EQ(server.prompt_of(next.dump(3, ' ', true)), server.prompt(next)) << surface;
    EXPECT_EQ(parting(first.all(), server.prompt(next)), "") << surface;
  }
}

// Claude Code names its user by device, account and session: the session does not part its conversations.
TEST(ReplayHazards, ANewSessionIsTheSameUser) {
  ReplayServer server("anthropic");
  const auto of = [&](const std::string& device, const std::string& session) {
    Json request = server.first_request();
    const Json user = {{"device_id", device}, {"account_uuid", ""}, {"session_id", session}};
    request["metadata"] = {{"user_id", user.dump()}};
    return server.scope(request);
  };
  EXPECT_EQ(of("d1", "s1"), of("d1", "s2"));
  EXPECT_NE(of("d1", "s1"), of("d2", "s1"));
}

}  // namespace
}  // namespace fathom::server
