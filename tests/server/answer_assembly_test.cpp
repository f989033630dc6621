#include "fathom/server/answer_assembly.h"

#include <gtest/gtest.h>

#include "fathom/api/api_error.h"
#include "tests/server/model_support.h"

namespace fathom::server {
namespace {

using fathom::testing::chat_call;
using fathom::testing::hosted_model;

// Writes what it is told, one word a call.
class PlainWriter final : public api::AnswerWriter {
 public:
  std::string begin(const api::Usage& so_far) override {
    return fmt::format("begin {}/{};", so_far.cached_tokens, so_far.prompt_tokens);
  }
  std::string keep_alive() override { return "alive;"; }
  std::string piece(const AnswerDelta& delta) override {
    switch (delta.kind) {
      case AnswerDelta::Kind::reasoning: return "reasoning(" + delta.text + ")";
      case AnswerDelta::Kind::content: return "content(" + delta.text + ")";
      case AnswerDelta::Kind::call_start: return "call(" + delta.text + ")";
      case AnswerDelta::Kind::call_arguments: return "arguments(" + delta.text + ")";
      case AnswerDelta::Kind::call_end: return delta.complete ? "end;" : "cut;";
    }
    return {};
  }
  std::string tokens(std::span<const api::TokenText> tokens) override {
    std::string out;
    for (const api::TokenText& token : tokens)
      out += fmt::format("{}[{}|{}]", token.reasoning ? "thought" : "token", token.bytes, token.top.size());
    return out;
  }
  std::string finish(const api::AnswerEnding& ending) override {
    constexpr const char* kNames[] = {"stop", "stop_string", "length", "tool_calls", "overloaded"};
    return fmt::format(";{} {} {}+{}", kNames[static_cast<int>(ending.reason)], ending.stop_string,
                       ending.usage.completion_tokens - ending.usage.reasoning_tokens, ending.usage.reasoning_tokens);
  }
  std::string fail(const api::ApiError& error) override { return std::string("failed ") + error.what(); }
};

const HostedModel& model() {
  static const HostedModel one = hosted_model();
  return one;
}

class Assembled {
 public:
  Assembled(const api::Call& call, bool in_thinking)
      : assembly_(call, model(), {.in_thinking = in_thinking, .prompt_tokens = 10}, std::make_unique<PlainWriter>()),
        logprobs_(call.sampling.top_logprobs) {}

  // Every token of the text.
  Assembled& say(std::string_view text) {
    for (const std::int32_t id : model().tokenizer->encode(text)) push(id, FinishReason::none);
    return *this;
  }
  Assembled& push(std::int32_t id, FinishReason finish) {
    TokenEvent event{.sequence = 1, .token = {}, .finish = finish, .cached_tokens = 4};
    event.token.token = id;
    for (std::int64_t i = 0; i < logprobs_; ++i) event.token.top_logprobs.push_back({.token = 100, .logprob = -1.0F});
    out_ += assembly_.push(event);
    return *this;
  }
  Assembled& end(FinishReason finish = FinishReason::stop) { return push(1, finish); }
  // Neighbouring pieces of a kind joined: where tokens are cut is the vocabulary's business.
  std::string out() const {
    std::string joined = out_;
    for (const std::string kind : {"reasoning", "content", "arguments"}) {
      const std::string seam = ")" + kind + "(";
      for (std::size_t at = 0; (at = joined.find(seam, at)) != std::string::npos;) {
        const std::size_t open = joined.rfind('(', at);
        if (open >= kind.size() && joined.compare(open - kind.size(), kind.size(), kind) == 0) {
          joined.erase(at, seam.size());
        } else {
          ++at;
        }
      }
    }
    return joined;
  }
  AnswerAssembly& assembly() { return assembly_; }

 private:
  AnswerAssembly assembly_;
  std::int64_t logprobs_;
  std::string out_;
};

TEST(AnswerAssembly, ReasoningThenContentThenTheEnd) {
  const api::Call call = chat_call("Hi");
  Assembled answer(call, true);
  answer.say("Let me see.</think>It rains.").end();
  EXPECT_TRUE(answer.out().starts_with("begin 4/10;reasoning(Let me see.)content(It rains.);stop")) << answer.out();
  EXPECT_TRUE(answer.assembly().over());
  const api::Usage& usage = answer.assembly().usage();
  const auto thought = std::ssize(model().tokenizer->encode("Let me see.</think>"));
  EXPECT_EQ(usage.reasoning_tokens, thought);
  EXPECT_EQ(usage.completion_tokens, thought + std::ssize(model().tokenizer->encode("It rains.")) + 1);
  EXPECT_EQ(usage.cached_tokens, 4);
}

TEST(AnswerAssembly, WithoutThinkingThereIsNoReasoning) {
  const api::Call call = chat_call("Hi");
  Assembled answer(call, false);
  answer.say("It rains.").end();
  EXPECT_TRUE(answer.out().starts_with("begin 4/10;content(It rains.);stop")) << answer.out();
  EXPECT_EQ(answer.assembly().usage().reasoning_tokens, 0);
}

TEST(AnswerAssembly, ACharacterOfManyTokensIsOnePiece) {
  const api::Call call = chat_call("Hi");
  Assembled answer(call, false);
  answer.say("深圳🦀").end();
  EXPECT_NE(answer.out().find("content(深圳🦀)"), std::string::npos) << answer.out();
}

TEST(AnswerAssembly, AStopStringCountsInTheContentAlone) {
  api::Call call = chat_call("Hi");
  call.sampling.stop = {"rain"};
  Assembled answer(call, true);
  answer.say("Will it rain?</think>It rains today.");
  EXPECT_TRUE(answer.out().starts_with("begin 4/10;reasoning(Will it rain?)content(It );stop_string rain"))
      << answer.out();
  EXPECT_TRUE(answer.assembly().over());
  EXPECT_EQ(answer.assembly().end_reason(), api::EndReason::stop_string);
  const std::string so_far = answer.out();
  answer.say("more").end();
  EXPECT_EQ(answer.out(), so_far) << "what comes after the end is nothing";
}

TEST(AnswerAssembly, WhatMightHaveBeenAStopStringComesAtTheEnd) {
  api::Call call = chat_call("Hi");
  call.sampling.stop = {"rain cats"};
  Assembled answer(call, false);
  answer.say("It rain").end();
  EXPECT_TRUE(answer.out().starts_with("begin 4/10;content(It rain);stop")) << answer.out();
}

const char* const kCall =
    "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter name=\"city\" "
    "string=\"true\">Rome</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>";

TEST(AnswerAssembly, CallsEndAnAnswerAsCalls) {
  api::Call call = chat_call("Hi");
  call.tools.push_back({.name = "get_weather", .parameters = "{}"});
  call.sampling.stop = {"Rome", "DSML"};
  Assembled answer(call, false);
  answer.say("Let me look.\n\n").say(kCall).end();
  EXPECT_NE(answer.out().find("content(Let me look.)call(get_weather)arguments({\"city\": \"Rome\"})end;;tool_calls"),
            std::string::npos)
      << answer.out();
}

TEST(AnswerAssembly, WithoutToolsNothingIsACall) {
  api::Call call = chat_call("Hi");
  Assembled none(call, false);
  none.say(kCall).end();
  EXPECT_EQ(none.out().find("call("), std::string::npos) << none.out();
  call.tools.push_back({.name = "get_weather", .parameters = "{}"});
  call.tool_choice.kind = api::ToolChoice::Kind::none;
  Assembled forbidden(call, false);
  forbidden.say(kCall).end();
  EXPECT_EQ(forbidden.assembly().end_reason(), api::EndReason::stop);
}

TEST(AnswerAssembly, LengthCutsAndSaysSo) {
  api::Call call = chat_call("Hi");
  call.tools.push_back({.name = "get_weather", .parameters = "{}"});
  Assembled answer(call, false);
  answer.say(
      "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter name=\"city\" "
      "string=\"true\">Ro");
  answer.push(model().tokenizer->encode("me").front(), FinishReason::length);
  EXPECT_NE(answer.out().find("cut;;length"), std::string::npos) << answer.out();
}

TEST(AnswerAssembly, AFullMachinesEventHasNoToken) {
  const api::Call call = chat_call("Hi");
  Assembled answer(call, false);
  answer.say("It").end(FinishReason::overloaded);
  EXPECT_TRUE(answer.out().starts_with("begin 4/10;content(It);overloaded  1+0")) << answer.out();
}

TEST(AnswerAssembly, ACompletionIsTextAndNothingElse) {
  api::Call call;
  call.surface = api::Surface::completions;
  call.completion = api::Completion{.prompt = "x", .suffix = std::nullopt};
  call.sampling.stop = {"END"};
  Assembled answer(call, false);
  answer.say("<think>a</think>b<｜DSML｜tool_calls>");
  EXPECT_NE(answer.out().find("content(<think>a</think>b<｜DSML｜tool_calls>)"), std::string::npos) << answer.out();
  answer.say(" E").end();
  EXPECT_NE(answer.out().find(" E);stop"), std::string::npos) << answer.out();
}

TEST(AnswerAssembly, LogprobsFollowTheirText) {
  api::Call call = chat_call("Hi");
  call.sampling.top_logprobs = 2;
  call.sampling.stop = {" rain cats"};
  Assembled answer(call, true);
  answer.say("a</think>b").say(" rain");
  EXPECT_EQ(answer.out(), "begin 4/10;reasoning(a)thought[a|2]content(b)token[b|2]") << "the last may be a stop string";
  answer.say(" x").end();
  EXPECT_NE(answer.out().find("content( rain x)token["), std::string::npos) << answer.out();
  EXPECT_EQ(answer.out().find("think>"), std::string::npos) << "marks are no text";
}

TEST(AnswerAssembly, TokensOfAStopStringAreNotTold) {
  api::Call call = chat_call("Hi");
  call.sampling.top_logprobs = 0;
  call.sampling.stop = {" rain"};
  Assembled answer(call, false);
  answer.say("b rain");
  EXPECT_TRUE(answer.out().starts_with("begin 4/10;content(b)token[b|0];stop_string")) << answer.out();
}

TEST(AnswerAssembly, ItBeginsOnce) {
  const api::Call call = chat_call("Hi");
  Assembled answer(call, false);
  EXPECT_EQ(answer.assembly().keep_alive(), "begin 0/10;alive;");
  EXPECT_EQ(answer.assembly().keep_alive(), "alive;");
  answer.say("b");
  EXPECT_EQ(answer.out(), "content(b)");
  EXPECT_EQ(answer.assembly().fail({503, "x", "busy"}), "failed busy");
  EXPECT_TRUE(answer.assembly().over());
}

}  // namespace
}  // namespace fathom::server
