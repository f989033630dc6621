#include "fathom/api/shown_prompt.h"

#include <gtest/gtest.h>

#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

PromptWish wish(const std::string& body) { return read_prompt_wish(body, test::policy(), test::context()); }

TEST(ShownPrompt, ARequestWithMessagesIsAChatsAndOneWithoutIsACompletions) {
  const PromptWish chat =
      wish(R"({"model":"deepseek-v4-flash","messages":[{"role":"user","content":"u"}],"prompt":"not looked at"})");
  EXPECT_EQ(chat.call.surface, Surface::chat);
  EXPECT_FALSE(chat.token_texts);
  const PromptWish fill = wish(R"({"model":"deepseek-v4-flash","prompt":"a","suffix":"b","return_token_strs":true})");
  EXPECT_EQ(fill.call.surface, Surface::completions);
  EXPECT_EQ(fill.call.completion->suffix, "b");
  EXPECT_TRUE(fill.token_texts);
}

TEST(ShownPrompt, AnEmptyRequestLacksMessages) {
  EXPECT_NE(test::body_refusal([] { wish(R"({"model":"deepseek-v4-flash"})"); }).find("missing field `messages`"),
            std::string::npos);
  EXPECT_NE(test::body_refusal([] { wish("[]"); }), "");
}

TEST(ShownPrompt, TokensThatAreNoCharactersHaveNames) {
  const std::vector<std::int32_t> ids = {0, 17, 18};
  const ShownPrompt prompt{
      .text = "<s>\xe6\xb1\x89", .ids = ids, .pieces = {"<s>", "\xe6", "\xb1\x89"}, .context_tokens = 99};
  EXPECT_EQ(tokenized_body(prompt), R"({"count":3,"max_model_len":99,"tokens":[0,17,18],)"
                                    R"("token_strs":["<s>","bytes:\\xe6","bytes:\\xb1\\x89"],"prompt":"<s>)"
                                    "\xe6\xb1\x89\"}");
  EXPECT_EQ(templated_body(prompt), "{\"prompt\":\"<s>\xe6\xb1\x89\"}");
}

TEST(ShownPrompt, WhatIsNoCharacterIsReplacedInTheTextAlone) {
  const std::vector<std::int32_t> ids = {7};
  EXPECT_EQ(tokenized_body({.text = "a\xff", .ids = ids, .pieces = {}, .context_tokens = 1}),
            "{\"count\":1,\"max_model_len\":1,\"tokens\":[7],\"token_strs\":null,\"prompt\":\"a\xef\xbf\xbd\"}");
}

}  // namespace
}  // namespace fathom::api
