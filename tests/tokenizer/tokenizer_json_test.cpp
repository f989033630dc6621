#include "fathom/tokenizer/tokenizer_json.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"
#include "tests/tokenizer/tokenizer_support.h"

namespace fathom {
namespace {

// The message of the InputError that reading throws, or "".
std::string refusal(std::string_view json) {
  try {
    read_tokenizer_json(json, "here.json");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

void expect_refusal(std::string_view json, const std::vector<std::string>& parts) {
  const std::string message = refusal(json);
  EXPECT_EQ(message.rfind("[tokenizer] here.json: ", 0), 0U) << message;
  for (const std::string& part : parts) EXPECT_NE(message.find(part), message.npos) << message << "\nlacks " << part;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t place = text.find(from);
  if (place != text.npos) text.replace(place, from.size(), to);
  return text;
}

TEST(TokenizerJson, ReadsBothSpellingsOfMerges) {
  SmallTokenizer small{.tokens = {"ab", "abc"}, .merges = {"a b", "ab c"}};
  for (const bool pairs : {false, true}) {
    small.merges_as_pairs = pairs;
    const std::string text = small.json();
    const TokenizerJson json = read_tokenizer_json(text, "here.json");
    EXPECT_EQ(json.vocab.size(), 258U);
    ASSERT_EQ(json.merges.size(), 2U);
    EXPECT_EQ(json.merges[1].first, "ab");
    EXPECT_EQ(json.merges[1].second, "c");
  }
}

TEST(TokenizerJson, ReadsAddedTokensAndTheirFlags) {
  const SmallTokenizer small{.added = R"([{"id": 300, "content": "<x>", "single_word": true, "lstrip": true,
      "rstrip": true, "normalized": true, "special": true}, {"id": 301, "content": "<y>", "special": true},
      {"id": 302, "content": "<z>"}])"};
  const TokenizerJson json = read_tokenizer_json(small.json(), "here.json");
  ASSERT_EQ(json.added.size(), 3U);
  const AddedToken& first = json.added[0];
  EXPECT_TRUE(first.single_word && first.lstrip && first.rstrip && first.normalized && first.special);
  EXPECT_TRUE(json.added[1].special && !json.added[1].normalized);
  EXPECT_TRUE(!json.added[2].special && json.added[2].normalized);
}

TEST(TokenizerJson, RefusesWhatIsNoTokenizer) {
  expect_refusal("", {"not JSON"});
  expect_refusal("{", {"not JSON"});
  expect_refusal("\"\xFF\"", {"not JSON"});
  expect_refusal("[1, 2]", {"expected an object"});
  expect_refusal("{}", {"pre_tokenizer is missing"});
}

TEST(TokenizerJson, NamesAnUnknownPattern) {
  const std::string json = SmallTokenizer{}.json();
  expect_refusal(replaced(json, "{1,3}", "{1,4}"), {"pretokenizers[0].pattern.Regex", "{1,4}", "{1,3}"});
  expect_refusal(replaced(json, "\"Isolated\"", "\"Removed\""), {"pretokenizers[0].behavior", "Removed", "Isolated"});
  expect_refusal(replaced(json, "\"invert\": false", "\"invert\": true"), {"invert", "true", "false"});
  expect_refusal(replaced(json, "\"Regex\"", "\"String\""), {"pattern.Regex is missing"});
  expect_refusal(replaced(json, "\"use_regex\": false", "\"use_regex\": true"),
                 {"pretokenizers[3]", "use_regex false"});
  expect_refusal(replaced(json, "\"add_prefix_space\": false,", ""), {"add_prefix_space false"});
  expect_refusal(SmallTokenizer{.pre_tokenizer = R"({"type": "Sequence", "pretokenizers": []})"}.json(), {"4 steps"});
  expect_refusal(SmallTokenizer{.pre_tokenizer = R"({"type": "Whitespace"})"}.json(), {"Whitespace", "Sequence"});
}

TEST(TokenizerJson, RefusesOtherModels) {
  expect_refusal(replaced(SmallTokenizer{}.json(), "\"BPE\"", "\"Unigram\""), {"model.type", "Unigram", "BPE"});
  expect_refusal(SmallTokenizer{.model_extra = "\"dropout\": 0.1,"}.json(), {"model.dropout", "0.1"});
  expect_refusal(SmallTokenizer{.model_extra = "\"ignore_merges\": true,"}.json(), {"ignore_merges"});
  expect_refusal(SmallTokenizer{.model_extra = "\"end_of_word_suffix\": \"</w>\","}.json(), {"</w>"});
  expect_refusal(SmallTokenizer{.normalizer = R"({"type": "NFC"})"}.json(), {"normalizer", "NFC"});
  expect_refusal(SmallTokenizer{.decoder = R"({"type": "WordPiece"})"}.json(),
                 {"decoder.type", "WordPiece", "ByteLevel"});
  EXPECT_EQ(refusal(SmallTokenizer{.normalizer = R"({"type": "Sequence", "normalizers": []})"}.json()), "");
  EXPECT_EQ(refusal(SmallTokenizer{.model_extra = "\"end_of_word_suffix\": \"\", \"dropout\": null,"}.json()), "");
}

TEST(TokenizerJson, RefusesFieldsOfTheWrongKind) {
  const std::string json = SmallTokenizer{.tokens = {"ab"}, .merges = {"a b"}}.json();
  expect_refusal(replaced(json, "\"ab\": 256", "\"ab\": -1"), {"model.vocab.ab", "-1"});
  expect_refusal(replaced(json, "\"ab\": 256", "\"ab\": 2097152"), {"model.vocab.ab", "2097151"});
  expect_refusal(replaced(json, "\"ab\": 256", "\"ab\": \"256\""), {"model.vocab.ab"});
  expect_refusal(replaced(json, "[\"a b\"]", "[\"ab\"]"), {"model.merges[0]", "one space"});
  expect_refusal(replaced(json, "[\"a b\"]", "[\"a  b\"]"), {"model.merges[0]", "one space"});
  expect_refusal(replaced(json, "[\"a b\"]", "[[\"a\"]]"), {"model.merges[0]"});
  expect_refusal(replaced(json, "[\"a b\"]", "[[\"a\", 1]]"), {"model.merges[0]"});
  expect_refusal(replaced(json, "[\"a b\"]", "{}"), {"model.merges", "a list"});
  expect_refusal(SmallTokenizer{.added = R"([{"content": "<x>"}])"}.json(), {"added_tokens[0].id is missing"});
  expect_refusal(SmallTokenizer{.added = R"([{"id": 1.5, "content": "<x>"}])"}.json(), {"added_tokens[0].id"});
  expect_refusal(SmallTokenizer{.added = R"([{"id": 300, "content": ""}])"}.json(), {"added_tokens[0].content"});
  expect_refusal(SmallTokenizer{.added = "[{\"id\": 300, \"content\": \"" + std::string(1025, 'x') + "\"}]"}.json(),
                 {"1 to 1024 bytes"});
  expect_refusal(SmallTokenizer{.added = R"([{"id": 300, "content": "<x>", "special": 1}])"}.json(), {"special"});
  expect_refusal(SmallTokenizer{.added = "7"}.json(), {"added_tokens", "a list"});
}

// Cut anywhere, or one byte changed: read, or refused; nothing else.
TEST(TokenizerJson, EveryCutIsRefused) {
  const std::string json =
      SmallTokenizer{.tokens = {"ab"}, .merges = {"a b"}, .added = R"([{"id": 9, "content": "x"}])"}.json();
  for (std::size_t length = 0; length < json.size(); ++length) expect_refusal(json.substr(0, length), {});
  std::mt19937 generator(31);
  for (int round = 0; round < 3000; ++round) {
    std::string changed = json;
    changed[generator() % changed.size()] = static_cast<char>(generator());
    refusal(changed);
  }
}

}  // namespace
}  // namespace fathom
