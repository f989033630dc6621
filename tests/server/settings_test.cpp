// The table of settings itself, row by row.
#include <gtest/gtest.h>

#include <set>

#include "fathom/base/error.h"
#include "fathom/server/config.h"

namespace fathom::server {
namespace {

TEST(Settings, EveryRowIsNamedExplainedAndGrouped) {
  std::set<std::string> names;
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_FALSE(setting.help.empty()) << setting.name;
    EXPECT_FALSE(setting.group.empty()) << setting.name;
    EXPECT_EQ(setting.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << setting.name;
    EXPECT_EQ(setting.flag().find('_'), std::string::npos);
    EXPECT_TRUE(setting.variable().starts_with("FATHOM_"));
  }
}

// Each row writes what it reads, and its default is a value that it takes.
TEST(Settings, EveryRowTakesItsOwnDefault) {
  const ServerConfig defaults;
  for (const Setting& setting : settings()) {
    ServerConfig config;
    const std::string value = setting.get(defaults);
    if (value.empty() && setting.kind != "list") continue;
    EXPECT_NO_THROW(setting.set(config, value)) << setting.name;
    EXPECT_EQ(setting.get(config), value) << setting.name;
  }
}

TEST(Settings, NoRowTouchesAnother) {
  const auto sample = [](const Setting& setting) -> std::string {
    if (setting.kind == "number") return setting.range.substr(0, setting.range.find(' '));
    if (setting.kind == "seconds") return "7.5";
    if (setting.kind == "switch") return setting.get({}) == "true" ? "false" : "true";
    if (!setting.range.empty()) return setting.range.substr(setting.range.rfind(' ') + 1);
    return "changed";
  };
  const ServerConfig defaults;
  for (const Setting& changed : settings()) {
    ServerConfig config;
    changed.set(config, sample(changed));
    for (const Setting& other : settings()) {
      if (other.name == changed.name) continue;
      EXPECT_EQ(other.get(config), other.get(defaults)) << changed.name << " " << other.name;
    }
  }
}

TEST(Settings, ValuesOutOfRangeAreRefusedWithBoth) {
  ServerConfig config;
  for (const Setting& setting : settings()) {
    std::vector<std::string> wrong = {"maybe"};
    if (setting.kind == "number") wrong = {"", "x", "1.5", "-1", "99999999999999999999", "1 "};
    if (setting.kind == "seconds") wrong = {"", "x", "0", "-1", "nan", "inf", "1e99"};
    if (setting.kind == "list" || (setting.kind == "text" && setting.range.empty())) continue;
    for (const std::string& value : wrong) {
      try {
        setting.set(config, value);
        ADD_FAILURE() << setting.name << " took " << value;
      } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find(setting.name), std::string::npos);
        EXPECT_NE(std::string(error.what()).find("expected"), std::string::npos);
      }
    }
  }
}

}  // namespace
}  // namespace fathom::server
