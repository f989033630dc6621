#include "fathom/server/health.h"

#include <gtest/gtest.h>

#include "fathom/chat/json_text.h"

namespace fathom::server {
namespace {

TEST(Health, SaysHowItIsAndWhatRuns) {
  Health health{.draining = true, .version = "fathom \"1\"", .models = {}};
  EXPECT_EQ(write_health(health), "{\"status\": \"draining\"}\n");
  health.draining = false;
  health.models = {{"a", {.running = 3, .waiting = 2}}, {"b\n", {.cache_bytes = 1LL << 40}}};
  const JsonValue json = read_json(write_health(health), "health");
  EXPECT_EQ(json.find("status")->text, "ok");
  EXPECT_EQ(json.find("version")->text, "fathom \"1\"");
  const auto& models = json.find("models")->elements;
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(models[0].find("running")->text, "3");
  EXPECT_EQ(models[0].find("waiting")->text, "2");
  EXPECT_EQ(models[1].find("model")->text, "b\n");
  EXPECT_EQ(models[1].find("cache_bytes")->text, "1099511627776");
}

}  // namespace
}  // namespace fathom::server
