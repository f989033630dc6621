#include "fathom/grammar/pattern.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>

#include "tests/grammar/automaton_support.h"

namespace fathom::grammar {
namespace {

bool matches(std::string_view pattern, std::string_view text, TextForm form = TextForm::bare) {
  Automaton automaton;
  const State start = automaton.add();
  automaton.mark_final(add_pattern(automaton, start, pattern, form, "test"));
  automaton.finish(start, "test");
  return automaton_takes(automaton, start, text);
}

// The standard library's ECMAScript engine on random short texts over the patterns' own letters.
TEST(Pattern, AgreesWithTheStandardLibrary) {
  std::mt19937 random(5);
  const std::string_view letters = "ab1-_. \n";
  for (const std::string pattern : {"^a*b$", "^(a|b)+$", "a{2,3}", "^[^a-b]?1", "^\\w+\\s\\d$", "^a|b$", "(ab)*1$",
                                    "^a+?b*?$", "^(a*)*b$", "^[\\d\\-_]+$", "\\.", "^.{3}$", "^((a|ab)(1|b1))$", "",
                                    "^$", "^(?:a{0}b|[1])$", "^\\D\\W\\S$", "^[-a]b*$", "^a{2,}$"}) {
    const std::regex standard(pattern);
    Automaton automaton;
    const State start = automaton.add();
    automaton.mark_final(add_pattern(automaton, start, pattern, TextForm::bare, "test"));
    automaton.finish(start, "test");
    for (int round = 0; round < 400; ++round) {
      std::string text;
      for (std::uint32_t left = random() % 7; left > 0; --left) text += letters[random() % letters.size()];
      ASSERT_EQ(automaton_takes(automaton, start, text), std::regex_search(text, standard))
          << pattern << " on " << text;
    }
  }
}

TEST(Pattern, CharactersAreCodePoints) {
  EXPECT_TRUE(matches("^.$", "😀"));
  EXPECT_TRUE(matches("^[а-я]{3}$", "мир"));
  EXPECT_FALSE(matches("^[а-я]{3}$", "МИР"));
  EXPECT_TRUE(matches("^\\u00e9\\x41\\u{1F600}\\ud83d\\ude00$", "éA😀😀"));
  EXPECT_TRUE(matches("^[^\"]\\\\$", "\\n\\\\", TextForm::json));
}

TEST(Pattern, Formats) {
  const std::vector<std::tuple<std::string_view, std::vector<std::string_view>, std::vector<std::string_view>>> cases =
      {{"email", {"a@b.co", "first.last+tag@mail.example.org"}, {"a@b", "@b.co", "a@b..co", "a b@c.de"}},
       {"hostname", {"localhost", "a-b.example.com"}, {"-a", "a-", "a..b", ""}},
       {"ipv4", {"0.0.0.0", "255.249.19.7"}, {"256.0.0.1", "1.2.3", "01.2.3.4"}},
       {"ipv6",
        {"::", "::1", "fe80::1:2", "1:2:3:4:5:6:7:8", "1::8", "1:2:3:4:5:6:7::"},
        {":", "1:2", "1::2::3", "1:2:3:4:5:6:7:8:9", "g::"}},
       {"uuid", {"123e4567-e89b-12d3-a456-426614174000"}, {"123e4567e89b12d3a456426614174000"}},
       {"date", {"2024-02-29", "2000-02-29", "1999-12-31"}, {"2023-02-29", "1900-02-29", "2024-04-31", "2024-00-01"}},
       {"time", {"23:59:59Z", "00:00:00.123+02:00"}, {"24:00:00Z", "12:60:00Z", "12:00:00"}},
       {"date-time", {"2024-01-02T03:04:05Z"}, {"2024-01-02 03:04:05Z", "2024-01-02"}}};
  for (const auto& [format, good, bad] : cases) {
    for (const std::string_view text : good)
      EXPECT_TRUE(matches(format_pattern(format), text)) << format << " " << text;
    for (const std::string_view text : bad)
      EXPECT_FALSE(matches(format_pattern(format), text)) << format << " " << text;
  }
  EXPECT_EQ(format_pattern("uri"), "");
}

}  // namespace
}  // namespace fathom::grammar
