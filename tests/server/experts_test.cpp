#include "fathom/server/experts.h"

#include <gtest/gtest.h>

#include "tests/server/ledger_server_support.h"

namespace fathom::server {
namespace {

TEST(Experts, EveryLayersChoicesAreTold) {
  const std::vector<ModelExperts> models = {
      {"flash,pro", {{.by_hash = true, .times = {3, 0, 1LL << 40}}, {.mtp = true, .times = {1, 2, 3}}}}, {"far", {}}};
  EXPECT_EQ(write_experts(models), R"({"models":[{"model":"flash,pro","counted":true,"layers":[)"
                                   R"({"layer":0,"by_hash":true,"mtp":false,"chosen":[3,0,1099511627776]},)"
                                   R"({"layer":1,"by_hash":false,"mtp":true,"chosen":[1,2,3]}]},)"
                                   R"({"model":"far","counted":false,"layers":[]}]})"
                                   "\n");
}

// They sum over all accounts.
TEST(Experts, WhereThereAreAccountsAnAdministratorsKeyIsNeeded) {
  testing::LedgerServer server;
  const std::string admin = server.key("root", {.admin = true});
  EXPECT_EQ(server.get(server.key("red"), "/experts").status, 403);
  EXPECT_EQ(server.get("", "/experts").status, 401);
  const testing::ReceivedAnswer answer = server.get(admin, "/experts");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find(R"("layer":43,"by_hash":false,"mtp":true,"chosen":[)"), std::string::npos);
}

}  // namespace
}  // namespace fathom::server
