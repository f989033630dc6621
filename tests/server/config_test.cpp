#include "fathom/server/config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "fathom/base/error.h"

namespace fathom::server {
namespace {

// A file for as long as this lives.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() /
              fmt::format("fathom_config_{}_{}.toml", ::getpid(), static_cast<const void*>(this))) {
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

ServerConfig read(const std::string& file, const std::map<std::string, std::string>& environment = {},
                  const std::map<std::string, std::string>& flags = {}) {
  const TemporaryFile written(file);
  return read_config({.file = written.path(),
                      .environment = [&](const std::string& name) -> std::optional<std::string> {
                        const auto found = environment.find(name);
                        return found == environment.end() ? std::nullopt : std::optional(found->second);
                      },
                      .flags = flags});
}

std::string error_of(const std::string& file, const std::map<std::string, std::string>& environment = {}) {
  try {
    read(file, environment);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Config, FlagsGoBeforeTheEnvironmentAndThatBeforeTheFile) {
  const std::string file = "[serve]\nport = 1\nhost = \"a\"\nqueue = 7\n[chat]\nmodel = \"x\"\n";
  const ServerConfig config = read(file, {{"FATHOM_PORT", "2"}, {"FATHOM_HOST", "b"}}, {{"port", "3"}});
  EXPECT_EQ(config.http.port, 3);
  EXPECT_EQ(config.http.host, "b");
  EXPECT_EQ(config.engine.queue, 7);
  EXPECT_EQ(config.engine.sequences, ServerConfig{}.engine.sequences) << "the default";
}

TEST(Config, EveryKindOfValueHasItsToml) {
  const ServerConfig config = read(
      "[serve]\nmodel = [\"a=b\", \"c\"]\ncors = \"https://one\"\ndrain = 0.25\nkeep_alive = 2\nstrict_hosted = "
      "true\n");
  EXPECT_EQ(config.models, (std::vector<std::string>{"a=b", "c"}));
  EXPECT_EQ(config.cors, std::vector<std::string>{"https://one"});
  EXPECT_EQ(config.drain, std::chrono::milliseconds(250));
  EXPECT_EQ(config.answering.keep_alive, std::chrono::milliseconds(2000));
  EXPECT_TRUE(config.strict_hosted);
}

TEST(Config, WhatIsWrongIsNamedWithItsLine) {
  EXPECT_NE(error_of("[serve]\nport = 1\nprot = 2\n").find("line 3: prot is no setting; did you mean"),
            std::string::npos)
      << error_of("[serve]\nport = 1\nprot = 2\n");
  EXPECT_NE(error_of("[serve]\n\nport = 70000\n").find("port is 70000, expected a number from 0 to 65535"),
            std::string::npos);
  EXPECT_NE(error_of("[serve]\n\nport = 70000\n").find("line 3"), std::string::npos);
  EXPECT_NE(error_of("[serve]\nport = [\n").find("line "), std::string::npos);
  EXPECT_NE(error_of("\nport = 1\n").find("line 2: port stands outside of the [serve] table"), std::string::npos);
  EXPECT_EQ(error_of("[chat]\nport = 1\n"), "no error");
  EXPECT_NE(error_of("[serve]\nport = 2026-01-01\n").find("found a table or a date"), std::string::npos);
  EXPECT_NE(error_of("[serve]\n", {{"FATHOM_PORT", "x"}}).find("(FATHOM_PORT)"), std::string::npos);
  EXPECT_THROW(read_config({.file = "/no/such/file", .environment = {}, .flags = {}}), InputError);
}

TEST(Config, WrittenAndReadAgainItIsTheSame) {
  ServerConfig config;
  config.models = {"a", "b=c\"d"};
  config.http.port = 0;
  config.cors = {};
  config.drain = std::chrono::milliseconds(1500);
  config.keep_old_names = true;
  const std::string text = write_config(config);
  const ServerConfig again = read(text);
  EXPECT_EQ(write_config(again), text);
  EXPECT_EQ(again.models, config.models);
  EXPECT_EQ(again.drain, config.drain);
  EXPECT_TRUE(again.cors.empty());
}

TEST(Config, PartsFollow) {
  ServerConfig config;
  config.agent_effort = "off";
  config.log = "error";
  config.clip_max_tokens = false;
  const ServerParts parts = parts_of(config);
  EXPECT_EQ(parts.policy.agent_effort, api::AgentEffort::off);
  EXPECT_EQ(parts.log_level, LogLevel::error);
  EXPECT_FALSE(parts.policy.clip_max_tokens);
  EXPECT_TRUE(parts.dialects.chat.read && parts.dialects.responses.writer && parts.dialects.balance);
}

}  // namespace
}  // namespace fathom::server
