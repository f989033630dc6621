#include "fathom/grammar/pattern_reader.h"

#include <algorithm>
#include <optional>

#include "fathom/base/error.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom::grammar {
namespace {

constexpr int kMostNesting = 64;
constexpr int kMostRepeats = 5000;

const CharacterRanges kDigits = {{'0', '9'}};
const CharacterRanges kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CharacterRanges kSpace = {{'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680},
                                {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                                {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};

class Reader {
 public:
  Reader(std::string_view pattern, std::string_view place) : pattern_(pattern), place_(place) {}

  PatternNode read() {
    PatternNode root = alternatives(0);
    if (at_ < pattern_.size()) fail("')'", "no more");
    return root;
  }

 private:
  [[noreturn]] void fail(std::string_view found, std::string_view expected) const {
    throw InputError("[grammar] {}: pattern \"{}\", byte {}: has {}, expected {}", place_, pattern_, at_ + 1, found,
                     expected);
  }
  bool next_is(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!next_is(text)) return false;
    at_ += text.size();
    return true;
  }
  char32_t character() {
    if (at_ >= pattern_.size()) fail("its end", "a character");
    const Utf8Step step = utf8_step(pattern_, at_);
    if (!step.valid) fail("a broken character", "UTF-8");
    at_ += static_cast<std::size_t>(step.length);
    return step.code_point;
  }

  PatternNode alternatives(int depth) {
    if (depth > kMostNesting) fail("groups nested deeper than 64", "fewer");
    PatternNode node{.kind = PatternNode::Kind::alternatives};
    do node.children.push_back(sequence(depth));
    while (take("|"));
    return node;
  }

  PatternNode sequence(int depth) {
    PatternNode node{.kind = PatternNode::Kind::sequence};
    while (at_ < pattern_.size() && !next_is("|") && !next_is(")")) node.children.push_back(quantified(depth));
    return node;
  }

  PatternNode quantified(int depth) {
    PatternNode item = atom(depth);
    PatternNode repeat{.kind = PatternNode::Kind::repeat};
    if (take("*")) {
    } else if (take("+")) {
      repeat.least = 1;
    } else if (take("?")) {
      repeat.most = 1;
    } else if (next_is("{")) {
      counts(repeat);
    } else {
      return item;
    }
    if (item.kind == PatternNode::Kind::begin || item.kind == PatternNode::Kind::end) fail("a repeated anchor", "text");
    take("?");  // greedy or not, the language is the same
    if (next_is("*") || next_is("+") || next_is("{")) fail("two quantifiers", "one");
    repeat.children.push_back(std::move(item));
    return repeat;
  }

  void counts(PatternNode& repeat) {
    take("{");
    repeat.least = count();
    repeat.most = repeat.least;
    if (take(",")) repeat.most = next_is("}") ? PatternNode::kForever : count();
    if (!take("}")) fail("no '}'", "{n}, {n,} or {n,m}");
    if (repeat.most != PatternNode::kForever && repeat.most < repeat.least)
      fail("a range that runs backwards", "{n,m}");
  }

  int count() {
    int value = 0;
    const std::size_t start = at_;
    while (at_ < pattern_.size() && pattern_[at_] >= '0' && pattern_[at_] <= '9') {
      value = value * 10 + (pattern_[at_++] - '0');
      if (value > kMostRepeats) fail("a count above 5000", "a smaller one");
    }
    if (at_ == start) fail("no count", "a number");
    return value;
  }

  PatternNode atom(int depth) {
    if (take("^")) return {.kind = PatternNode::Kind::begin};
    if (take("$")) return {.kind = PatternNode::Kind::end};
    if (take("(")) {
      if (next_is("?") && !take("?:")) {
        if (!take("?<") || next_is("=") || next_is("!")) fail("a look-around or a flag", "a plain group");
        while (!take(">")) character();
      }
      PatternNode group = alternatives(depth + 1);
      if (!take(")")) fail("no ')'", "the group's end");
      return group;
    }
    if (take("[")) return of(character_class());
    if (take(".")) return of(complement({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}));
    if (take("\\")) return of(escape(false));
    for (const std::string_view quantifier : {"*", "+", "?", "{"})
      if (next_is(quantifier)) fail("a quantifier of nothing", "something before it");
    const char32_t one = character();
    return of({{one, one}});
  }

  static PatternNode of(CharacterRanges ranges) {
    return {.kind = PatternNode::Kind::characters, .ranges = std::move(ranges)};
  }

  CharacterRanges character_class() {
    const bool negated = take("^");
    CharacterRanges ranges;
    while (!take("]")) {
      const CharacterRanges item = class_item();
      const bool single = item.size() == 1 && item[0].first == item[0].last;
      if (single && next_is("-") && !next_is("-]")) {
        take("-");
        const CharacterRanges last = class_item();
        if (last.size() != 1 || last[0].first != last[0].last || last[0].first < item[0].first)
          fail("a range that runs backwards", "first-last");
        ranges.push_back({item[0].first, last[0].first});
      } else {
        ranges.insert(ranges.end(), item.begin(), item.end());
      }
    }
    return negated ? complement(ranges) : ranges;
  }

  CharacterRanges class_item() {
    if (take("\\")) return escape(true);
    const char32_t one = character();
    return {{one, one}};
  }

  CharacterRanges escape(bool in_class) {
    const char32_t letter = character();
    switch (letter) {
      case 'd': return kDigits;
      case 'D': return complement(kDigits);
      case 'w': return kWord;
      case 'W': return complement(kWord);
      case 's': return kSpace;
      case 'S': return complement(kSpace);
      case 'n': return {{'\n', '\n'}};
      case 'r': return {{'\r', '\r'}};
      case 't': return {{'\t', '\t'}};
      case 'f': return {{'\f', '\f'}};
      case 'v': return {{'\v', '\v'}};
      case '0': return {{0, 0}};
      case 'x': return hexadecimal(2);
      case 'u': return next_is("{") ? braced() : surrogates();
      case 'b':
        if (in_class) return {{'\b', '\b'}};
        break;
      default: break;
    }
    const bool alphanumeric =
        (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
    if (alphanumeric) fail(fmt::format("\\{}", static_cast<char>(letter)), "an escape of the subset (docs)");
    return {{letter, letter}};
  }

  char32_t hexadecimal_value(int digits) {
    char32_t value = 0;
    for (int digit = 0; digit < digits; ++digit) {
      const char32_t letter = character();
      if (letter >= '0' && letter <= '9')
        value = value * 16 + (letter - '0');
      else if (letter >= 'a' && letter <= 'f')
        value = value * 16 + (letter - 'a' + 10);
      else if (letter >= 'A' && letter <= 'F')
        value = value * 16 + (letter - 'A' + 10);
      else
        fail("no hexadecimal digit", "one");
    }
    return value;
  }
  CharacterRanges hexadecimal(int digits) {
    const char32_t value = hexadecimal_value(digits);
    return {{value, value}};
  }
  CharacterRanges surrogates() {
    char32_t value = hexadecimal_value(4);
    if (value >= 0xD800 && value < 0xDC00 && take("\\u"))
      value = 0x10000 + ((value - 0xD800) << 10) + ((hexadecimal_value(4) - 0xDC00) & 0x3FF);
    return {{value, value}};
  }
  CharacterRanges braced() {
    take("{");
    char32_t value = 0;
    while (!take("}")) {
      value = value * 16 + hexadecimal_value(1);
      if (value > kLastCharacter) fail("a character above U+10FFFF", "a lower one");
    }
    return {{value, value}};
  }

  std::string_view pattern_;
  std::string_view place_;
  std::size_t at_ = 0;
};

}  // namespace

PatternNode read_pattern(std::string_view pattern, std::string_view place) { return Reader(pattern, place).read(); }

}  // namespace fathom::grammar
