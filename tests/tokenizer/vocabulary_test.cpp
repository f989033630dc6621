#include "fathom/tokenizer/vocabulary.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "tests/tokenizer/tokenizer_support.h"

namespace fathom {
namespace {

Vocabulary built(const std::string& json) { return Vocabulary(read_tokenizer_json(json, "here.json"), "here.json"); }

void expect_refusal(const std::string& json, const std::vector<std::string>& parts) {
  try {
    built(json);
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.rfind("[tokenizer] here.json: ", 0), 0U) << message;
    for (const std::string& part : parts) EXPECT_NE(message.find(part), message.npos) << message << "\nlacks " << part;
    return;
  }
  ADD_FAILURE() << "read without complaint";
}

TEST(Vocabulary, PiecesAreBytes) {
  const Vocabulary vocabulary =
      built(SmallTokenizer{.tokens = {"Ġt", "<｜x｜>"},
                           .merges = {"Ġ t"},
                           .added = R"([{"id": 257, "content": "<｜x｜>"}, {"id": 300, "content": "éé"}])"}
                .json());
  EXPECT_EQ(vocabulary.size(), 301);
  EXPECT_EQ(vocabulary.piece(0), std::string(1, '\0'));
  EXPECT_EQ(vocabulary.piece(' '), " ");
  EXPECT_EQ(vocabulary.piece(0xFF), "\xFF");
  EXPECT_EQ(vocabulary.piece(256), " t");
  EXPECT_EQ(vocabulary.piece(257), "<｜x｜>");
  EXPECT_EQ(vocabulary.piece(300), "éé");  // an added token is its content, not a spelling of bytes
  EXPECT_TRUE(vocabulary.is_added(257) && vocabulary.is_added(300));
  EXPECT_FALSE(vocabulary.is_added(256) || vocabulary.is_added(299) || vocabulary.is_added(-1) ||
               vocabulary.is_added(301));
  EXPECT_EQ(vocabulary.added("éé"), 300);
  EXPECT_EQ(vocabulary.added("Ġt"), std::nullopt);
  ASSERT_EQ(vocabulary.merges().size(), 1U);
  EXPECT_EQ(vocabulary.merges()[0].product, 256);
  for (const std::int32_t id : {-1, 258, 299, 301, 2147483647}) EXPECT_THROW(vocabulary.piece(id), InputError) << id;
}

TEST(Vocabulary, FindsMergesInAnyOrderOfTheVocabulary) {
  const Vocabulary vocabulary =
      built(SmallTokenizer{.tokens = {"abcd", "ab", "xx", "cd"}, .merges = {"a b", "c d", "ab cd"}}.json());
  ASSERT_EQ(vocabulary.merges().size(), 3U);
  EXPECT_EQ(vocabulary.merges()[0].product, 257);
  EXPECT_EQ(vocabulary.merges()[1].product, 259);
  EXPECT_EQ(vocabulary.merges()[2].left, 257);
  EXPECT_EQ(vocabulary.merges()[2].right, 259);
  EXPECT_EQ(vocabulary.merges()[2].product, 256);
}

TEST(Vocabulary, RefusesWhatDoesNotFit) {
  expect_refusal(SmallTokenizer{.tokens = {"ab"}, .merges = {"a b", "a c"}}.json(), {"model.merges[1]", "\"ac\""});
  expect_refusal(SmallTokenizer{.tokens = {"ab"}, .merges = {"a bb"}}.json(), {"model.merges[0]", "\"bb\""});
  expect_refusal(SmallTokenizer{.tokens = {"ab", "ab"}}.json(), {"\"ab\" twice"});
  expect_refusal(SmallTokenizer{.tokens = {"ab"}, .added = R"([{"id": 300, "content": "ab"}])"}.json(),
                 {"\"ab\" with id 300", "id 256"});
  expect_refusal(SmallTokenizer{.tokens = {"ab"}, .added = R"([{"id": 256, "content": "<x>"}])"}.json(),
                 {"\"<x>\" with id 256", "\"ab\""});
  expect_refusal(SmallTokenizer{.added = R"([{"id": 300, "content": "<x>"}, {"id": 300, "content": "<y>"}])"}.json(),
                 {"\"<y>\" with id 300", "\"<x>\""});
  expect_refusal(SmallTokenizer{.added = R"([{"id": 300, "content": "<x>"}, {"id": 301, "content": "<x>"}])"}.json(),
                 {"\"<x>\" twice"});
  // "é" spells the byte E9 in the vocabulary, but as an added token it is two other bytes.
  expect_refusal(SmallTokenizer{.added = R"([{"id": 233, "content": "é"}])"}.json(), {"\"é\"", "spells other bytes"});
  std::string json = SmallTokenizer{}.json();
  const std::size_t place = json.find("\"a\": ");
  json.replace(place, 5, "\"aaa\": ");
  expect_refusal(json, {"\"a\"", "byte 97"});
  json = SmallTokenizer{.tokens = {"ab"}}.json();
  json.replace(json.find("\"ab\": 256"), 9, "\"ab\": 255");
  expect_refusal(json, {"id 255", "\"ab\""});
}

}  // namespace
}  // namespace fathom
