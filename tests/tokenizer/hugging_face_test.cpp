// The answers of Hugging Face's own Rust engine, kept by tools/tokenizer_oracle.
#include <gtest/gtest.h>
#include <simdjson.h>

#include "fathom/tokenizer/utf8.h"
#include "tests/tokenizer/tokenizer_support.h"

namespace fathom {
namespace {

std::vector<std::int32_t> ids_of(simdjson::dom::element line, std::string_view key) {
  std::vector<std::int32_t> ids;
  for (const auto value : line[key].get_array()) ids.push_back(static_cast<std::int32_t>(std::int64_t{value}));
  return ids;
}

TEST(HuggingFace, EncodesAlike) {
  simdjson::dom::parser parser;
  std::size_t cases = 0;
  int shown = 0;
  for (const std::string& line : fixture_lines("encode.jsonl.zst")) {
    const simdjson::dom::element entry = parser.parse(line);
    const std::string_view text = entry["text"];
    const auto check_with = [&](const Tokenizer& tokenizer, std::string_view key) {
      const std::vector<std::int32_t> ids = tokenizer.encode(text);
      if (ids != ids_of(entry, key) && ++shown <= 20) {
        EXPECT_EQ(ids, ids_of(entry, key)) << key << ": " << text.substr(0, 200);
      }
      EXPECT_EQ(tokenizer.decode(ids), text) << key;
    };
    check_with(deepseek_v4(), "deepseek_v4");
    check_with(sprat(), "sprat");
    ++cases;
  }
  EXPECT_EQ(shown, 0);
  EXPECT_GE(cases, 20000U);
}

TEST(HuggingFace, DecodesAlike) {
  simdjson::dom::parser parser;
  for (const std::string& line : fixture_lines("decode.jsonl.zst")) {
    const simdjson::dom::element entry = parser.parse(line);
    const std::string_view name = entry["tokenizer"];
    const Tokenizer& tokenizer = name == "sprat" ? sprat() : deepseek_v4();
    const std::vector<std::int32_t> ids = ids_of(entry, "token_ids");
    EXPECT_EQ(utf8_lossy(tokenizer.decode(ids)), std::string_view(entry["text"])) << line;
    StreamDecoder decoder(tokenizer);
    std::string streamed;
    for (const std::int32_t id : ids) streamed += decoder.push(id);
    EXPECT_EQ(streamed + decoder.finish(), std::string_view(entry["text"])) << line;
  }
}

TEST(HuggingFace, MatchesAddedTokensOfEveryFlagAlike) {
  simdjson::dom::parser parser;
  const std::vector<std::string> lines = fixture_lines("flags.jsonl.zst");
  ASSERT_GE(lines.size(), 1000U);
  const std::string json(std::string_view(parser.parse(lines[0])["tokenizer"]));
  const Tokenizer tokenizer = Tokenizer::parse(json, "flags");
  for (std::size_t line = 1; line < lines.size(); ++line) {
    const simdjson::dom::element entry = parser.parse(lines[line]);
    EXPECT_EQ(tokenizer.encode(std::string_view(entry["text"])), ids_of(entry, "ids")) << lines[line];
  }
}

// Every code point after and before letters, doubled, after a space, in front of a newline, four in a row, among kana.
TEST(HuggingFace, KnowsEveryCodePointAlike) {
  simdjson::dom::parser parser;
  const std::vector<std::string> lines = fixture_lines("code_points.jsonl.zst");
  ASSERT_EQ(lines.size(), 0x110000U / 0x400U);
  for (const std::string& line : lines) {
    const simdjson::dom::element entry = parser.parse(line);
    const auto first = static_cast<char32_t>(std::uint64_t{entry["first"]});
    std::string text;
    for (char32_t point = first; point < first + 0x400; ++point) {
      if (point >= 0xD800 && point <= 0xDFFF) continue;
      const std::string letter = utf8_encode(point);
      text += "a" + letter + "a" + letter + letter + "b " + letter + "\n!" + letter + "b" + letter + letter + letter +
              letter + " \u304b" + letter + "\u304b 1";
    }
    std::uint32_t hash = 2166136261U;
    for (const std::int32_t id : deepseek_v4().encode(text)) hash = (hash ^ static_cast<std::uint32_t>(id)) * 16777619U;
    EXPECT_EQ(hash, std::uint64_t{entry["hash"]}) << "code points from " << std::hex << std::uint32_t{first};
  }
}

}  // namespace
}  // namespace fathom
