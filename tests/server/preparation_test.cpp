#include "fathom/server/preparation.h"

#include <gtest/gtest.h>

#include "fathom/api/api_error.h"
#include "fathom/chat/json_text.h"
#include "tests/server/model_support.h"

namespace fathom::server {
namespace {

using fathom::testing::chat_call;
using fathom::testing::hosted_model;
using fathom::testing::policy_of;

PreparedCall prepare_call(const api::Call& call, const HostedModel& model = hosted_model(),
                          const std::string& owner = "") {
  const api::Policy policy = policy_of(model);
  return prepare(call, model, {.policy = policy, .owner = owner});
}

std::string text_of(const PreparedCall& prepared) { return hosted_model().tokenizer->decode(prepared.request.prompt); }

TEST(Preparation, AConversationBecomesItsPromptAndTokens) {
  api::Call call = chat_call("Hi");
  EXPECT_EQ(text_of(prepare_call(call)), "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜><think>");
  EXPECT_TRUE(prepare_call(call).in_thinking);
  call.prompt.thinking_mode = ThinkingMode::chat;
  EXPECT_EQ(text_of(prepare_call(call)), "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜></think>");
  EXPECT_FALSE(prepare_call(call).in_thinking);
  EXPECT_EQ(count_tokens(call, hosted_model(), {.policy = policy_of(hosted_model()), .owner = ""}),
            std::ssize(prepare_call(call).request.prompt));
}

TEST(Preparation, AShownPromptIsTheTokensThatWouldBeRead) {
  const HostedModel model = hosted_model();
  const api::Policy policy = policy_of(model);
  const std::string owner;
  api::PromptWish wish{.call = chat_call("Hi 汉"), .token_texts = true};
  const JsonValue shown = read_json(tokenized(wish, model, {.policy = policy, .owner = owner}), "shown");
  const PreparedCall prepared = prepare_call(wish.call);
  EXPECT_EQ(shown.find("count")->text, std::to_string(prepared.request.prompt.size()));
  ASSERT_EQ(shown.find("tokens")->elements.size(), prepared.request.prompt.size());
  for (std::size_t place = 0; place < prepared.request.prompt.size(); ++place)
    EXPECT_EQ(shown.find("tokens")->elements[place].text, std::to_string(prepared.request.prompt[place]));
  EXPECT_EQ(shown.find("token_strs")->elements.size(), prepared.request.prompt.size());
  EXPECT_EQ(shown.find("prompt")->text, text_of(prepared));
  EXPECT_EQ(read_json(templated(wish, model, {.policy = policy, .owner = owner}), "shown").find("prompt")->text,
            text_of(prepared));
}

TEST(Preparation, AStateIsWishedWhereTheInstructionsEnd) {
  api::Call call = chat_call("Hi");
  EXPECT_TRUE(prepare_call(call).request.snapshot_at.empty()) << "there are none";
  ChatMessage system;
  system.role = Role::system;
  system.content = "You are terse.";
  call.messages.insert(call.messages.begin(), system);
  const GenerationRequest request = prepare_call(call).request;
  ASSERT_EQ(request.snapshot_at.size(), 1U);
  const auto ids = std::span(request.prompt).first(static_cast<std::size_t>(request.snapshot_at[0]));
  EXPECT_EQ(hosted_model().tokenizer->decode(ids), "<｜begin▁of▁sentence｜>You are terse.");
  AnswerMemory memory{{}};
  const api::Policy policy = policy_of(hosted_model());
  const std::string owner;
  const Preparation remembering = {.policy = policy, .owner = owner, .memory = &memory};
  EXPECT_EQ(prepare(call, hosted_model(), remembering).request.snapshot_at, request.snapshot_at);
  EXPECT_EQ(prepare(call, hosted_model(), remembering).request.prompt, request.prompt);
}

TEST(Preparation, AnAnswerThatGoesOnFromAPrefixIsBehindItsReasoning) {
  api::Call call = chat_call("Hi");
  ChatMessage prefix;
  prefix.role = Role::assistant;
  prefix.content = "<think>";  // the client's own words
  prefix.reasoning_content = "Because";
  prefix.open_end = true;
  call.messages.push_back(prefix);
  const PreparedCall prepared = prepare_call(call);
  EXPECT_TRUE(text_of(prepared).ends_with("<think>Because</think><think>")) << text_of(prepared);
  EXPECT_FALSE(prepared.in_thinking);
}

TEST(Preparation, ATextIsRawAndAHoleHasItsMarks) {
  api::Call call;
  call.surface = api::Surface::completions;
  call.completion = api::Completion{.prompt = "def f():", .suffix = std::nullopt};
  EXPECT_EQ(text_of(prepare_call(call)), "<｜begin▁of▁sentence｜>def f():");
  call.completion->suffix = "return x";
  EXPECT_EQ(text_of(prepare_call(call)),
            "<｜begin▁of▁sentence｜><｜fim▁begin｜>def f():<｜fim▁hole｜>return x<｜fim▁end｜>");
  call.completion->prompt = "<think>";
  call.completion->suffix = std::nullopt;
  EXPECT_FALSE(prepare_call(call).in_thinking);
}

TEST(Preparation, SamplingIsTheClientsAndTheSeedIsDrawn) {
  api::Call call = chat_call("Hi");
  call.sampling.temperature = 0.5;
  call.sampling.top_p = 0.9;
  call.sampling.top_k = 3;
  call.sampling.min_p = 0.1;
  call.sampling.max_tokens = 17;
  call.sampling.top_logprobs = 4;
  call.sampling.seed = 99;
  const SamplingParams sampling = prepare_call(call).request.sampling;
  EXPECT_EQ(sampling.temperature, 0.5);
  EXPECT_EQ(sampling.top_p, 0.9);
  EXPECT_EQ(sampling.top_k, 3);
  EXPECT_EQ(sampling.min_p, 0.1);
  EXPECT_EQ(sampling.max_tokens, 17);
  EXPECT_EQ(sampling.top_logprobs, 4);
  EXPECT_EQ(sampling.seed, 99U);
  EXPECT_EQ(sampling.stop_tokens, std::vector<std::int32_t>{1});
  call.sampling.seed.reset();
  EXPECT_NE(prepare_call(call).request.sampling.seed, prepare_call(call).request.sampling.seed);
}

TEST(Preparation, WhatDoesNotFitIsRefusedOrShortened) {
  HostedModel model = hosted_model();
  model.context_tokens = 50;
  api::Call call = chat_call("Hi");
  const auto prompt = std::ssize(prepare_call(call).request.prompt);
  EXPECT_EQ(prepare_call(call, model).request.sampling.max_tokens, 50 - prompt) << "nothing was asked for";
  call.sampling.max_tokens = 1000;
  EXPECT_EQ(prepare_call(call, model).request.sampling.max_tokens, 50 - prompt) << "clipped";
  model.context_tokens = prompt;
  try {
    prepare_call(call, model);
    FAIL() << "there is no room for an answer";
  } catch (const api::ApiError& error) {
    EXPECT_EQ(error.status(), 400);
    EXPECT_NE(std::string(error.what()).find(std::to_string(prompt) + " in the messages"), std::string::npos)
        << error.what();
  }
}

TEST(Preparation, TheOwnerOfAKeyComesBeforeTheClientsUser) {
  api::Call call = chat_call("Hi");
  call.user = "u1";
  EXPECT_EQ(prepare_call(call).request.user, "u1");
  EXPECT_EQ(prepare_call(call, hosted_model(), "0123abcd").request.user, "0123abcd/u1");
  const std::string scope = prepare_call(call, hosted_model(), "a").request.cache_scope;
  call.user = "b/u1";
  const std::string other = prepare_call(call, hosted_model(), "a").request.cache_scope;
  EXPECT_NE(scope, other) << "another user of the account";
  call.user = "u1";
  EXPECT_NE(prepare_call(call, hosted_model(), "a/b").request.cache_scope, other) << "another account";
  EXPECT_NE(prepare_call(call).request.cache_scope, scope);
}

TEST(Preparation, TheConstraintKnowsWhereTheAnswerBegins) {
  api::Call call = chat_call("Hi");
  EXPECT_EQ(prepare_call(call).request.constraint, nullptr) << "nothing is asked of the answer";
  call.response_format.kind = api::ResponseFormat::Kind::json_object;
  const auto takes_text = [&] {
    const auto constraint = prepare_call(call).request.constraint;
    std::vector<std::uint32_t> mask(static_cast<std::size_t>(hosted_model().tokenizer->vocab() + 31) / 32);
    constraint->allowed(mask);
    const std::int32_t letter = hosted_model().tokenizer->encode("a").front();
    return (mask[letter / 32] >> (letter % 32) & 1) != 0;
  };
  EXPECT_TRUE(takes_text()) << "the reasoning";
  call.prompt.thinking_mode = ThinkingMode::chat;
  EXPECT_FALSE(takes_text()) << "JSON";
}

TEST(Preparation, AVocabularyWithoutHolesFillsNone) {
  api::Call call;
  call.surface = api::Surface::completions;
  call.completion = api::Completion{.prompt = "a", .suffix = "b"};
  HostedModel model = hosted_model();
  model.tokenizer = fathom::testing::tokenizer_without("<｜fim▁hole｜>");
  EXPECT_THROW(prepare_call(call, model), api::ApiError);
  call.completion->suffix.reset();
  EXPECT_NO_THROW(prepare_call(call, model));
}

}  // namespace
}  // namespace fathom::server
