// Sets of configurations: what closure.h and configurations.h make of calls.
#include "fathom/grammar/closure.h"

#include <gtest/gtest.h>

namespace fathom::grammar {
namespace {

SetId walk(Configurations& sets, SetId at, std::string_view text) {
  for (const char byte : text)
    if (at != kDead) at = sets.step(at, static_cast<unsigned char>(byte));
  return at;
}

// value = '(' value ')' | '(' value ']' | 'x': two ways that part only at the end.
State add_brackets(Automaton& automaton) {
  const State value = automaton.add(), done = automaton.add_final();
  for (const char close : {')', ']'}) {
    const State behind = automaton.add();
    automaton.call(automaton.literal(value, "("), value, behind);
    automaton.edge(behind, close, close, done);
  }
  automaton.edge(value, 'x', 'x', done);
  automaton.finish(value, "test");
  return value;
}

TEST(Closure, AlternativesThatLookAlikeShareTheirStack) {
  Automaton automaton;
  const State value = add_brackets(automaton);
  Configurations sets(automaton, true);
  const SetId start = sets.begin(value);
  SetId at = start;
  for (int depth = 0; depth < 100; ++depth) {
    at = walk(sets, at, "(");
    ASSERT_NE(at, kDead);
    EXPECT_LE(sets.set(at).members.size(), 4U) << depth;
  }
  at = walk(sets, at, "x");
  for (int depth = 0; depth < 100; ++depth) {
    EXPECT_FALSE(sets.set(at).finished);
    at = walk(sets, at, depth % 3 == 0 ? "]" : ")");
    ASSERT_NE(at, kDead) << depth;
  }
  EXPECT_TRUE(sets.set(at).finished);
  EXPECT_EQ(walk(sets, at, ")"), kDead);
  EXPECT_EQ(walk(sets, start, "(x)x"), kDead);
}

// A rule that may be nothing returns to callers that are found after it was over.
TEST(Closure, EveryCallerOfAnEmptyRuleGoesOn) {
  Automaton automaton;
  const State empty = automaton.add_final();
  automaton.edge(empty, ' ', ' ', automaton.add_final());
  const State start = automaton.add(), done = automaton.add_final();
  for (const char letter : {'a', 'b', 'c'}) {
    const State before = automaton.add(), behind = automaton.add();
    automaton.jump(start, before);
    automaton.call(before, empty, behind);
    automaton.edge(behind, letter, letter, done);
  }
  automaton.finish(start, "test");
  Configurations sets(automaton, true);
  for (const std::string_view text : {"a", "b", "c", " a", " b", " c"}) {
    const SetId at = walk(sets, sets.begin(start), text);
    ASSERT_NE(at, kDead) << text;
    EXPECT_TRUE(sets.set(at).finished) << text;
  }
  EXPECT_EQ(walk(sets, sets.begin(start), "  a"), kDead);
}

TEST(Closure, ForgettingKeepsWhatASetStandsOn) {
  Automaton automaton;
  const State value = add_brackets(automaton);
  Configurations sets(automaton, true);
  SetId at = walk(sets, sets.begin(value), "((((((");
  const std::size_t members = sets.set(at).members.size();
  at = sets.keep_only(at);
  EXPECT_EQ(sets.sets(), 1U);
  EXPECT_EQ(sets.set(at).members.size(), members);
  at = walk(sets, at, "x)])])");
  ASSERT_NE(at, kDead);
  EXPECT_FALSE(sets.set(at).finished);
  EXPECT_TRUE(sets.set(walk(sets, at, ")")).finished);
}

TEST(Closure, DepthHasALimitThatCanBeLeft) {
  Automaton automaton;
  const State value = add_brackets(automaton);
  Configurations sets(automaton, true);
  SetId at = sets.begin(value);
  int depth = 0;
  for (SetId next = at; depth < 2000; ++depth) {
    next = walk(sets, at, "(");
    if (next == kDead) break;
    at = next;
  }
  EXPECT_EQ(depth, Automaton::kDepthLimit);
  at = walk(sets, at, "x");
  for (; depth > 0; --depth) at = walk(sets, at, ")");
  EXPECT_TRUE(sets.set(at).finished);
}

}  // namespace
}  // namespace fathom::grammar
