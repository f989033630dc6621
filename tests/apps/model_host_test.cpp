#include "fathom/apps/model_host.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "tests/apps/program_support.h"
#include "tests/model/small_model.h"

namespace fathom::testing {
namespace {

using Ids = std::vector<std::string>;

TEST(ModelHost, ADirectoryWithoutANameAnswersForBothIds) {
  const auto served = served_directories({"dir"});
  ASSERT_EQ(served.size(), 1U);
  EXPECT_EQ(served[0].directory, "dir");
  EXPECT_EQ(served[0].ids, (Ids{"deepseek-v4-flash", "deepseek-v4-pro"}));
}

TEST(ModelHost, NamesComeFirstAndTheNamelessOneTakesTheRest) {
  const auto served = served_directories({"a", "deepseek-v4-pro=b", "mine=a"});
  ASSERT_EQ(served.size(), 2U) << "a directory is loaded once";
  EXPECT_EQ(served[0].directory, "a");
  EXPECT_EQ(served[0].ids, (Ids{"mine", "deepseek-v4-flash"}));
  EXPECT_EQ(served[1].ids, Ids{"deepseek-v4-pro"});
}

TEST(ModelHost, WhatCannotBeMeantIsRefused) {
  EXPECT_THROW(served_directories({}), InputError);
  EXPECT_THROW(served_directories({"a", "b"}), InputError);
  EXPECT_THROW(served_directories({"x=a", "x=b"}), InputError);
  EXPECT_THROW(served_directories({"=a"}), InputError);
  EXPECT_THROW(served_directories({"x="}), InputError);
}

TEST(ModelHost, LoadsACheckpointBehindItsIds) {
  server::ServerConfig config;
  config.models = {kSprat.string()};
  config.context_tokens = 100;
  const ModelHost host(config);
  ASSERT_EQ(host.models().size(), 2U);
  for (const server::HostedModel& model : host.models()) {
    EXPECT_EQ(model.context_tokens, 100);
    EXPECT_EQ(model.max_output_tokens, 100);
    EXPECT_TRUE(model.fingerprint.starts_with("fp_")) << model.fingerprint;
    EXPECT_GT(model.created, 1'700'000'000);
    EXPECT_EQ(model.generator, host.models()[0].generator) << "both ask the same engine";
    EXPECT_GT(model.tokenizer->vocab(), 0);
  }
  config.engine.cache = "float32";
  EXPECT_NE(ModelHost(config).models()[0].fingerprint, host.models()[0].fingerprint) << "other numerics";
  config.models = {"/no/such/directory"};
  EXPECT_THROW(ModelHost{config}, InputError);
}

// A folder that cannot be had costs the folder, not the server.
TEST(ModelHost, GoesOnWithoutADiskThatItCannotHave) {
  const TemporaryFolder folder;
  server::ServerConfig config;
  config.models = {kSprat.string()};
  config.log = "off";
  config.engine.prefix_disk = (folder.path() / "kept").string();
  const ModelHost first(config);
  const ModelHost second(config);  // while the first has it
  EXPECT_EQ(first.models().size(), 2U);
  EXPECT_EQ(second.models().size(), 2U);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "kept" / "lock"));
}

}  // namespace
}  // namespace fathom::testing
