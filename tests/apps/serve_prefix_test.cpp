// What `fathom serve` finds again of what it read, on real models: the next turn of a conversation, and nobody else's.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/apps/program_support.h"
#include "tests/model/small_model.h"
#include "tests/server/http_client_support.h"

namespace fathom::testing {
namespace {

using Json = nlohmann::ordered_json;

class Serving {
 public:
  Serving(const std::string& model, const Arguments& more) : program_(with(model, more)) {
    program_.wait_for("at http://127.0.0.1:");
    port_ = std::stoi(program_.wait_for("\n"));
    program_.wait_for("at once");
  }

  TerminalProgram& program() { return program_; }

  Json ask_for(const std::string& path, const Json& body, const std::string& key = "any") const {
    const ReceivedAnswer answer = ask(port_, "POST", path, body.dump(), {{"authorization", "Bearer " + key}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    return Json::parse(answer.body);
  }

 private:
  static Arguments with(const std::string& model, const Arguments& more) {
    Arguments all = {"serve", "--model", model, "--port", "0", "--prefix-minimum", "16"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  TerminalProgram program_;
  int port_ = 0;
};

// A surface's request with these words by this user, and what its usage says of the prompt.
struct Surface {
  const char* path;
  Json (*request)(const std::string& words, const std::string& user);
  std::int64_t (*prompt)(const Json& usage);
  std::int64_t (*hit)(const Json& usage);
};

const Surface kChat = {"/v1/chat/completions",
                       [](const std::string& words, const std::string& user) {
                         Json request = {{"model", "deepseek-v4-flash"}, {"max_tokens", 4}};
                         request["messages"] = Json::array({{{"role", "user"}, {"content", words}}});
                         request["user_id"] = user;
                         return request;
                       },
                       [](const Json& usage) { return usage["prompt_tokens"].get<std::int64_t>(); },
                       [](const Json& usage) {
                         const std::int64_t hit = usage["prompt_cache_hit_tokens"];
                         EXPECT_EQ(usage["prompt_tokens_details"]["cached_tokens"], hit);
                         EXPECT_EQ(usage["prompt_cache_miss_tokens"], usage["prompt_tokens"].get<std::int64_t>() - hit);
                         return hit;
                       }};
const Surface kAnthropic = {"/anthropic/v1/messages",
                            [](const std::string& words, const std::string& user) {
                              Json request = {{"model", "deepseek-v4-flash"}, {"max_tokens", 4}};
                              request["messages"] = Json::array({{{"role", "user"}, {"content", words}}});
                              request["metadata"] = {{"user_id", user}};
                              return request;
                            },
                            [](const Json& usage) {
                              return usage["input_tokens"].get<std::int64_t>() +
                                     usage["cache_read_input_tokens"].get<std::int64_t>();
                            },
                            [](const Json& usage) { return usage["cache_read_input_tokens"].get<std::int64_t>(); }};
const Surface kResponses = {
    "/v1/responses",
    [](const std::string& words, const std::string& user) {
      return Json{{"model", "deepseek-v4-flash"}, {"max_output_tokens", 16}, {"input", words}, {"user", user}};
    },
    [](const Json& usage) { return usage["input_tokens"].get<std::int64_t>(); },
    [](const Json& usage) { return usage["input_tokens_details"]["cached_tokens"].get<std::int64_t>(); }};

const std::string kWords = "What is a fathom, and how many of them of rope does a small boat need in deep water?";

// What one user has read is a hit for that user alone: not for another of the account, not for the same name under
// another key, not for nobody.
TEST(ServePrefix, NobodySeesWhatAnotherHasRead) {
  const std::filesystem::path keys = std::filesystem::temp_directory_path() / "fathom_serve_prefix_keys";
  std::ofstream(keys) << "sk-one\nsk-two\n";
  const Serving serving(kSprat.string(), {"--keys-file", keys.string()});
  int words = 0;
  for (const Surface& surface : {kChat, kAnthropic, kResponses}) {
    // Words of its own: the surfaces share what a user has read.
    const std::string asked = fmt::format("{} {}", ++words, kWords);
    const auto hit = [&](const std::string& key, const std::string& user) {
      const Json usage = serving.ask_for(surface.path, surface.request(asked, user), key)["usage"];
      EXPECT_GT(surface.prompt(usage), 20) << usage.dump();
      return surface.hit(usage);
    };
    const auto prompt = surface.prompt(serving.ask_for(surface.path, surface.request(asked, "u1"), "sk-one")["usage"]);
    EXPECT_EQ(hit("sk-one", "u1"), prompt - 1) << surface.path << ": all but the token that is always read";
    EXPECT_EQ(hit("sk-one", "u2"), 0) << surface.path;
    EXPECT_EQ(hit("sk-two", "u1"), 0) << surface.path;
    EXPECT_EQ(hit("sk-two", ""), 0) << surface.path;
    EXPECT_EQ(hit("sk-one", ""), 0) << surface.path;
    EXPECT_EQ(hit("sk-two", "u1"), prompt - 1) << surface.path;
  }
  std::filesystem::remove(keys);
}

// Two sessions with the same instructions and another task: the second need not read them.
TEST(ServePrefix, ASecondSessionFindsItsInstructions) {
  const Serving serving(kSprat.string(), {});
  const auto usage = [&](const std::string& instructions, const std::string& task) {
    Json request = kChat.request(task, "");
    if (!instructions.empty())
      request["messages"].insert(request["messages"].begin(),
                                 Json::object({{"role", "system"}, {"content", instructions}}));
    return serving.ask_for(kChat.path, request)["usage"];
  };
  const std::int64_t bare = kChat.prompt(usage("", "Sing."));
  const Json first = usage(kWords, "Sing.");
  EXPECT_EQ(kChat.hit(first), 0);
  const std::int64_t instructions = kChat.prompt(first) - bare + 1;  // and the beginning of sentence
  EXPECT_GT(instructions, 20);
  EXPECT_EQ(kChat.hit(usage(kWords, "Count to ten, then stop.")), instructions);
}

// An operator sees that a long prompt moves on, and how far it is.
TEST(ServePrefix, TheLogFollowsALongPrompt) {
  Serving serving(kSprat.string(), {"--progress", "0.001", "--batch-tokens", "16", "--threads", "1"});
  std::string words;
  for (int number = 0; number < 150; ++number) words += fmt::format("{} ", number);
  const std::int64_t prompt = kChat.prompt(serving.ask_for(kChat.path, kChat.request(words, ""))["usage"]);
  serving.program().wait_for(" reading=");
  const std::string line = serving.program().wait_for(" ms=");
  const std::int64_t read = std::stoll(line);
  EXPECT_GT(read, 0) << line;
  EXPECT_LT(read, prompt) << line;
  EXPECT_NE(line.find(fmt::format(" prompt={} ", prompt)), std::string::npos) << line;
  serving.program().wait_for("finish=length");
}

// minnow's own answers, reasoning and calls and all, turn after turn: only what is new is read.
TEST(ServePrefix, TheNextTurnBeginsWithTheLastOne) {
  const Serving serving(FATHOM_SOURCE "/models/minnow", {});
  Json request = kChat.request(kWords, "u1");
  request["max_tokens"] = 300;
  request["tools"] = Json::parse(
      R"([{"type": "function", "function": {"name": "clock", "description": "The time.", "parameters": {"type": "object", "properties": {}}}}])");
  std::int64_t before = 0;
  for (int turn = 0; turn < 6; ++turn) {
    request["seed"] = turn;
    const Json answer = serving.ask_for(kChat.path, request);
    const Json& usage = answer["usage"];
    const Json& message = answer["choices"][0]["message"];
    ASSERT_NE(answer["choices"][0]["finish_reason"], "length") << answer.dump();
    // The end of sentence was sampled and never read.
    if (turn > 0) {
      EXPECT_EQ(kChat.hit(usage), before - 1) << turn;
    }
    before = kChat.prompt(usage) + usage["completion_tokens"].get<std::int64_t>();
    request["messages"].push_back(message);
    for (const Json& call : message.value("tool_calls", Json::array()))
      request["messages"].push_back({{"role", "tool"}, {"tool_call_id", call["id"]}, {"content", "noon"}});
    request["messages"].push_back({{"role", "user"}, {"content", fmt::format("And {} of them?", turn)}});
  }
}

// A call whose tokens no encoder would choose, answered before a restart: its conversation goes on behind it.
TEST(ServePrefix, ARestartedServerFindsAConversationWithCalls) {
  const TemporaryFolder folder;
  const std::string kept = (folder.path() / "kept").string();
  Json request = kChat.request(kWords, "u1");
  request["max_tokens"] = 400;
  request["temperature"] = 2.0;
  request["seed"] = 3;
  request["thinking"] = {{"type", "disabled"}};
  request["tools"] = Json::parse(
      R"([{"type": "function", "function": {"name": "note", "strict": true, "parameters": {"type": "object", "additionalProperties": false,
          "required": ["text"], "properties": {"text": {"type": "string", "minLength": 60, "maxLength": 120}}}}}])");
  request["tool_choice"] = "required";
  std::int64_t whole = 0;
  const auto with_server = [&](const Arguments& more, const auto& action) {
    Arguments all = {"--prefix-disk", kept};
    all.insert(all.end(), more.begin(), more.end());
    Serving serving(FATHOM_SOURCE "/models/minnow", all);
    action(serving);
    serving.program().send(kCtrlC);
    EXPECT_EQ(serving.program().wait_for_end(), 0);
  };
  with_server({}, [&](const Serving& serving) {
    const Json answer = serving.ask_for(kChat.path, request);
    const Json& message = answer["choices"][0]["message"];
    ASSERT_EQ(message["tool_calls"].size(), 1U) << answer.dump();
    whole = kChat.prompt(answer["usage"]) + answer["usage"]["completion_tokens"].get<std::int64_t>();
    request["messages"].push_back(message);
    request["messages"].push_back(
        {{"role", "tool"}, {"tool_call_id", message["tool_calls"][0]["id"]}, {"content", "noted"}});
  });
  request["max_tokens"] = 4;
  request["tool_choice"] = "auto";
  const auto hit = [&](const Serving& serving) { return kChat.hit(serving.ask_for(kChat.path, request)["usage"]); };
  with_server({"--replay-disk-megabytes", "0"},
              [&](const Serving& serving) { EXPECT_LT(hit(serving), whole - 1) << "else this shows nothing"; });
  with_server({}, [&](const Serving& serving) {
    EXPECT_EQ(hit(serving), whole - 1) << "all but the end of sentence, which was never read";
  });
}

}  // namespace
}  // namespace fathom::testing
