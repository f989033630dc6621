#include "fathom/tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <thread>

#include "fathom/base/error.h"
#include "fathom/tokenizer/utf8.h"
#include "tests/tokenizer/tokenizer_support.h"

namespace fathom {
namespace {

using Ids = std::vector<std::int32_t>;

TEST(Tokenizer, DeepSeekV4) {
  const Tokenizer& tokenizer = deepseek_v4();
  EXPECT_EQ(tokenizer.vocab(), 129280);
  EXPECT_EQ(tokenizer.encode("Hello!"), (Ids{19923, 3}));
  EXPECT_EQ(tokenizer.encode("<｜User｜>你好<｜Assistant｜><think>推理</think>答案<｜end▁of▁sentence｜>"),
            (Ids{128803, 30594, 128804, 128821, 36101, 128822, 7624, 1}));
  EXPECT_EQ(tokenizer.encode("<｜DSML｜"), (Ids{30, 128825}));
  EXPECT_EQ(tokenizer.encode(""), Ids{});
  EXPECT_EQ(tokenizer.decode({}), "");
  EXPECT_EQ(tokenizer.piece(19923), "Hello");
  EXPECT_EQ(tokenizer.piece(128821), "<think>");
  EXPECT_EQ(tokenizer.added_token("<think>"), 128821);
  EXPECT_EQ(tokenizer.added_token("</think>"), 128822);
  EXPECT_EQ(tokenizer.added_token("｜DSML｜"), 128825);
  EXPECT_EQ(tokenizer.added_token("<｜begin▁of▁sentence｜>"), 0);
  EXPECT_EQ(tokenizer.added_token("Hello"), std::nullopt);
  EXPECT_TRUE(tokenizer.is_added(0));
  EXPECT_FALSE(tokenizer.is_added(3));
  EXPECT_FALSE(tokenizer.is_added(-1));
  EXPECT_FALSE(tokenizer.is_added(129280));
  EXPECT_THROW(tokenizer.piece(129280), InputError);
  EXPECT_THROW(tokenizer.decode(Ids{3, -1}), InputError);
  for (std::int32_t id = 0; id < tokenizer.vocab(); ++id) ASSERT_FALSE(tokenizer.piece(id).empty()) << id;
}

TEST(Tokenizer, EveryTokenOfDeepSeekV4IsReached) {
  const Tokenizer& tokenizer = deepseek_v4();
  std::int32_t added = 0;
  for (std::int32_t id = 0; id < tokenizer.vocab(); ++id) {
    if (!tokenizer.is_added(id)) continue;
    ++added;
    EXPECT_EQ(tokenizer.encode(tokenizer.piece(id)), Ids{id});
    EXPECT_EQ(tokenizer.added_token(tokenizer.piece(id)), id);
  }
  EXPECT_EQ(added, 1283);
}

TEST(Tokenizer, LoadsAFileAndNamesItInErrors) {
  EXPECT_EQ(sprat().encode("<think>"), (Ids{8}));
  EXPECT_THROW(Tokenizer::load("/no/such/tokenizer.json"), InputError);
  try {
    Tokenizer::parse("{}", "somewhere/tokenizer.json");
    ADD_FAILURE();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("somewhere/tokenizer.json"), std::string::npos) << error.what();
  }
}

TEST(Tokenizer, MovesAndOutlivesItsJson) {
  std::string json = SmallTokenizer{.tokens = {"ab", "abab"}, .merges = {"a b", "ab ab"}}.json();
  Tokenizer tokenizer = Tokenizer::parse(json, "here.json");
  json.assign(json.size(), 'x');
  Tokenizer moved = std::move(tokenizer);
  EXPECT_EQ(moved.encode("ababa"), (Ids{257, 'a'}));
  tokenizer = std::move(moved);
  EXPECT_EQ(tokenizer.encode("ab ab"), (Ids{256, ' ', 256}));
}

TEST(Tokenizer, GivesAnyBytesBack) {
  std::mt19937 generator(41);
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    for (int part = 0; part < 4; ++part) {
      text +=
          generator() % 2 == 0 ? random_bytes(generator, generator() % 12) : random_text(generator, generator() % 12);
      if (generator() % 8 == 0) text += "<think>";
    }
    for (const Tokenizer* tokenizer : {&deepseek_v4(), &sprat()})
      ASSERT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
  }
}

// The same ids, whatever was encoded before and by whom at the same time.
TEST(Tokenizer, ThreadsShareIt) {
  std::mt19937 generator(43);
  std::vector<std::string> texts;
  std::vector<Ids> expected;
  for (int count = 0; count < 200; ++count) {
    texts.push_back(random_text(generator, generator() % 200));
    expected.push_back(Tokenizer::load(FATHOM_SOURCE "/models/sprat/tokenizer.json").encode(texts.back()));
  }
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (std::size_t count = 0; count < 4 * texts.size(); ++count) {
        const std::size_t place = (count * 7 + thread * 13) % texts.size();
        ASSERT_EQ(sprat().encode(texts[place]), expected[place]);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

// Two million bytes without a place to split; what would be quadratic does not end.
TEST(Tokenizer, VeryLongPieces) {
  constexpr std::size_t kLength = 2'000'000;
  for (const char letter : {'a', ' ', '1', '\n', '\xFF'}) {
    const std::string text(kLength, letter);
    const Ids ids = deepseek_v4().encode(text);
    EXPECT_EQ(deepseek_v4().decode(ids), text) << letter;
  }
  std::mt19937 generator(47);
  std::string word;
  while (word.size() < 500'000) word += static_cast<char>('a' + generator() % 26);
  EXPECT_EQ(deepseek_v4().decode(deepseek_v4().encode(word)), word);
}

TEST(StreamDecoder, NeverCutsACharacter) {
  const Tokenizer& tokenizer = deepseek_v4();
  // Byte by byte: every byte is a token of its own.
  std::vector<std::int32_t> byte_ids;
  for (int byte = 0; byte < 256; ++byte) {
    const Ids ids = tokenizer.encode(std::string(1, static_cast<char>(byte)));
    ASSERT_EQ(ids.size(), 1U);
    byte_ids.push_back(ids[0]);
  }
  const std::string text = "a é 中 😀 ｜ \u0301";
  StreamDecoder decoder(tokenizer);
  std::string streamed;
  for (const char byte : text) {
    const std::string part = decoder.push(byte_ids[static_cast<unsigned char>(byte)]);
    EXPECT_EQ(utf8_lossy(part), part);
    EXPECT_EQ(part.find("\xEF\xBF\xBD"), part.npos);
    streamed += part;
  }
  EXPECT_EQ(streamed, text);
  EXPECT_EQ(decoder.finish(), "");
}

TEST(StreamDecoder, EqualsTheLossyWholeForAnyIds) {
  std::mt19937 generator(53);
  for (const Tokenizer* tokenizer : {&deepseek_v4(), &sprat()}) {
    for (int round = 0; round < 3000; ++round) {
      Ids ids;
      const std::uint32_t limit = generator() % 3 == 0 ? 1500 : 260;  // mostly single bytes
      for (std::size_t count = generator() % 10; count > 0; --count)
        ids.push_back(static_cast<std::int32_t>(generator() % limit));
      StreamDecoder decoder(*tokenizer);
      std::string streamed;
      for (const std::int32_t id : ids) streamed += decoder.push(id);
      streamed += decoder.finish();
      EXPECT_EQ(streamed, utf8_lossy(tokenizer->decode(ids)));
      EXPECT_EQ(decoder.finish(), "");
    }
  }
}

TEST(StreamDecoder, GoesOnAfterABadIdAndAfterFinish) {
  StreamDecoder decoder(deepseek_v4());
  EXPECT_THROW(decoder.push(-1), InputError);
  EXPECT_EQ(decoder.push(19923), "Hello");
  EXPECT_EQ(decoder.finish(), "");
  EXPECT_EQ(decoder.push(3), "!");
}

}  // namespace
}  // namespace fathom
