#include "fathom/grammar/characters.h"

#include <gtest/gtest.h>

#include "fathom/chat/json_text.h"
#include "fathom/tokenizer/utf8.h"
#include "tests/grammar/automaton_support.h"

namespace fathom::grammar {
namespace {

class One {
 public:
  One(const CharacterRanges& ranges, TextForm form) {
    start_ = automaton_.add();
    add_characters(automaton_, start_, ranges, form, automaton_.add_final());
    automaton_.finish(start_, "test");
  }
  bool takes(std::string_view text) const { return automaton_takes(automaton_, start_, text); }

 private:
  Automaton automaton_;
  State start_ = 0;
};

TEST(Characters, RangesTakeWhatLiesInThemAndNothingElse) {
  const CharacterRange ranges[] = {{'a', 'z'},       {0x7F, 0x80},      {0x3B1, 0x12345},     {0x7FF, 0x801},
                                   {0xD000, 0xE100}, {0xFFFF, 0x10000}, {0x10FFFF, 0x10FFFF}, {0, kLastCharacter}};
  for (const CharacterRange& range : ranges) {
    const One one({range}, TextForm::bare);
    for (char32_t character = 0; character <= kLastCharacter; character += character < 0x11000 ? 1 : 977) {
      const bool surrogate = character >= 0xD800 && character < 0xE000;
      if (surrogate) continue;
      const bool inside = character >= range.first && character <= range.last && character != 0xFF5C;
      ASSERT_EQ(one.takes(utf8_encode(character)), inside) << static_cast<std::uint32_t>(character);
    }
    for (const std::string_view broken :
         {"\x80", "\xC0\x80", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF4\x90\x80\x80", "\xE0\x80\x80", "\xFF"})
      EXPECT_FALSE(one.takes(broken));
  }
}

TEST(Characters, JsonEscapesWhatMustBeEscaped) {
  const One one({{0, 0x7E}}, TextForm::json);
  for (char32_t character = 0; character <= 0x7E; ++character) {
    std::string escaped;
    append_json_characters(escaped, utf8_encode(character));
    EXPECT_TRUE(one.takes(escaped)) << escaped;
    EXPECT_EQ(one.takes(utf8_encode(character)), escaped.size() == 1) << escaped;
  }
  EXPECT_FALSE(One({{'a', 'z'}}, TextForm::json).takes("\\n"));
}

TEST(Characters, ComplementsAreWhatIsLeft) {
  const CharacterRanges some = {{'b', 'd'}, {'c', 'f'}, {'a', 'a'}, {0x10000, kLastCharacter}};
  const CharacterRanges merged = normalized(some), rest = complement(some);
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(merged[0].last, U'f');
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].last, U'`');
  EXPECT_EQ(rest[1].first, U'g');
  EXPECT_EQ(rest[1].last, char32_t{0xFFFF});
  EXPECT_TRUE(complement({{0, kLastCharacter}}).empty());
}

}  // namespace
}  // namespace fathom::grammar
