#include "fathom/server/text_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/chat/json_text.h"
#include "tests/server/ledger_server_support.h"

namespace fathom::testing {
namespace {

using server::StoredText;
using server::TextStore;

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

unsigned rights_of(const std::filesystem::path& path) {
  struct stat found {};
  EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
  return found.st_mode & 0777;
}

TEST(TextStore, ALineAnAnswerAFileADay) {
  const TemporaryFolder folder;
  const std::filesystem::path place = folder.path() / "deep" / "texts";
  std::vector<std::string> faults;
  {
    TextStore store(place, [&](const std::string& fault) { faults.push_back(fault); });
    store.put({.at = 86'399, .id = "a", .request = "{\"n\":\r\n 1}", .answer = "two\nlines \"quoted\""});
    store.put({.at = 86'400, .id = "b", .request = "{}", .answer = ""});
    store.put({.at = 86'399, .id = "c", .request = "{}", .answer = ""});
  }
  EXPECT_TRUE(faults.empty());
  const auto first = lines_of(place / "1970-01-01.jsonl");
  ASSERT_EQ(first.size(), 2U);
  const JsonValue line = read_json(first[0], "test");
  EXPECT_EQ(line.find("answer")->text, "two\nlines \"quoted\"");
  EXPECT_EQ(line.find("request")->find("n")->text, "1");
  EXPECT_EQ(line.find("at")->text, "1970-01-01T23:59:59Z");
  EXPECT_EQ(lines_of(place / "1970-01-02.jsonl").size(), 1U);
  EXPECT_EQ(rights_of(place), 0700U);
  EXPECT_EQ(rights_of(place / "1970-01-01.jsonl"), 0600U);
}

TEST(TextStore, WhatCannotBeWrittenIsToldAndWhatCannotBeMadeRefused) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "file") << "x";
  EXPECT_THROW(TextStore(folder.path() / "file", nullptr), InputError);
  std::filesystem::create_directory(folder.path() / "1970-01-01.jsonl");
  std::vector<std::string> faults;
  {
    TextStore store(folder.path(), [&](const std::string& fault) { faults.push_back(fault); });
    store.put({.at = 0, .request = "{}"});
  }
  EXPECT_EQ(faults.size(), 1U);
}

TEST(TextStore, AServerStoresWhatItsSwitchSaysAndTellsTheAuditLog) {
  const TemporaryFolder folder;
  const std::filesystem::path texts = folder.path() / "texts";
  std::string key;
  {
    LedgerServer server("say \"A thought.</think>Hello there.\"\n", "",
                        [&](server::ServerParts& parts) { parts.store_texts = texts.string(); });
    key = server.key("red");
    ASSERT_EQ(server.chat(key).status, 200);
    ASSERT_EQ(server.chat(key, R"(, "stream": true)").status, 200);
    EXPECT_EQ(server.chat(key, R"(, "top_p": 7)").status, 400) << "what no model answers is not stored";
    const auto acts = accounts::read_audit(server.database(), 100);
    EXPECT_TRUE(std::any_of(acts.begin(), acts.end(), [&](const accounts::AuditEntry& entry) {
      return entry.act == "store texts" && entry.subject == texts.string();
    }));
  }
  const auto lines = lines_of(texts / "2026-05-28.jsonl");
  ASSERT_EQ(lines.size(), 2U);
  for (const std::string& line : lines) {
    EXPECT_EQ(line.find(key), std::string::npos) << "what opens is not stored";
    const JsonValue read = read_json(line, "test");
    EXPECT_EQ(read.find("account")->text, "red");
    EXPECT_EQ(read.find("key")->text.size(), 16U);
    EXPECT_EQ(read.find("id")->text.size(), 32U);
    EXPECT_EQ(read.find("finish")->text, "stop");
    EXPECT_EQ(read.find("request")->find("messages")->elements.at(0).find("content")->text, "Hi");
    EXPECT_NE(read.find("answer")->text.find("A thought.</think>Hello there."), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace fathom::testing
