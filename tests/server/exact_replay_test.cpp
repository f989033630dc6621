// Second turns on every surface: their prompts begin with the first turn's prompt and answer, id for id, wherever the
// client sends back what it was told; and say what the client wrote wherever it does not.
#include "fathom/server/exact_replay.h"

#include <gtest/gtest.h>

#include "fathom/tokenizer/tokenizer.h"
#include "tests/server/model_support.h"
#include "tests/server/replay_support.h"
#include "tests/store/store_support.h"

namespace fathom::server {
namespace {

using fathom::testing::Ids;
using fathom::testing::Json;
using fathom::testing::minnow_tokenizer;
using fathom::testing::odd_calls;
using fathom::testing::parting;
using fathom::testing::ReplayServer;
using fathom::testing::spelled;

const std::string kCalls = odd_calls("find", "a rope", R"({"most":1.0,"kinds":["a","b"]})");
const std::string kAnswer = "I think of ropes.</think>I look for it." + kCalls;

class ExactReplay : public ::testing::TestWithParam<std::string> {
 protected:
  ReplayServer server_{GetParam()};
};

TEST_P(ExactReplay, ACallAndItsResult) {
  const Json request = server_.first_request();
  const auto first = server_.answer(request, spelled(kAnswer));
  ASSERT_NE(spelled(kAnswer), minnow_tokenizer()->encode(kAnswer)) << "else this shows nothing";
  const Json next = server_.with_result(request, first.told, "under the bed");
  const Ids second = server_.prompt(next);
  EXPECT_EQ(parting(first.all(), second), "");
  EXPECT_TRUE(
      ReplayServer::text(second).ends_with("<｜User｜><tool_result>under the bed</tool_result><｜Assistant｜><think>"));
  EXPECT_EQ(server_.count(next), std::ssize(second)) << "what is counted is what is used";
}

TEST_P(ExactReplay, ManyTurns) {
  Json request = server_.first_request();
  Ids before;
  for (int turn = 0; turn < 5; ++turn) {
    const auto answered = server_.answer(request, spelled("Turn " + std::to_string(turn) + "." + kAnswer));
    EXPECT_EQ(parting(before, answered.prompt), "") << turn;
    before = answered.all();
    request = server_.with_result(request, answered.told, "no " + std::to_string(turn));
  }
  const auto last = server_.answer(request, spelled("Enough.</think>It is gone. Sorry."));
  EXPECT_EQ(parting(before, last.prompt), "");
  request = server_.with_words(server_.with_answer(request, last.told), "Look again.");
  EXPECT_EQ(parting(last.all(), server_.prompt(request)), "") << "tools are offered: all reasoning stays";
}

// The encoding drops the reasoning of finished turns then: what comes before it is found, and what was said is the
// same.
TEST_P(ExactReplay, WithoutToolsTheReasoningIsDropped) {
  const Json request = server_.first_request(false);
  const auto first = server_.answer(request, spelled("Because.</think>It is under the bed."));
  const Json next = server_.with_words(server_.with_answer(request, first.told), "And now?");
  const Ids second = server_.prompt(next);
  const Ids input(first.prompt.begin(), first.prompt.end() - 1);  // all but <think>
  EXPECT_EQ(parting(input, second), "");
  const Ids said = spelled("It is under the bed.");
  EXPECT_NE(std::search(second.begin(), second.end(), said.begin(), said.end()), second.end());
  EXPECT_EQ(ReplayServer::text(second).find("Because."), std::string::npos);
}

TEST_P(ExactReplay, AnotherUserGetsTheRenderedText) {
  const Json request = server_.first_request();
  const auto first = server_.answer(request, spelled(kAnswer), {.account = "one"});
  const Json next = server_.with_result(request, first.told, "here");
  EXPECT_EQ(parting(first.all(), server_.prompt(next, {.account = "one"})), "");
  const Ids others = server_.prompt(next, {.account = "two"});
  ReplayServer fresh(GetParam());
  EXPECT_EQ(others, fresh.prompt(next, {.account = "two"})) << "as if nobody had ever asked";
}

// Whatever a client changes, it is what the model reads.
TEST_P(ExactReplay, AChangedWordIsTheClients) {
  const Json request = server_.first_request();
  const auto first = server_.answer(request, spelled(kAnswer));
  const char* const list = GetParam() == "responses" ? "input" : "messages";
  const auto changed = [&](std::string_view from, std::string_view to) {
    Json next = server_.with_result(request, first.told, "here");
    std::string text = next[list].dump();
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    next[list] = Json::parse(text);
    return next;
  };
  ReplayServer fresh(GetParam());
  // Reasoning: all of it is rendered; what was said is still what was sampled.
  const Json thought = changed("I think of ropes.", "I think of rope.");
  const std::string text = ReplayServer::text(server_.prompt(thought));
  EXPECT_NE(text.find("<think>I think of rope.</think>I look for it." + kCalls), std::string::npos) << text;
  // Content, a name, arguments: nothing of what was said is replayed, the reasoning is.
  for (const Json& next : {changed("I look for it.", "I look for it"), changed(R"("find")", R"("seek")"),
                           changed("a rope", "a  rope"), changed("\"b", "\"c")}) {
    const Ids ids = server_.prompt(next);
    const Ids rendered = fresh.prompt(next);
    EXPECT_EQ(ReplayServer::text(ids), ReplayServer::text(rendered));
    EXPECT_NE(ids, rendered) << "the reasoning";
    const Ids reasoned(first.sampled.begin(), first.sampled.begin() + std::ssize(spelled("I think of ropes.</think>")));
    Ids so_far = first.prompt;
    so_far.insert(so_far.end(), reasoned.begin(), reasoned.end());
    EXPECT_EQ(parting(so_far, ids), "");
  }
}

TEST_P(ExactReplay, WhatCannotBeShownWholeIsRendered) {
  // Half a character: the client was shown U+FFFD.
  const Ids half = {minnow_tokenizer()->encode("é").size() > 1 ? minnow_tokenizer()->encode("é").front()
                                                               : minnow_tokenizer()->encode("🦀").front()};
  Ids sampled = spelled("Why.</think>It is ");
  sampled.insert(sampled.end(), half.begin(), half.end());
  const Json request = server_.first_request();
  const auto first = server_.answer(request, sampled);
  const Json next = server_.with_words(server_.with_answer(request, first.told), "What?");
  const std::string text = ReplayServer::text(server_.prompt(next));
  EXPECT_NE(text.find("<think>Why.</think>It is �<｜end▁of▁sentence｜>"), std::string::npos) << text;
}

TEST_P(ExactReplay, RepairedCallsAreRendered) {
  std::string broken = kAnswer;
  broken.resize(broken.rfind("\n</｜DSML｜invoke>"));  // and it ends there
  const Json request = server_.first_request();
  const auto first = server_.answer(request, spelled(broken));
  const Json next = server_.with_result(request, first.told, "here");
  const Ids ids = server_.prompt(next);
  ReplayServer fresh(GetParam());
  EXPECT_EQ(ReplayServer::text(ids), ReplayServer::text(fresh.prompt(next)));
  EXPECT_NE(ReplayServer::text(ids).find("</｜DSML｜invoke>"), std::string::npos) << "mended";
}

TEST_P(ExactReplay, ForgottenItIsRendered) {
  const Json request = server_.first_request();
  const auto first = server_.answer(request, spelled(kAnswer));
  ReplayServer restarted(GetParam());
  const Json next = restarted.with_result(request, first.told, "here");
  EXPECT_EQ(restarted.prompt(next), minnow_tokenizer()->encode(ReplayServer::text(restarted.prompt(next))));
}

TEST_P(ExactReplay, ARestartedServerRemembers) {
  const fathom::testing::TemporaryDirectory directory;
  const auto disk = [&] {
    return std::make_shared<AnswerDisk>(
        std::make_shared<store::BlobStore>(fathom::testing::small_store(directory / "answers")), nullptr);
  };
  Json next;
  Ids all;
  {
    ReplayServer before(GetParam(), disk());
    const Json request = before.first_request();
    const auto first = before.answer(request, spelled(kAnswer), {.account = "one"});
    next = before.with_result(request, first.told, "under the bed");
    all = first.all();
  }
  ReplayServer restarted(GetParam(), disk());
  EXPECT_EQ(parting(all, restarted.prompt(next, {.account = "one"})), "");
  ReplayServer fresh(GetParam());
  EXPECT_EQ(restarted.prompt(next, {.account = "two"}), fresh.prompt(next, {.account = "two"}));
}

// What a client has of an answer that it left, or that a stop string ended, is what was sampled until then.
TEST(LeftAnswer, WhatWasToldIsReplayed) {
  ReplayServer server("chat");
  struct Left {
    std::string sampled;
    std::string told;  // of the content; reasoning is whole
    std::string stop;
  };
  const Ids crab = minnow_tokenizer()->encode("🦀");
  ASSERT_GT(crab.size(), 1U);
  for (const Left& left :
       {Left{"I think.</think>It is und", "It is und", ""}, Left{"I think.</think>It is a ST", "It is a ", "STOP"},
        Left{"I think.</think>It is a STOP and", "It is a ", "STOP"}, Left{"I think.</think>", "", ""},
        Left{"I think of ro", "", ""}}) {
    Json request = server.first_request();
    if (!left.stop.empty()) request["stop"] = left.stop;
    Ids sampled = spelled(left.sampled);
    const auto first = server.leave(request, sampled);
    EXPECT_EQ(first.told["content"], left.told);
    const std::size_t end = left.sampled.find("</think>");
    EXPECT_EQ(first.told["reasoning_content"], left.sampled.substr(0, end));
    const std::string known = end == std::string::npos ? left.sampled : left.sampled.substr(0, end + 8) + left.told;
    EXPECT_EQ(first.sampled, spelled(known));
    request["messages"].push_back(first.told);
    request = server.with_words(request, "Go on.");
    Ids expected = first.prompt;
    expected.insert(expected.end(), first.sampled.begin(), first.sampled.end());
    EXPECT_EQ(parting(expected, server.prompt(request)), "") << left.sampled;
  }
  // Half a character was sampled and not told.
  Ids sampled = spelled("Why.</think>A ");
  const Ids whole = sampled;
  sampled.push_back(crab.front());
  EXPECT_EQ(server.leave(server.first_request(), sampled).sampled, whole);
}

// Random answers, cut into tokens at random: turn after turn the prompt grows at its end alone.
TEST_P(ExactReplay, HoweverTheModelSpells) {
  std::uint64_t state = 12345;
  const auto random = [&](std::uint64_t below) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % below;
  };
  const std::vector<std::string> words = {"a",          " rope", "\n",      "\n\n", "  ",  "深圳", "🦀",
                                          "{\"x\": 1}", "<b>",   "</think", "é",    "1.0", "\"",   "\\n",
                                          "DSML",       "|",     "<",       "' ",   "\t",  "."};
  const auto text = [&](std::uint64_t most) {
    std::string out = "t";
    for (std::uint64_t count = random(most); count > 0; --count) out += words[random(words.size())];
    return out + "t";
  };
  const auto cut = [&](const std::string& whole) {
    Ids ids;
    for (std::size_t at = 0; at < whole.size();) {
      // Markers stay in one piece: their tokens are one.
      std::size_t length = whole.compare(at, 8, "</think>") == 0 ? 8 : 1 + random(6);
      const std::size_t marker = std::min(whole.find("</think>", at + 1), whole.size());
      length = std::min({length, whole.size() - at, std::max<std::size_t>(marker - at, 1)});
      const Ids more = minnow_tokenizer()->encode(whole.substr(at, length));
      ids.insert(ids.end(), more.begin(), more.end());
      at += length;
    }
    return ids;
  };
  Json request = server_.first_request();
  Ids before;
  for (int turn = 0; turn < 30; ++turn) {
    const std::string calls = random(2) == 0 ? "" : odd_calls("find", text(5), R"({"n":1.50,"s":"é"})");
    const auto answered = server_.answer(request, cut(text(20) + "</think>" + text(20) + calls));
    EXPECT_EQ(parting(before, answered.prompt), "") << turn;
    before = answered.all();
    request = calls.empty() ? server_.with_words(server_.with_answer(request, answered.told), text(5))
                            : server_.with_result(request, answered.told, text(5));
  }
}

INSTANTIATE_TEST_SUITE_P(Surfaces, ExactReplay, ::testing::Values("chat", "anthropic", "responses"),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace fathom::server
