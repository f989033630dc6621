// What a key opens, what an answer costs, and when the ledger has it.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "tests/server/ledger_server_support.h"

namespace fathom::testing {
namespace {

using accounts::Money;

Money money(std::string_view text) { return Money::parse(text, "test"); }

const accounts::Actor kTester{.name = "test", .now = LedgerServer::kNow};

TEST(Billing, WithoutAnyKeyEverybodyMayAskAndIsCounted) {
  LedgerServer server;
  EXPECT_EQ(server.chat("").status, 200);
  EXPECT_EQ(server.requests("local").size(), 1U);
  EXPECT_EQ(value_in(server.get("", "/user/balance"), "is_available"), "true");
  EXPECT_EQ(server.get("", "/admin/keys").status, 401) << "nobody administers without a key";
}

TEST(Billing, AKeyWorksAtOnceAndUntilItIsRevoked) {
  LedgerServer server;
  EXPECT_EQ(server.chat("anything").status, 200);
  const std::string key = server.key("red");
  EXPECT_EQ(server.chat(key).status, 200);
  const ReceivedAnswer wrong = server.chat("sk-anything");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(value_in(wrong, "error.message"), "Authentication Fails, Your api key: ****hing is invalid");
  EXPECT_EQ(server.chat("").status, 401);
  accounts::revoke_key(server.database(), kTester, accounts::list_keys(server.database(), "red").at(0).id);
  EXPECT_EQ(server.chat(key).status, 401);
  EXPECT_EQ(ask(server.port(), "GET", "/").status, 200) << "the page is for everybody";
}

TEST(Billing, ARowIsWhatTheClientWasTold) {
  LedgerServer server("cached 3\nsay \"</think>Hello there.\"\n");
  const ReceivedAnswer answer = server.chat(server.key("red"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto rows = server.requests("red");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(std::to_string(rows[0].tokens.hit), value_in(answer, "usage.prompt_cache_hit_tokens"));
  EXPECT_EQ(rows[0].tokens.hit, 3);
  EXPECT_EQ(std::to_string(rows[0].tokens.miss), value_in(answer, "usage.prompt_cache_miss_tokens"));
  EXPECT_EQ(std::to_string(rows[0].tokens.output), value_in(answer, "usage.completion_tokens"));
  EXPECT_EQ(rows[0].id, answer.header("x-ds-trace-id"));
  // 0.0028, 0.14 and 0.28 dollars a million.
  EXPECT_EQ(rows[0].cost.parts(), 3 * 2800 + rows[0].tokens.miss * 140'000 + rows[0].tokens.output * 280'000);
  EXPECT_EQ(rows[0].finish, "stop");
  EXPECT_EQ(rows[0].surface, "chat");
}

// POST /tokenize: whoever may ask may look, under the same limits, and is charged nothing.
TEST(Billing, APromptIsShownToWhoMayAsk) {
  LedgerServer server;
  const auto body = [](const std::string& model, const std::string& question) {
    return R"({"model": ")" + model + R"(", "messages": [{"role": "user", "content": ")" + question + R"("}]})";
  };
  const std::string key =
      server.key("red", {.models = {"deepseek-v4-flash"}, .surfaces = {"chat"}, .limits = {.context_tokens = 64}});
  for (const char* path : {"/tokenize", "/apply-template"}) {
    EXPECT_EQ(server.post(key, path, body("deepseek-v4-flash", "Hi")).status, 200) << path;
    EXPECT_EQ(server.post("", path, body("deepseek-v4-flash", "Hi")).status, 401) << path;
    EXPECT_EQ(server.post(key, path, body("deepseek-v4-pro", "Hi")).status, 403) << path << ": another model";
    EXPECT_EQ(server.post(key, path, R"({"model": "deepseek-v4-flash", "prompt": "a"})").status, 403)
        << path << ": another surface";
    std::string book;
    for (int word = 0; word < 80; ++word) book += " fish";
    const ReceivedAnswer refused = server.post(key, path, body("deepseek-v4-flash", book));
    EXPECT_EQ(refused.status, 400) << path;
    EXPECT_NE(refused.body.find("maximum context length is 64 tokens"), std::string::npos) << refused.body;
  }
  EXPECT_EQ(server.requests("red").size(), 0U);
}

TEST(Billing, NobodyLooksWhileAllItsPlacesAreTaken) {
  LedgerServer server("cached 0\nsay \"</think>A\"\nwait never\n");
  const std::string key = server.key("red", {.limits = {.in_flight = 1}});
  const std::string body =
      R"({"model": "deepseek-v4-flash", "stream": true, "messages": [{"role": "user", "content": "Hi"}]})";
  EXPECT_EQ(server.post(key, "/tokenize", body).status, 200);
  EXPECT_EQ(server.post(key, "/tokenize", body).status, 200) << "a place is given back";
  HttpClient client(server.port());
  client.send(request_text("POST", "/chat/completions", body, {{"authorization", "Bearer " + key}}));
  client.wait_for("\"A\"");
  EXPECT_EQ(server.post(key, "/tokenize", body).status, 429);
  client.vanish();
}

// Its place is asked for at the time of day when it begins, not when it came: a day that is over would begin anew, and
// what runs would be forgotten.
TEST(Billing, ALookThatWaitedOverMidnightIsOfTheNewDay) {
  constexpr std::int64_t kDay = 24 * 60 * 60;
  std::atomic<int> looks_yesterday = 0;  // at the clock
  LedgerServer server("cached 0\nsay \"</think>A\"\nwait never\n", "", [&](server::ServerParts& parts) {
    parts.now = [&] { return LedgerServer::kNow - (looks_yesterday.fetch_sub(1) > 0 ? kDay : 0); };
  });
  const std::string body =
      R"({"model": "deepseek-v4-flash", "stream": true, "messages": [{"role": "user", "content": "Hi"}]})";
  const std::string tokens = value_in(server.post(server.key("blue"), "/tokenize", body), "count");
  ASSERT_FALSE(tokens.empty());
  const std::string key = server.key("red", {.limits = {.tokens_per_day = std::stoi(tokens)}});
  HttpClient client(server.port());
  client.send(request_text("POST", "/chat/completions", body, {{"authorization", "Bearer " + key}}));
  client.wait_for("\"A\"");
  looks_yesterday = 2;  // the key is looked up, the request is read
  EXPECT_EQ(server.post(key, "/tokenize", body).status, 429) << "the day's tokens are taken";
  EXPECT_LE(looks_yesterday, 0);
  looks_yesterday = 0;
  EXPECT_EQ(server.chat(key).status, 429);
  client.vanish();
}

TEST(Billing, ModelsTellWhatTheyCostNow) {
  LedgerServer server;
  const ReceivedAnswer models = server.get(server.key("red"), "/v1/models/deepseek-v4-flash");
  ASSERT_EQ(models.status, 200);
  EXPECT_EQ(value_in(models, "price.currency"), "USD");
  EXPECT_NE(models.body.find(R"("hit":0.0028,"miss":0.14,"output":0.28)"), std::string::npos) << models.body;
}

// Whoever reads an answer's end finds it in the ledger: the row is there before the last byte is.
TEST(Billing, EverySurfaceIsInTheLedgerBeforeItsEnd) {
  LedgerServer server;
  const std::string key = server.key("red");
  const std::string messages = R"("messages": [{"role": "user", "content": "Hi"}])";
  std::size_t count = 0;
  for (const auto& [target, body] :
       std::vector<std::pair<std::string, std::string>>{{"/chat/completions", messages},
                                                        {"/anthropic/v1/messages", messages + R"(, "max_tokens": 50)"},
                                                        {"/v1/responses", R"("input": "Hi")"},
                                                        {"/beta/completions", R"("prompt": "Hi")"}})
    for (const char* stream : {"false", "true"}) {
      const ReceivedAnswer answer = server.post(
          key, target, R"({"model": "deepseek-v4-flash", "stream": )" + std::string(stream) + ", " + body + "}");
      ASSERT_EQ(answer.status, 200) << target << answer.body;
      EXPECT_TRUE(answer.whole);
      EXPECT_EQ(server.requests("red").size(), ++count) << target << " stream " << stream;
    }
}

TEST(Billing, TheLastByteWaitsForTheLedger) {
  LedgerServer server("cached 3\nsay \"</think>A\"\nwait go\nsay \"B\"\n");
  const std::string key = server.key("red");
  HttpClient client(server.port());
  client.send(
      request_text("POST", "/chat/completions",
                   R"({"model": "deepseek-v4-flash", "stream": true, "messages": [{"role": "user", "content": "Hi"}]})",
                   {{"authorization", "Bearer " + key}}));
  client.wait_for("\"A\"");
  {
    accounts::Transaction held(server.database());  // nobody else can write
    server.database().run("UPDATE account SET closed = 0");
    server.generator().open_gate("go");
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // time enough for an end that does not wait
    EXPECT_EQ(server.requests("red").size(), 0U);
    held.commit();
  }
  EXPECT_NE(client.read_until("[DONE]").find("\"finish_reason\":\"stop\""), std::string::npos);
  EXPECT_EQ(server.requests("red").size(), 1U);
}

// No file of this process can be written while this lives, as on a disk that is full.
class FullDisk {
 public:
  FullDisk() {
    before_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &room_);
    const rlimit none{.rlim_cur = 0, .rlim_max = room_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &room_);
    ::signal(SIGXFSZ, before_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit room_{};
  void (*before_)(int) = nullptr;
};

TEST(Billing, WhatCannotBeRecordedIsNotAnswered) {
  LedgerServer server;
  const std::string key = server.key("red");
  const std::string stream = R"(, "stream": true)";
  {
    const FullDisk full;
    for (const std::string& more : {std::string(), stream, stream}) {
      const ReceivedAnswer refused = server.chat(key, more);
      EXPECT_EQ(refused.status, 503) << refused.body;
      EXPECT_EQ(value_in(refused, "error.message"),
                "Requests cannot be recorded at the moment, so none is answered. Please retry later.");
      EXPECT_EQ(value_in(refused, "error.type"), "service_unavailable_error");
      EXPECT_EQ(refused.header("retry-after"), "5");
    }
    EXPECT_EQ(value_in(server.post(key, "/anthropic/v1/messages",
                                   R"({"model": "deepseek-v4-flash", "max_tokens": 5,
                                       "messages": [{"role": "user", "content": "Hi"}]})"),
                       "type"),
              "error");
    EXPECT_EQ(server.get(key, "/user/balance").status, 200) << "it can be read";
  }
  EXPECT_EQ(server.generator().requests().size(), 0U) << "no model worked for it";
  EXPECT_EQ(server.chat(key, stream).status, 200) << "and by itself again";
  EXPECT_EQ(server.requests("red").size(), 1U);
}

TEST(Billing, NobodyWaitsForALedgerThatAnotherHolds) {
  const TemporaryFolder folder;
  const std::string where = (folder.path() / "held.sqlite").string();
  LedgerServer server("say \"</think>A\"\n", "", [&](server::ServerParts& parts) {
    parts.ledger = std::make_shared<accounts::Ledger>(
        accounts::LedgerConfig{.where = where, .patience = std::chrono::milliseconds(1)});
  });
  const auto other = accounts::open_database(where);
  accounts::Transaction held(*other);
  for (int i = 0; i < 3; ++i) {
    const ReceivedAnswer refused = server.chat("");
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_EQ(refused.header("retry-after"), "5");
  }
  EXPECT_EQ(server.generator().requests().size(), 0U) << "no model worked for it";
  held.commit();
}

TEST(Billing, AnAccountThatCannotBeChargedIsRefused) {
  LedgerServer server;
  accounts::create_account(server.database(), kTester, {.name = "red", .currency = "EUR"});
  const std::string key = server.key("red");
  const ReceivedAnswer refused = server.chat(key);
  EXPECT_EQ(refused.status, 403);
  EXPECT_TRUE(value_in(refused, "error.message").starts_with("Your account is charged in EUR, for which there are no"))
      << refused.body;
  EXPECT_EQ(server.generator().requests().size(), 0U);
  EXPECT_EQ(server.get(key, "/user/balance").status, 200);
  const std::string admin = server.key("root", {.admin = true});
  EXPECT_EQ(server.post(admin, "/admin/accounts", R"({"name": "blue", "currency": "EUR"})").status, 400);
}

TEST(Billing, ModelsAreThoseThatTheKeyOpens) {
  LedgerServer server;
  const std::string flash = server.key("red", {.models = {"deepseek-v4-flash"}});
  for (const char* target : {"/models", "/v1/models", "/anthropic/v1/models"}) {
    const ReceivedAnswer models = server.get(flash, target);
    EXPECT_NE(models.body.find("deepseek-v4-flash"), std::string::npos) << models.body;
    EXPECT_EQ(models.body.find("deepseek-v4-pro"), std::string::npos) << models.body;
  }
  EXPECT_EQ(server.get(flash, "/v1/models/deepseek-v4-flash").status, 200);
  EXPECT_EQ(server.get(flash, "/v1/models/deepseek-v4-pro").status, 404);
  EXPECT_NE(server.get(server.key("blue"), "/models").body.find("deepseek-v4-pro"), std::string::npos);
}

TEST(Billing, TheGiftIsSpentFirstAndNothingLeftIs402) {
  LedgerServer server;
  const std::string key = server.key("red");
  accounts::credit_account(server.database(), kTester, "red",
                           {.granted = money("0.000001"), .topped_up = money("0.000001")});
  ASSERT_EQ(server.chat(key).status, 200);
  const Money cost = server.requests("red").at(0).cost;
  const accounts::Account after = server.account("red");
  EXPECT_EQ((money("0.000002") - cost).exact(), after.total().exact());
  EXPECT_EQ(after.granted.exact(), "0.00");
  ASSERT_LT(after.total(), Money()) << "the test's answer costs more than there was: it was let to finish";
  const ReceivedAnswer refused = server.chat(key);
  EXPECT_EQ(refused.status, 402);
  EXPECT_EQ(value_in(refused, "error.message"), "Insufficient Balance");
  EXPECT_EQ(value_in(refused, "error.type"), "unknown_error");
  EXPECT_EQ(value_in(refused, "error.code"), "invalid_request_error");
  EXPECT_EQ(value_in(server.get(key, "/user/balance"), "is_available"), "false");
  accounts::credit_account(server.database(), kTester, "red", {.topped_up = money("110")});
  EXPECT_EQ(server.chat(key).status, 200);
}

TEST(Billing, ABalanceIsInTheHostedForm) {
  LedgerServer server;
  const std::string key = server.key("red");
  accounts::credit_account(server.database(), kTester, "red", {.granted = money("10.009"), .topped_up = money("100")});
  EXPECT_EQ(server.get(key, "/user/balance").body,
            R"({"is_available":true,"balance_infos":[{"currency":"USD","total_balance":"110.00",)"
            R"("granted_balance":"10.00","topped_up_balance":"100.00"}]})");
}

TEST(Billing, WhoeverHangsUpPaysForWhatWasDone) {
  LedgerServer server("cached 0\nsay \"</think>A\"\nwait never\n");
  const std::string key = server.key("red");
  {
    HttpClient client(server.port());
    client.send(request_text(
        "POST", "/chat/completions",
        R"({"model": "deepseek-v4-flash", "stream": true, "messages": [{"role": "user", "content": "Hi"}]})",
        {{"authorization", "Bearer " + key}}));
    client.wait_for("\"A\"");
    client.vanish();
  }
  ASSERT_TRUE(server.generator().wait_for_cancelled(1));
  for (int i = 0; i < 2000 && server.requests("red").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto rows = server.requests("red");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].finish, "gone");
  EXPECT_GT(rows[0].tokens.miss, 0);
  EXPECT_GT(rows[0].tokens.output, 0);
}

TEST(Billing, ScopesHold) {
  LedgerServer server;
  const std::string flash = server.key("red", {.models = {"deepseek-v4-flash"}, .surfaces = {"chat"}});
  EXPECT_EQ(server.chat(flash).status, 200);
  const std::string body =
      R"({"model": "deepseek-v4-pro", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5})";
  const ReceivedAnswer model = server.post(flash, "/chat/completions", body);
  EXPECT_EQ(model.status, 403);
  EXPECT_EQ(value_in(model, "error.message"), "Your api key does not open deepseek-v4-pro");
  const ReceivedAnswer surface = server.post(flash, "/anthropic/v1/messages", body);
  EXPECT_EQ(surface.status, 403);
  EXPECT_EQ(value_in(surface, "type"), "error") << "in that surface's form";
  EXPECT_EQ(server.get(flash, "/admin/keys").status, 403);
  EXPECT_EQ(server.get(flash, "/metrics").status, 403);
  EXPECT_EQ(value_in(server.get(flash, "/health"), "models"), "");
  const std::string admin = server.key("root", {.admin = true});
  EXPECT_EQ(server.get(admin, "/metrics").status, 200);
}

TEST(Billing, LimitsAreToldWithRetryAfter) {
  LedgerServer server("say \"</think>A\"\nwait go\n");
  const std::string key = server.key("red", {.limits = {.in_flight = 1}});
  HttpClient first(server.port());
  first.send(
      request_text("POST", "/chat/completions",
                   R"({"model": "deepseek-v4-flash", "stream": true, "messages": [{"role": "user", "content": "Hi"}]})",
                   {{"authorization", "Bearer " + key}}));
  first.wait_for("\"A\"");
  ReceivedAnswer refused = server.chat(key);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_TRUE(value_in(refused, "error.message")
                  .starts_with("Your current concurrency is 2, which exceeds your concurrency limit of 1."));
  server.generator().open_gate("go");
  first.read_until("[DONE]");
  EXPECT_EQ(server.chat(key).status, 200) << "who has the last byte may ask again";

  const std::string slow = server.key("blue", {.limits = {.tokens_per_minute = 8}});
  EXPECT_EQ(server.chat(slow).status, 200);
  refused = server.chat(slow);
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(value_in(refused, "error.message").starts_with("Rate limit reached for TPM")) << refused.body;
  EXPECT_GT(std::stoi(refused.header("retry-after")), 0);

  const std::string day = server.key("green", {.limits = {.tokens_per_day = 8}});
  EXPECT_EQ(server.chat(day).status == 200 ? server.chat(day).status : 429, 429);
  refused = server.chat(day);
  EXPECT_TRUE(value_in(refused, "error.message").starts_with("Rate limit reached for TPD")) << refused.body;

  const std::string small = server.key("white", {.limits = {.context_tokens = 3}});
  refused = server.chat(small);
  EXPECT_EQ(refused.status, 400);
  EXPECT_TRUE(value_in(refused, "error.message").starts_with("This model's maximum context length is 3 tokens."));
}

TEST(Billing, KeysOfTheFileGoBesideTheLedgers) {
  LedgerServer server("say \"</think>Hello\"\n", "sk-of-the-file");
  EXPECT_EQ(server.chat("").status, 401) << "the file closes the door";
  EXPECT_EQ(server.chat("sk-of-the-file").status, 200);
  EXPECT_EQ(server.chat(server.key("red")).status, 200);
  EXPECT_EQ(server.chat("sk-of-nobody").status, 401);
  EXPECT_EQ(server.get("sk-of-the-file", "/admin/keys").status, 401);
}

}  // namespace
}  // namespace fathom::testing
