// Two accounts attack each other: nothing crosses (docs/security.md).
#include <gtest/gtest.h>

#include <deque>
#include <future>
#include <set>
#include <thread>

#include "fathom/base/mapped_file.h"
#include "tests/server/ledger_server_support.h"

namespace fathom::testing {
namespace {

class Attacks : public ::testing::Test {
 protected:
  LedgerServer server_{"cached 0\nsay \"</think>The word is heron.\"\n"};
  const std::string red_ = server_.key("red");
  const std::string blue_ = server_.key("blue");
};

TEST_F(Attacks, AnothersUsageCannotBeAskedFor) {
  server_.chat(red_);
  server_.chat(blue_);
  server_.chat(blue_);
  for (const char* target : {"/v1/usage?account=blue", "/v1/usage?account=blue&account=red",
                             "/usage?by=account&account=%62lue", "/v1/usage?by=account,key&key="}) {
    const ReceivedAnswer answer = server_.get(red_, target);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body.find("blue"), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("\"requests\":2"), std::string::npos) << answer.body;
  }
  const std::string id = accounts::list_keys(server_.database(), "blue").at(0).id;
  EXPECT_EQ(server_.get(red_, "/v1/usage?key=" + id).body, R"({"object":"list","usage":[]})");
}

TEST_F(Attacks, AdministrationIsClosedByEveryPath) {
  for (const char* target : {"/admin/keys", "/admin/accounts", "/admin/usage", "/admin/requests", "/admin/audit",
                             "//admin//keys", "/admin/./keys", "/%61dmin/keys", "/v1/../admin/keys", "/v1/admin/keys",
                             "/anthropic/admin/keys", "/admin/keys/"}) {
    const ReceivedAnswer answer = server_.get(red_, target);
    EXPECT_TRUE(answer.status == 403 || answer.status == 404) << target << " " << answer.status;
    EXPECT_EQ(answer.body.find("ends_in"), std::string::npos) << target;
  }
  const std::string before = server_.get(server_.key("root", {.admin = true}), "/admin/audit").body;
  EXPECT_EQ(server_.post(red_, "/admin/accounts/red/credit", R"({"topped_up": "100"})").status, 403);
  EXPECT_EQ(server_.post(red_, "/admin/keys", R"({"account": "red", "admin": true})").status, 403);
  EXPECT_FALSE(server_.account("red").prepaid);
  EXPECT_EQ(accounts::list_keys(server_.database(), "red").size(), 1U);
}

TEST_F(Attacks, AnothersResponseCannotBeGoneOnFrom) {
  const std::string body = R"({"model": "deepseek-v4-flash", "input": "Say the word", "store": true})";
  const std::string id = value_in(server_.post(blue_, "/v1/responses", body), "id");
  ASSERT_FALSE(id.empty());
  const std::string next = R"({"model": "deepseek-v4-flash", "input": "Again", "previous_response_id": ")" + id + "\"}";
  EXPECT_EQ(server_.post(blue_, "/v1/responses", next).status, 200);
  const ReceivedAnswer stolen = server_.post(red_, "/v1/responses", next);
  const ReceivedAnswer invented = server_.post(
      red_, "/v1/responses",
      R"({"model": "deepseek-v4-flash", "input": "Again", "previous_response_id": "00000000-0000-4000-8000-000000000000"})");
  EXPECT_EQ(stolen.status, invented.status) << "one that is another's looks like one that never was";
  EXPECT_NE(stolen.status, 200);
}

// What was read for one is found by nobody else: the engine looks in the scope that it is given, and accounts' scopes
// differ whatever user_id a client invents.
TEST_F(Attacks, CachesAreScopedByTheKeyNotByTheClient) {
  for (const char* user : {"", R"(, "user_id": "x")", R"(, "user_id": "3:red/x")", R"(, "user_id": "red")"}) {
    server_.chat(red_, user);
    server_.chat(blue_, user);
    const auto requests = server_.generator().requests();
    ASSERT_GE(requests.size(), 2U);
    EXPECT_NE(requests[requests.size() - 1].cache_scope, requests[requests.size() - 2].cache_scope);
  }
  std::set<std::string> of_red;
  std::set<std::string> of_blue;
  const auto requests = server_.generator().requests();
  for (std::size_t i = 0; i < requests.size(); ++i) (i % 2 == 0 ? of_red : of_blue).insert(requests[i].cache_scope);
  for (const std::string& scope : of_red) EXPECT_EQ(of_blue.count(scope), 0U) << scope;
}

TEST_F(Attacks, FiguresThatSumOverAccountsAreTheOperators) {
  EXPECT_EQ(server_.get(red_, "/metrics").status, 403);
  EXPECT_EQ(server_.get(red_, "/experts").status, 403);
  EXPECT_EQ(server_.get(red_, "/health").body.find("cached"), std::string::npos) << server_.get(red_, "/health").body;
}

TEST_F(Attacks, KeysAreNeitherGuessedNorInjected) {
  for (const std::string& key :
       {red_.substr(0, 45), red_ + "x", std::string("sk-' OR '1'='1"), std::string("sk-%"), std::string("*"),
        accounts::key_digest(red_), accounts::list_keys(server_.database(), "red").at(0).id})
    EXPECT_EQ(server_.chat(key).status, 401) << key;
  EXPECT_EQ(ask(server_.port(), "GET", "/v1/usage?api_key=" + red_).status, 401) << "a key is no part of an address";
  EXPECT_EQ(
      ask(server_.port(), "GET", "/v1/models", {}, {{"authorization", "Bearer wrong"}, {"x-api-key", red_}}).status,
      401)
      << "one header decides";
}

TEST_F(Attacks, OneAccountsLimitsAndDebtsAreItsOwn) {
  accounts::set_account_limits(server_.database(), {.name = "test", .now = LedgerServer::kNow}, "red",
                               {.tokens_per_minute = 4});
  server_.chat(red_);
  EXPECT_EQ(server_.chat(red_).status, 429);
  EXPECT_EQ(server_.chat(blue_).status, 200);
  EXPECT_EQ(server_.chat(server_.key("red")).status, 429) << "another key of the account gains nothing";
}

// Usage waits for the ledger, which somebody holds; the server has one worker. Whoever asks a model does not notice.
TEST(AttacksBesideModels, WhoCountsKeepsNobodyWaiting) {
  LedgerServer server("say \"</think>Hello.\"\n", "", [](server::ServerParts& parts) {
    parts.workers = 1;
    parts.side_requests = 2;
  });
  const std::string red = server.key("red");
  const std::string other_of_red = server.key("red");
  const std::string blue = server.key("blue");
  std::promise<void> held;
  std::promise<void> let_go;
  std::thread holder([&] {
    server.ledger().with([&](accounts::Database&) {
      held.set_value();
      let_go.get_future().wait();
    });
  });
  held.get_future().wait();
  const auto ask_usage = [&](HttpClient& client, const std::string& key) {
    client.send(request_text("GET", "/v1/usage", "", {{"authorization", "Bearer " + key}}));
  };
  HttpClient of_blue(server.port());
  std::deque<HttpClient> of_red;
  const std::string body = R"({"model": "deepseek-v4-flash", "messages": [{"role": "user", "content": "Hi"}]})";
  ReceivedAnswer refused;
  for (int i = 0; i < 1000 && refused.status != 429;
       ++i) {  // until two are inside: a look may have had a place of theirs
    if (i % 50 < 2) ask_usage(of_red.emplace_back(server.port()), red);
    refused = server.get(other_of_red, "/user/balance");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_TRUE(value_in(refused, "error.message")
                  .starts_with("Your current concurrency is 3, which exceeds your concurrency limit of 2."));
  EXPECT_EQ(server.get(red, "/v1/usage").status, 429);
  refused = server.post(red, "/anthropic/v1/messages/count_tokens", body);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(value_in(refused, "type"), "error") << "in the surface's own form";
  EXPECT_EQ(server.get(blue, "/user/balance").status, 200) << "it is another's limit";
  ask_usage(of_blue, blue);
  EXPECT_EQ(server.chat(red).status, 200);
  EXPECT_EQ(server.chat(blue).status, 200);
  let_go.set_value();
  holder.join();
  of_blue.wait_for("200 OK");
  std::int64_t answered = 0;
  for (HttpClient& client : of_red) answered += client.read_answer().status == 200 ? 1 : 0;
  EXPECT_EQ(answered, 2);
  EXPECT_EQ(server.post(red, "/anthropic/v1/messages/count_tokens", body).status, 200);
}

TEST_F(Attacks, TextsAreNowhereInTheLedger) {
  server_.chat(red_, R"(, "user_id": "person")");
  ASSERT_EQ(server_.requests("red").size(), 1U);
  for (const char* part : {"", "-wal"}) {
    const std::string bytes = read_text_file(server_.file().string() + part);
    for (const char* text : {"heron", "person", "content"}) EXPECT_EQ(bytes.find(text), std::string::npos) << text;
    EXPECT_EQ(bytes.find(red_.substr(3, 12)), std::string::npos) << "nor is a key";
  }
}

}  // namespace
}  // namespace fathom::testing
