#include "fathom/grammar/json_rules.h"

namespace fathom::grammar {
namespace {

constexpr int kMostBlanks = 80;
constexpr int kMostDigits = 64;
constexpr int kMostExponentDigits = 3;
constexpr char32_t kMarkerBar = 0xFF5C;

State add_space(Automaton& automaton) {
  const State start = automaton.add_final();
  const State done = automaton.add_final();
  const State line = automaton.add_final();
  automaton.edge(start, ' ', ' ', done);
  const auto line_break = [&](State from, State to) {
    automaton.edge(from, '\n', '\n', to);
    const State carriage = automaton.literal(from, "\r");
    automaton.edge(carriage, '\n', '\n', to);
  };
  line_break(start, line);
  State blank = automaton.add_final();
  automaton.jump(line, blank);
  line_break(line, blank);
  for (int count = 0; count < kMostBlanks; ++count) {
    const State next = automaton.add_final();
    automaton.edge(blank, ' ', ' ', next);
    automaton.edge(blank, '\t', '\t', next);
    blank = next;
  }
  return start;
}

// Text whose characters are those of `ranges`; ｜ may stand in it, but not before the D or e of a marker.
void add_text_loop(Automaton& automaton, State start, TextForm form) {
  const State bar = automaton.add();
  add_characters(automaton, start, complement({{kMarkerBar, kMarkerBar}}), form, start);
  const State second = automaton.literal(start, "\xEF\xBD");
  automaton.edge(second, 0x9C, 0x9C, bar);
  add_characters(automaton, bar, complement({{kMarkerBar, kMarkerBar}, {'D', 'D'}, {'e', 'e'}}), form, start);
  const State again = automaton.literal(bar, "\xEF\xBD");
  automaton.edge(again, 0x9C, 0x9C, bar);
  if (form == TextForm::bare) {
    automaton.mark_final(start);
    automaton.mark_final(bar);
    return;
  }
  const State end = automaton.add_final();
  const State escape = automaton.add();  // what add_characters does not write: the other spellings
  for (const State from : {start, bar}) {
    automaton.edge(from, '"', '"', end);
    automaton.edge(from, '\\', '\\', escape);
  }
  for (const char letter : std::string_view("\"\\/bfnrt")) automaton.edge(escape, letter, letter, start);
  // \uXXXX; a high half only before its low one.
  const auto hex = [&](State from, State to) {
    automaton.edge(from, '0', '9', to);
    automaton.edge(from, 'a', 'f', to);
    automaton.edge(from, 'A', 'F', to);
  };
  State last[4];
  last[0] = start;
  for (int left = 1; left < 4; ++left) hex(last[left] = automaton.add(), last[left - 1]);
  const State first = automaton.add();
  automaton.edge(escape, 'u', 'u', first);
  automaton.edge(first, '0', '9', last[3]);
  for (const char base : {'a', 'A'}) {
    automaton.edge(first, base, base + 2, last[3]);
    automaton.edge(first, base + 4, base + 5, last[3]);
  }
  const State after_d = automaton.add();  // \ud...
  automaton.edge(first, 'd', 'd', after_d);
  automaton.edge(first, 'D', 'D', after_d);
  automaton.edge(after_d, '0', '7', last[2]);
  const State high = automaton.add(), high_end = automaton.add(), pair = automaton.add();
  for (const auto& [low, up] : {std::pair{'8', '9'}, std::pair{'a', 'b'}, std::pair{'A', 'B'}})
    automaton.edge(after_d, low, up, high);
  hex(high, high_end);
  hex(high_end, pair);
  const State low_u = automaton.literal(pair, "\\u");
  const State low_d = automaton.add(), low = automaton.add();
  automaton.edge(low_u, 'd', 'd', low_d);
  automaton.edge(low_u, 'D', 'D', low_d);
  for (const char base : {'c', 'C'}) automaton.edge(low_d, base, base + 3, low);
  hex(low, last[1]);
}

// Up to `most` digits; the rule may be over behind each.
void add_digits(Automaton& automaton, State from, int most) {
  for (int count = 0; count < most; ++count) {
    const State next = automaton.add_final();
    automaton.edge(from, '0', '9', next);
    from = next;
  }
}

State add_integer(Automaton& automaton) {
  const State start = automaton.add(), unsigned_start = automaton.add(), zero = automaton.add_final();
  automaton.edge(start, '-', '-', unsigned_start);
  automaton.jump(start, unsigned_start);
  automaton.edge(unsigned_start, '0', '0', zero);
  const State digits = automaton.add_final();
  automaton.edge(unsigned_start, '1', '9', digits);
  add_digits(automaton, digits, kMostDigits - 1);
  return start;
}

State add_number(Automaton& automaton, State integer) {
  const State start = automaton.add(), whole = automaton.add_final(), scaled = automaton.add_final();
  automaton.call(start, integer, whole);
  const State fraction = automaton.add(), fraction_start = automaton.add();
  add_digits(automaton, fraction_start, kMostDigits);
  automaton.edge(whole, '.', '.', fraction);
  automaton.call(fraction, fraction_start, scaled);
  const State exponent = automaton.add(), exponent_digits = automaton.add();
  for (const State from : {whole, scaled})
    for (const char letter : {'e', 'E'}) automaton.edge(from, letter, letter, exponent);
  automaton.jump(exponent, exponent_digits);
  for (const char sign : {'+', '-'}) automaton.edge(exponent, sign, sign, exponent_digits);
  add_digits(automaton, exponent_digits, kMostExponentDigits);
  return start;
}

// open space [item (space , space item)*] space close
void add_list(Automaton& automaton, const JsonRules& rules, State start, std::pair<char, char> brackets, State item) {
  const State first = automaton.add(), before = automaton.add(), next = automaton.add(), after = automaton.add();
  const State comma = automaton.add(), close = automaton.add_final();
  automaton.edge(start, brackets.first, brackets.first, first);
  automaton.call(first, rules.space, before);
  automaton.edge(before, brackets.second, brackets.second, close);
  automaton.call(before, item, after);
  const State behind = automaton.add();
  automaton.call(after, rules.space, behind);
  automaton.edge(behind, ',', ',', comma);
  automaton.edge(behind, brackets.second, brackets.second, close);
  automaton.call(comma, rules.space, next);
  automaton.call(next, item, after);
}

}  // namespace

JsonRules add_json_rules(Automaton& automaton) {
  JsonRules rules;
  rules.space = add_space(automaton);
  rules.string_rest = automaton.add();
  add_text_loop(automaton, rules.string_rest, TextForm::json);
  rules.string = automaton.add();
  automaton.edge(rules.string, '"', '"', rules.string_rest);
  const CharacterRanges any = {{0, kLastCharacter}};
  rules.string_character = automaton.add();
  add_characters(automaton, rules.string_character, any, TextForm::json, automaton.add_final());
  rules.integer = add_integer(automaton);
  rules.number = add_number(automaton, rules.integer);
  rules.value = automaton.add();
  rules.object = automaton.add();
  rules.array = automaton.add();
  const State done = automaton.add_final();
  for (const State rule : {rules.string, rules.number, rules.object, rules.array})
    automaton.call(rules.value, rule, done);
  for (const std::string_view word : {"true", "false", "null"})
    automaton.jump(automaton.literal(rules.value, word), done);
  const State member = automaton.add(), key = automaton.add(), colon = automaton.add(), value = automaton.add();
  automaton.call(member, rules.string, key);
  automaton.call(key, rules.space, colon);
  const State before = automaton.add();
  automaton.edge(colon, ':', ':', before);
  automaton.call(before, rules.space, value);
  automaton.call(value, rules.value, done);
  add_list(automaton, rules, rules.object, {'{', '}'}, member);
  add_list(automaton, rules, rules.array, {'[', ']'}, rules.value);
  rules.bare_text = automaton.add();
  add_text_loop(automaton, rules.bare_text, TextForm::bare);
  rules.bare_character = automaton.add();
  add_characters(automaton, rules.bare_character, any, TextForm::bare, automaton.add_final());
  rules.end = automaton.size();
  return rules;
}

}  // namespace fathom::grammar
