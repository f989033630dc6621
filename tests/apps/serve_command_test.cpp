// `fathom serve` as an operator meets it: its help, its settings, what it prints, and how it ends.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "fathom/chat/json_text.h"
#include "fathom/server/config.h"
#include "tests/apps/program_support.h"
#include "tests/model/small_model.h"
#include "tests/server/http_client_support.h"

namespace fathom::testing {
namespace {

const Arguments kServeSprat = {"serve", "--model", kSprat.string(), "--port", "0", "--log", "off"};

class Serving {
 public:
  explicit Serving(const Arguments& more = {}) : program_(with(more)) {
    program_.wait_for("fathom serves deepseek-v4-flash deepseek-v4-pro at http://127.0.0.1:");
    port_ = std::stoi(program_.wait_for("\n"));
    program_.wait_for("at once");
  }
  int port() const { return port_; }
  TerminalProgram& program() { return program_; }

 private:
  static Arguments with(const Arguments& more) {
    Arguments all = kServeSprat;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  TerminalProgram program_;
  int port_ = 0;
};

std::string body_for(const std::string& more) {
  return R"({"model": "deepseek-v4-flash", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 8, "seed": 5)" +
         more + "}";
}

TEST(ServeCommand, HelpTeachesEverySetting) {
  const Ran ran = run_program({"serve", "--help"});
  EXPECT_EQ(ran.exit_code, 0);
  for (const server::Setting& setting : server::settings())
    EXPECT_NE(ran.out.find(setting.flag()), std::string::npos) << setting.flag();
}

TEST(ServeCommand, PrintsItsSettingsWithTheirPrecedence) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "fathom_serve_test.toml";
  std::ofstream(file) << "[serve]\nport = 1111\nhost = \"127.0.0.2\"\nqueue = 9\nmodel = \"x\"\n";
  const Ran ran = run_program({"serve", "--config", file.string(), "--print-config", "--queue", "7", "--strict-hosted",
                               "--no-clip-max-tokens", "--cors", "a", "--cors", "b"},
                              "", {{"FATHOM_HOST", "127.0.0.3"}, {"FATHOM_QUEUE", "8"}});
  std::filesystem::remove(file);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  for (const char* line : {"port = 1111 ", "host = '127.0.0.3' ", "queue = 7 ", "strict_hosted = true ",
                           "clip_max_tokens = false ", "cors = ['a', 'b'] ", "model = ['x'] "})
    EXPECT_NE(ran.out.find(line), std::string::npos) << line << " in " << ran.out;
}

// The file of all commands serves too, by flag or variable, and gives way to the environment like any.
TEST(ServeCommand, TheFileOfAllCommandsCounts) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "fathom_all_commands_test.toml";
  std::ofstream(file) << "[serve]\nport = 1111\nqueue = 9\n[chat]\neffort = \"max\"\n";
  const Ran flag = run_program({"--config", file.string(), "serve", "--print-config"}, "", {{"FATHOM_QUEUE", "8"}});
  const Ran variable = run_program({"serve", "--print-config"}, "", {{"FATHOM_CONFIG", file.string()}});
  std::filesystem::remove(file);
  EXPECT_NE(flag.out.find("port = 1111 "), std::string::npos) << flag.err;
  EXPECT_NE(flag.out.find("queue = 8 "), std::string::npos) << flag.out;
  EXPECT_NE(variable.out.find("queue = 9 "), std::string::npos) << variable.err;
}

TEST(ServeCommand, WhatIsWrongIsOneLine) {
  const auto error_of = [](const Arguments& arguments) {
    Arguments all = {"serve"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Ran ran = run_program(all);
    EXPECT_EQ(ran.exit_code, 1) << ran.err;
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
    return ran.err;
  };
  EXPECT_NE(error_of({}).find("expected --model DIR"), std::string::npos);
  EXPECT_NE(error_of({"--port", "70000"}).find("port is 70000"), std::string::npos);
  EXPECT_NE(error_of({"--model", "x", "--host", "0.0.0.0"}).find("--open-to-network"), std::string::npos);
  EXPECT_NE(error_of({"--model", kSprat.string(), "--keys-file", "/no/such/file"}).find("/no/such/file"),
            std::string::npos);
  EXPECT_NE(error_of({"--config", "/no/such/file"}).find("/no/such/file"), std::string::npos);
}

TEST(ServeCommand, AnswersFromARealModelTheSameStreamedOrNot) {
  Serving serving;
  const ReceivedAnswer whole = ask(serving.port(), "POST", "/v1/chat/completions", body_for(""));
  ASSERT_EQ(whole.status, 200) << whole.body;
  const JsonValue json = read_json(whole.body, "answer");
  const JsonValue& message = *json.find("choices")->elements[0].find("message");
  EXPECT_EQ(json.find("usage")->find("completion_tokens")->text, "8");
  const ReceivedAnswer stream = ask(serving.port(), "POST", "/v1/chat/completions", body_for(R"(, "stream": true)"));
  ASSERT_EQ(stream.status, 200) << stream.body;
  std::string reasoning;
  for (std::size_t at = 0; (at = stream.body.find("data: {", at)) != std::string::npos; at += 6) {
    const std::string line = stream.body.substr(at + 6, stream.body.find('\n', at) - at - 6);
    const JsonValue chunk = read_json(line, "chunk");
    const JsonValue* piece = chunk.find("choices")->elements[0].find("delta")->find("reasoning_content");
    if (piece != nullptr) reasoning += piece->text;
  }
  EXPECT_EQ(reasoning, message.find("reasoning_content")->text);
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n"));
}

TEST(ServeCommand, ASignalEndsItAfterTheRunningAnswer) {
  Serving serving;
  HttpClient client(serving.port());
  client.send(request_text("POST", "/v1/chat/completions",
                           R"({"model": "deepseek-v4-flash", "stream": true, "max_tokens": 40,
                               "messages": [{"role": "user", "content": "Hi"}]})"));
  client.wait_for("data: ");
  serving.program().send(kCtrlC);
  const ReceivedAnswer answer = client.read_answer();
  EXPECT_TRUE(answer.whole);
  EXPECT_TRUE(answer.body.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(serving.program().wait_for_end(), 0);
}

TEST(ServeCommand, ASecondSignalEndsItAtOnce) {
  Serving serving({"--drain", "600"});
  HttpClient client(serving.port());
  client.send(request_text("POST", "/v1/completions",
                           R"({"model": "deepseek-v4-flash", "stream": true, "max_tokens": 4000, "prompt": "x"})"));
  client.wait_for("data: ");
  serving.program().send(kCtrlC);
  serving.program().wait_for("fathom ends: 1 connection");
  serving.program().send(kCtrlC);
  EXPECT_EQ(serving.program().wait_for_end(), 0);
}

// What a request got, without what differs by nature: ids and times.
std::string told(const ReceivedAnswer& answer) {
  const JsonValue json = read_json(answer.body, "answer");
  const JsonValue& choice = json.find("choices")->elements[0];
  std::string text = choice.find("finish_reason")->text + " " + json.find("usage")->find("completion_tokens")->text;
  if (const JsonValue* message = choice.find("message")) {
    for (const char* part : {"reasoning_content", "content"})
      if (const JsonValue* value = message->find(part)) text += "\n" + value->text;
  } else {
    text += "\n" + choice.find("text")->text;
  }
  return text;
}

struct Asked {
  std::string path;
  std::string body;
};

// Chats and completions of all lengths, greedy and sampled.
Asked asked(int index) {
  const std::string words(static_cast<std::size_t>(1 + index * index % 700), static_cast<char>('a' + index % 26));
  const std::string rest = fmt::format(R"("max_tokens": {}, "seed": {}, "temperature": {}, "user_id": "user{}"}})",
                                       4 + index % 9, index, index % 3 == 0 ? 0.0 : 1.0, index % 5);
  if (index % 2 == 0)
    return {"/v1/completions", fmt::format(R"({{"model": "deepseek-v4-flash", "prompt": "{}", )", words) + rest};
  return {"/v1/chat/completions",
          fmt::format(R"({{"model": "deepseek-v4-pro", "messages": [{{"role": "user", "content": "{}"}}], )", words) +
              rest};
}

TEST(ServeCommand, BesideThirtyOthersARequestGetsTheSameBytes) {
  constexpr int kRequests = 31;
  std::vector<std::string> alone;
  {
    Serving serving({"--batch-tokens", "16", "--sequences", "1"});
    for (int index = 0; index < kRequests; ++index) {
      const Asked one = asked(index);
      const ReceivedAnswer answer = ask(serving.port(), "POST", one.path, one.body);
      ASSERT_EQ(answer.status, 200) << answer.body;
      alone.push_back(told(answer));
    }
  }
  ASSERT_GT(std::set<std::string>(alone.begin(), alone.end()).size(), 20U) << "or nothing could be told apart";
  Serving serving({"--sequences", "12"});
  std::vector<std::string> together(kRequests);
  std::vector<std::thread> clients;
  for (int index = 0; index < kRequests; ++index)
    clients.emplace_back([&, index] {
      const Asked one = asked(index);
      const ReceivedAnswer answer = ask(serving.port(), "POST", one.path, one.body);
      together[static_cast<std::size_t>(index)] = answer.status == 200 ? told(answer) : answer.body;
    });
  for (std::thread& client : clients) client.join();
  for (std::size_t index = 0; index < alone.size(); ++index) EXPECT_EQ(together[index], alone[index]) << index;
}

// The real program, ended and started again over one folder; another user finds nothing there.
TEST(ServeCommand, ARestartedServerFindsTheConversation) {
  const TemporaryFolder folder;
  const Arguments settings = {"--prefix-disk", (folder.path() / "kept").string(), "--prefix-minimum", "16"};
  const std::string body =
      R"({"model": "deepseek-v4-flash", "max_tokens": 8, "seed": 5, "user_id": "one", "prompt": ")" +
      std::string(400, 'x') + R"("})";
  std::vector<std::string> answers;
  std::vector<std::int64_t> hits;
  for (int start = 0; start < 3; ++start) {
    Serving serving(settings);
    const std::string other = start < 2 ? body : std::string(body).replace(body.find("one"), 3, "two");
    const ReceivedAnswer answer = ask(serving.port(), "POST", "/v1/completions", other);
    ASSERT_EQ(answer.status, 200) << answer.body;
    answers.push_back(told(answer));
    const JsonValue json = read_json(answer.body, "answer");
    hits.push_back(std::stoll(json.find("usage")->find("prompt_cache_hit_tokens")->text));
    if (start == 1) {
      const std::string figures = ask(serving.port(), "GET", "/metrics", "").body;
      EXPECT_NE(figures.find(R"(fathom_engine{figure="disk_hits",model="deepseek-v4-flash,deepseek-v4-pro"} 1)"),
                std::string::npos)
          << figures;
    }
    serving.program().send(kCtrlC);
    EXPECT_EQ(serving.program().wait_for_end(), 0);
  }
  EXPECT_EQ(hits[0], 0);
  EXPECT_GT(hits[1], 16);
  EXPECT_EQ(hits[2], 0) << "another user's";
  EXPECT_EQ(answers[1], answers[0]);
  EXPECT_EQ(answers[2], answers[0]);
}

TEST(ServeCommand, BeyondItsPlacesItSaysWhenToComeBack) {
  Serving serving({"--sequences", "1", "--queue", "0"});
  HttpClient first(serving.port());
  first.send(request_text("POST", "/v1/completions",
                          R"({"model": "deepseek-v4-flash", "stream": true, "max_tokens": 4000, "prompt": "x"})"));
  first.wait_for("data: ");
  const ReceivedAnswer refused = ask(serving.port(), "POST", "/v1/chat/completions", body_for(""));
  EXPECT_EQ(refused.status, 429) << refused.body;
  EXPECT_NE(refused.body.find("the limit is 0"), std::string::npos) << refused.body;
  EXPECT_GE(std::stoi(refused.header("retry-after")), 1);
  first.vanish();
  ReceivedAnswer taken;
  for (int attempt = 0; attempt < 100 && taken.status != 200; ++attempt) {
    taken = ask(serving.port(), "POST", "/v1/chat/completions", body_for(""));
    if (taken.status != 200) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(taken.status, 200) << "the place of one who left is free again";
}

}  // namespace
}  // namespace fathom::testing
