#include "fathom/evaluation/dialogue_sample.h"

#include <gtest/gtest.h>

#include "tests/evaluation/evaluation_support.h"

namespace fathom::testing {
namespace {

const std::string kLine =
    R"({"messages": [{"role": "user", "content": "Hi"}], "thinking_mode": "chat", "family": "small talk",)"
    R"( "reference": {"role": "assistant", "content": "Hello"}, "check": {"kind": "contains", "expected": ["hello"]},)"
    R"( "note": {"digits": 3, "operation": "+", "invented": true, "distance": 1.5}})";

TEST(DialogueSample, ReadsALine) {
  const DialogueSample sample = read_dialogue_sample(kLine, "here");
  EXPECT_EQ(sample.family, "small talk");
  EXPECT_EQ(sample.request.messages.size(), 1U);
  EXPECT_EQ(sample.request.options.thinking_mode, ThinkingMode::chat);
  EXPECT_EQ(sample.check.kind, CheckKind::contains);
  EXPECT_EQ(sample.expected, R"(["hello"])");
  EXPECT_TRUE(sample.tools.empty());
  EXPECT_EQ(sample.notes.at("digits"), "3");
  EXPECT_EQ(sample.notes.at("operation"), "+");
  EXPECT_EQ(sample.notes.at("invented"), "true");
}

TEST(DialogueSample, ToolsAreThoseOfTheRequest) {
  const DialogueSample sample = read_dialogue_sample(
      R"({"messages": [{"role": "user", "content": "Hi"}], "tools": [{"type": "function", "function": {"name": "f"}}],
          "family": "tools", "check": {"kind": "no_call"}})",
      "here");
  ASSERT_EQ(sample.tools.size(), 1U);
  EXPECT_EQ(sample.tools.front().name, "f");
  EXPECT_EQ(sample.expected, "");
}

TEST(DialogueSample, FilesPackedOrNotAndTheirFirstLines) {
  const TemporaryDirectory directory;
  const std::string text = kLine + "\n\n" + kLine + "\n" + kLine;
  write_text(directory / "plain", text);
  write_text(directory / "packed", packed(text));
  EXPECT_EQ(read_dialogue_samples(directory / "plain", 0).size(), 3U);
  EXPECT_EQ(read_dialogue_samples(directory / "packed", 0).size(), 3U);
  EXPECT_EQ(read_dialogue_samples(directory / "plain", 2).size(), 2U);
}

TEST(DialogueSample, FaultsNameFileAndLine) {
  const TemporaryDirectory directory;
  const auto error = [&](std::string_view text) {
    write_text(directory / "d.jsonl", text);
    return error_of([&] { read_dialogue_samples(directory / "d.jsonl", 0); });
  };
  EXPECT_NE(error("").find("d.jsonl holds no dialogue"), std::string::npos);
  EXPECT_NE(error(kLine + "\n{\n").find("d.jsonl:2"), std::string::npos);
  EXPECT_NE(error(kLine + "\n\n[]\n").find("d.jsonl:3"), std::string::npos) << error(kLine + "\n\n[]\n");
  EXPECT_NE(error(R"({"messages": [], "check": {"kind": "read"}})").find("family: found nothing"), std::string::npos);
  EXPECT_NE(error(R"({"messages": [], "family": "a"})").find("check"), std::string::npos);
  EXPECT_NE(error(R"({"messages": [], "family": "a", "check": {"kind": "read"}, "note": 3})").find("note"),
            std::string::npos);
  EXPECT_NE(error(R"({"messages": [{"role": "no one"}], "family": "a", "check": {"kind": "read"}})").find("no one"),
            std::string::npos);
  const std::string whole = packed(kLine);
  EXPECT_NE(error(whole.substr(0, whole.size() / 2)).find("truncated"), std::string::npos);
}

}  // namespace
}  // namespace fathom::testing
