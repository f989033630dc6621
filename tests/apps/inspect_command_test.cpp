#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "fathom/apps/commands.h"
#include "fathom/base/error.h"

namespace fathom {
namespace {

// What the command prints.
std::string inspect(std::vector<std::string> arguments) {
  CLI::App program;
  add_inspect_command(program);
  arguments.insert(arguments.begin(), "inspect");
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes a vector
  testing::internal::CaptureStdout();
  try {
    program.parse(arguments);
  } catch (...) {
    testing::internal::GetCapturedStdout();
    throw;
  }
  return testing::internal::GetCapturedStdout();
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(InspectCommand, ReleasedFigures) {
  const std::string flash = inspect({"--preset", "deepseek-v4-flash"});
  EXPECT_TRUE(contains(flash,
                       "69,187 tensors, 159,609,485,896 bytes, 290,942,289,362 parameters with MTP, 3,514 KV "
                       "bytes per token"))
      << flash;
  EXPECT_TRUE(contains(flash, "43: 2 sliding, 21 CSA (ratio 4), 20 HCA (ratio 128); 1 MTP")) << flash;
  EXPECT_TRUE(contains(flash, "13,270,101,591 without the embedding")) << flash;
  const std::string pro = inspect({"--preset", "deepseek-v4-pro"});
  EXPECT_TRUE(contains(pro,
                       "145,116 tensors, 864,704,792,696 bytes, 1,598,837,347,742 parameters with MTP, 5,031 KV "
                       "bytes per token"))
      << pro;
  EXPECT_TRUE(contains(inspect({"--preset", "deepseek-v4-pro-base"}), "note")) << "Base's stored figures may differ";
}

TEST(InspectCommand, ReadsACheckpoint) {
  const std::string report = inspect({FATHOM_SOURCE "/models/sprat"});
  EXPECT_TRUE(contains(report, "340 tensors, 3,059,484 bytes, 2,781,821 parameters, 118 KV bytes per token")) << report;
  const std::string tensors = inspect({FATHOM_SOURCE "/models/sprat", "--tensors"});
  EXPECT_EQ(std::count(tensors.begin(), tensors.end(), '\n'), 340);
  EXPECT_TRUE(contains(tensors, "norm.weight BF16 [128] 256 model.safetensors\n")) << tensors;
}

TEST(InspectCommand, JsonSaysTheSame) {
  const auto report = nlohmann::json::parse(inspect({FATHOM_TEST_DATA "/tiny-pro", "--json", "--tensors"}));
  EXPECT_EQ(report["stored"]["tensors"], 656);
  EXPECT_EQ(report["stored"]["bytes"], 7037644);
  EXPECT_EQ(report["parameters"]["with_mtp"], 7310434);
  EXPECT_EQ(report["tensors"].size(), 656U);
  const auto config =
      nlohmann::json::parse(inspect({"--config", FATHOM_TEST_DATA "/tiny-pro/config.json", "--json", "--tensors"}));
  EXPECT_EQ(config["stored"], report["stored"]);
  EXPECT_EQ(config["kv"], report["kv"]);
}

TEST(InspectCommand, Faults) {
  EXPECT_THROW(inspect({"/no/such/directory"}), InputError);
  EXPECT_THROW(inspect({"--preset", "deepseek-v5"}), InputError);
  EXPECT_THROW(inspect({}), CLI::ParseError);
  EXPECT_THROW(inspect({"--preset", "deepseek-v4-pro", FATHOM_SOURCE "/models/sprat"}), CLI::ParseError);
}

}  // namespace
}  // namespace fathom
