#include "fathom/grammar/literal_tree.h"

#include <gtest/gtest.h>

namespace fathom::grammar {
namespace {

TEST(LiteralTree, BeginningsAreShared) {
  Automaton automaton;
  const State root = automaton.add();
  LiteralTree tree(automaton, root);
  const State first = tree.add("abc");
  EXPECT_EQ(automaton.size(), 4);
  const State second = tree.add("abd");
  EXPECT_EQ(automaton.size(), 5) << "one state more";
  EXPECT_NE(first, second);
  EXPECT_EQ(tree.add("abc"), first);
  EXPECT_EQ(tree.add(""), root);
  EXPECT_EQ(automaton.at(root).edges.size(), 1U);
}

}  // namespace
}  // namespace fathom::grammar
