// The ledger over HTTP.
#include "fathom/server/administration.h"

#include <gtest/gtest.h>

#include "tests/server/ledger_server_support.h"

namespace fathom::testing {
namespace {

TEST(Administration, MakesAccountsAndKeysThatWorkAtOnce) {
  LedgerServer server;
  const std::string admin = server.key("root", {.admin = true});
  ReceivedAnswer made = server.post(admin, "/admin/accounts", R"({"name": "ada", "currency": "CNY", "in_flight": 3})");
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(value_in(made, "limits.in_flight"), "3");
  made = server.post(admin, "/admin/accounts/ada/credit", R"({"granted": "1.5", "topped_up": "10"})");
  EXPECT_EQ(value_in(made, "granted_balance"), "1.50") << made.body;
  made = server.post(admin, "/admin/keys", R"({"account": "ada", "label": "laptop", "models": ["deepseek-v4-flash"]})");
  const std::string key = value_in(made, "key");
  EXPECT_EQ(key.size(), 46U) << made.body;
  EXPECT_EQ(server.chat(key).status, 200);
  EXPECT_EQ(value_in(server.get(key, "/user/balance"), "balance_infos").find("USD"), std::string::npos);
  EXPECT_EQ(server.get(admin, "/admin/keys").body.find(key), std::string::npos) << "shown once";
  EXPECT_NE(server.get(admin, "/admin/keys?account=ada").body.find("laptop"), std::string::npos);
  EXPECT_EQ(server.post(admin, "/admin/keys/" + value_in(made, "id") + "/limits", R"({"tokens_per_day": 5})").status,
            200);
  EXPECT_EQ(server.chat(key).status, 429);
  EXPECT_EQ(server.post(admin, "/admin/keys/" + value_in(made, "id") + "/revoke", "").status, 200);
  EXPECT_EQ(server.chat(key).status, 401);
  EXPECT_EQ(server.post(admin, "/admin/accounts/ada/close", "{}").status, 200);
  const std::string audit = server.get(admin, "/admin/audit").body;
  for (const char* act :
       {"create account", "credit account", "create key", "set key limits", "revoke key", "close account"})
    EXPECT_NE(audit.find(act), std::string::npos) << act;
  EXPECT_NE(audit.find("\"actor\":\"key "), std::string::npos) << "by whom";
  EXPECT_EQ(audit.find(key), std::string::npos);
}

TEST(Administration, UsageIsAskedByItsColumns) {
  LedgerServer server;
  const std::string admin = server.key("root", {.admin = true});
  const std::string key = server.key("ada");
  server.chat(key);
  server.chat(key);
  server.chat(admin);
  const ReceivedAnswer csv = server.get(admin, "/admin/usage?by=account&format=csv");
  EXPECT_EQ(csv.header("content-type"), "text/csv; charset=utf-8");
  EXPECT_NE(csv.body.find("\nada,USD,2,"), std::string::npos) << csv.body;
  EXPECT_NE(csv.body.find("\nroot,USD,1,"), std::string::npos) << csv.body;
  const ReceivedAnswer rows = server.get(admin, "/admin/usage?by=day,model&account=ada&from=2026-05-28&to=2026-05-28");
  EXPECT_NE(rows.body.find(R"({"day":"2026-05-28","model":"deepseek-v4-flash","requests":2,)"), std::string::npos)
      << rows.body;
  EXPECT_EQ(server.get(admin, "/admin/requests?count=1").body.find(R"("account":"ada")"), std::string::npos);
}

TEST(Administration, WhatCannotBeIsAnErrorWithItsPlace) {
  LedgerServer server;
  const std::string admin = server.key("root", {.admin = true});
  const auto message = [&](const std::string& target, const std::string& body) {
    const ReceivedAnswer answer = server.post(admin, target, body);
    EXPECT_EQ(answer.status, 400) << target << answer.body;
    return value_in(answer, "error.message");
  };
  EXPECT_NE(message("/admin/accounts", R"({"name": "ada", "currency": "EUR"})").find("no price card in EUR"),
            std::string::npos);
  EXPECT_NE(message("/admin/accounts", R"({"nmae": "ada"})").find("nmae is no member"), std::string::npos);
  EXPECT_NE(message("/admin/keys", R"({"account": "nobody"})").find("no account nobody"), std::string::npos);
  EXPECT_NE(message("/admin/keys", R"({"account": 5})").find("account is a number"), std::string::npos);
  EXPECT_NE(message("/admin/keys", "[").find("[admin]"), std::string::npos);
  EXPECT_EQ(server.post(admin, "/admin/accounts/root/destroy", "{}").status, 404);
  EXPECT_EQ(server.post(admin, "/admin/nothing", "{}").status, 404);
  EXPECT_EQ(server.get(admin, "/admin/nothing").status, 404);
  EXPECT_EQ(server.get(admin, "/admin/usage?from=soon").status, 400);
  EXPECT_EQ(server.get(admin, "/admin/audit?count=0").status, 400);
  EXPECT_EQ(ask(server.port(), "DELETE", "/admin/keys", {}, {{"authorization", "Bearer " + admin}}).status, 405);
}

}  // namespace
}  // namespace fathom::testing
