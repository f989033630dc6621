#include "fathom/chat/stop_strings.h"

#include <gtest/gtest.h>

#include <random>

namespace fathom {
namespace {

struct Cut {
  std::string text;
  std::string match;
  bool operator==(const Cut&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Cut& cut) {
  return out << '"' << cut.text << "\" by \"" << cut.match << '"';
}

// Feeds `text` in chunks of the given sizes, the last one again and again.
Cut cut(const std::vector<std::string>& stops, const std::string& text, const std::vector<std::size_t>& sizes) {
  StopStrings strings(stops);
  Cut result;
  std::size_t next = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t size = sizes[std::min(next++, sizes.size() - 1)];
    result.text += strings.feed(std::string_view(text).substr(start, size));
    start += size;
  }
  if (!strings.matched()) result.text += strings.finish();
  result.match = strings.match();
  return result;
}

TEST(StopStrings, TextEndsBeforeTheFirstOne) {
  EXPECT_EQ(cut({"END"}, "one END two END", {100}), (Cut{"one ", "END"}));
  EXPECT_EQ(cut({"END", "two"}, "one two END", {100}), (Cut{"one ", "two"}));
  EXPECT_EQ(cut({"END"}, "END", {100}), (Cut{"", "END"}));
  EXPECT_EQ(cut({"END"}, "the END", {1}), (Cut{"the ", "END"}));
}

TEST(StopStrings, WithoutAMatchAllTextComes) {
  for (const std::size_t size : {1U, 2U, 3U, 100U}) {
    EXPECT_EQ(cut({"END", "STOP"}, "EN ST STO E", {size}), (Cut{"EN ST STO E", ""}));
    EXPECT_EQ(cut({}, "anything", {size}), (Cut{"anything", ""}));
    EXPECT_EQ(cut({"x"}, "", {size}), (Cut{"", ""}));
  }
}

TEST(StopStrings, EmptyStringsStopNothing) {
  EXPECT_EQ(cut({"", "b", ""}, "abc", {1}), (Cut{"a", "b"}));
  EXPECT_EQ(cut({""}, "abc", {1}), (Cut{"abc", ""}));
}

TEST(StopStrings, OnlyWhatMayBeTheBeginningIsHeldBack) {
  StopStrings strings({"</s>", "\n\n"});
  EXPECT_EQ(strings.feed("a < b"), "a < b");
  EXPECT_EQ(strings.feed(" <"), " ");
  EXPECT_EQ(strings.feed("/"), "");
  EXPECT_EQ(strings.feed("s"), "");
  EXPECT_EQ(strings.feed("t"), "</st");
  EXPECT_EQ(strings.feed("line\n"), "line");
  EXPECT_EQ(strings.feed("x"), "\nx");
  EXPECT_EQ(strings.feed("</s"), "");
  EXPECT_EQ(strings.finish(), "</s");
  EXPECT_EQ(strings.finish(), "");
  EXPECT_FALSE(strings.matched());
}

TEST(StopStrings, AfterTheMatchNothingComes) {
  StopStrings strings({"."});
  EXPECT_EQ(strings.feed("a.b"), "a");
  EXPECT_TRUE(strings.matched());
  EXPECT_EQ(strings.match(), ".");
  EXPECT_EQ(strings.feed("more. text"), "");
  EXPECT_EQ(strings.finish(), "");
}

TEST(StopStrings, AStringThatBeginsWithinItselfIsFound) {
  EXPECT_EQ(cut({"aab"}, "aaab", {1}), (Cut{"a", "aab"}));
  EXPECT_EQ(cut({"abab"}, "abacabab", {1}), (Cut{"abac", "abab"}));
  EXPECT_EQ(cut({"\n\n"}, "a\nb\n\nc", {1}), (Cut{"a\nb", "\n\n"}));
}

TEST(StopStrings, BytesOfOneCharacterMayComeApart) {
  EXPECT_EQ(cut({"。"}, "你好。再见", {1}), (Cut{"你好", "。"}));
  EXPECT_EQ(cut({"🙂"}, "ok 🙃 🙂", {2}), (Cut{"ok 🙃 ", "🙂"}));
}

// Tokens cut text anywhere; where they do must not show.
TEST(StopStrings, TheCutDoesNotDependOnTheChunks) {
  std::mt19937_64 random(12);
  const auto word = [&](std::size_t most) {
    std::string text;
    for (std::size_t length = random() % (most + 1); length > 0; --length)
      text += static_cast<char>('a' + random() % 3);
    return text;
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> stops;
    for (std::size_t count = random() % 4; count > 0; --count) stops.push_back(word(5));
    const std::string text = word(30);
    std::vector<std::size_t> sizes;
    for (int chunk = 0; chunk < 40; ++chunk) sizes.push_back(1 + random() % 6);
    std::string listed;
    for (const std::string& stop : stops) listed += stop + " ";
    const Cut bytewise = cut(stops, text, {1});
    ASSERT_EQ(cut(stops, text, {100}), bytewise) << "whole, stops " << listed << ", text " << text;
    ASSERT_EQ(cut(stops, text, sizes), bytewise) << "in chunks, stops " << listed << ", text " << text;
  }
}

}  // namespace
}  // namespace fathom
