#include "fathom/api/held_brace.h"

#include <gtest/gtest.h>

#include <vector>

#include "fathom/chat/json_text.h"

namespace fathom::api {
namespace {

std::string passed(const std::vector<std::string>& pieces, bool complete) {
  HeldBrace brace;
  brace.begin();
  std::string out;
  for (const std::string& piece : pieces) out += brace.pass(piece);
  return out + brace.end(complete);
}

TEST(HeldBrace, WholeCallsAreWhole) {
  for (const std::vector<std::string>& pieces :
       {std::vector<std::string>{"{}"}, {"{", "}"}, {"", "{\"a\": {}", "", "}", ""}, {"{\"a\": \"}", "}}\"", "}"}}) {
    std::string whole;
    for (const std::string& piece : pieces) whole += piece;
    EXPECT_EQ(passed(pieces, true), whole);
  }
}

TEST(HeldBrace, WhatWasCutOffIsNeverJson) {
  const std::string whole = R"({"a": {"b": "}}"}, "c": [{}]})";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    const std::string sent = passed({whole.substr(0, cut), whole.substr(cut)}, false);
    EXPECT_EQ(sent, whole.substr(0, whole.size() - 1));
    EXPECT_FALSE(is_json(sent));
  }
}

TEST(HeldBrace, NothingWaitsForNothing) {
  HeldBrace brace;
  EXPECT_EQ(brace.end(true), "");
  EXPECT_EQ(brace.pass("abc"), "abc");
  EXPECT_EQ(brace.pass("d}"), "d");
  brace.begin();
  EXPECT_EQ(brace.pass("e"), "e");
}

}  // namespace
}  // namespace fathom::api
