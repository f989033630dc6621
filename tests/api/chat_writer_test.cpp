#include "fathom/api/chat_writer.h"

#include <gtest/gtest.h>

#include "fathom/api/call_ids.h"
#include "tests/api/writer_support.h"

namespace fathom::api {
namespace {

using test::arguments;
using test::call_end;
using test::call_start;
using test::content;
using test::reasoning;

struct Asked {
  bool thinking = true;
  bool stream = false;
  bool include_usage = false;
  bool logprobs = false;
};

Call call(Asked asked) {
  Call made;
  made.stream = asked.stream;
  made.include_usage = asked.include_usage;
  made.prompt.thinking_mode = asked.thinking ? ThinkingMode::thinking : ThinkingMode::chat;
  if (asked.logprobs) made.sampling.top_logprobs = 1;
  return made;
}

AnswerIdentity identity() {
  return {.id = "68ff3772-5286-4c88-8be8-83a994405985",
          .model = "deepseek-v4-flash",
          .fingerprint = "fp_8b330d02d0_prod0820_fp8_kvcache_20260402",
          .created = 1782933026};
}

const Usage kUsage{.prompt_tokens = 316, .cached_tokens = 128, .completion_tokens = 97, .reasoning_tokens = 26};

std::string write(Asked asked, const std::vector<AnswerDelta>& deltas, EndReason reason) {
  const auto writer = write_chat(call(asked), identity());
  return test::write_all(*writer, deltas, {.reason = reason, .stop_string = {}, .usage = kUsage},
                         {.prompt_tokens = 316});
}

std::vector<AnswerDelta> weather() {
  return {reasoning("Look"),
          reasoning(" it up."),
          content("深圳…"),
          call_start(0, "f"),
          arguments(0, "{\"location\": \"深"),
          arguments(0, "圳\"}"),
          call_end(0)};
}

const std::string kHead =
    R"(data: {"id":"68ff3772-5286-4c88-8be8-83a994405985","object":"chat.completion.chunk","created":1782933026,)"
    R"("model":"deepseek-v4-flash","system_fingerprint":"fp_8b330d02d0_prod0820_fp8_kvcache_20260402",)"
    R"("choices":[{"index":0,"delta":)";
const std::string kTail = ",\"logprobs\":null,\"finish_reason\":null}]}\n\n";

std::string last(const std::string& delta, const std::string& reason, const std::string& details,
                 const std::string& usage_members) {
  return kHead + delta + ",\"logprobs\":null,\"finish_reason\":\"" + reason + R"("}],"usage":{"prompt_tokens":316,)" +
         usage_members + R"("prompt_tokens_details":{"cached_tokens":128},)" + details +
         "\"prompt_cache_hit_tokens\":128,\"prompt_cache_miss_tokens\":188}}\n\ndata: [DONE]\n\n";
}
const std::string kFigures = R"("completion_tokens":97,"total_tokens":413,)";
const std::string kDetails = R"("completion_tokens_details":{"reasoning_tokens":26},)";

// api.md 4.2, to the byte.
TEST(ChatWriter, ABodyInThinking) {
  EXPECT_EQ(
      write({}, weather(), EndReason::tool_calls),
      R"({"id":"68ff3772-5286-4c88-8be8-83a994405985","object":"chat.completion","created":1782933026,)"
      R"("model":"deepseek-v4-flash","choices":[{"index":0,"message":{"role":"assistant","content":"深圳…",)"
      R"("reasoning_content":"Look it up.","tool_calls":[{"index":0,"id":")" +
          call_id(identity().id, 0) +
          R"(","type":"function","function":{"name":"f","arguments":"{\"location\": \"深圳\"}"}}]},"logprobs":null,)"
          R"("finish_reason":"tool_calls"}],"usage":{"prompt_tokens":316,"completion_tokens":97,"total_tokens":413,)"
          R"("prompt_tokens_details":{"cached_tokens":128},"completion_tokens_details":{"reasoning_tokens":26},)"
          R"("prompt_cache_hit_tokens":128,"prompt_cache_miss_tokens":188},)"
          R"("system_fingerprint":"fp_8b330d02d0_prod0820_fp8_kvcache_20260402"})");
}

TEST(ChatWriter, ABodyWithoutThinking) {
  EXPECT_EQ(write({.thinking = false}, {content("Hi")}, EndReason::stop),
            R"({"id":"68ff3772-5286-4c88-8be8-83a994405985","object":"chat.completion","created":1782933026,)"
            R"("model":"deepseek-v4-flash","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},)"
            R"("logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":316,"completion_tokens":97,)"
            R"("total_tokens":413,"prompt_tokens_details":{"cached_tokens":128},"prompt_cache_hit_tokens":128,)"
            R"("prompt_cache_miss_tokens":188},"system_fingerprint":"fp_8b330d02d0_prod0820_fp8_kvcache_20260402"})");
}

// api.md 4.3, chunk by chunk.
TEST(ChatWriter, AStreamInThinking) {
  const std::string id = call_id(identity().id, 0);
  EXPECT_EQ(write({.stream = true}, weather(), EndReason::tool_calls),
            kHead + R"({"role":"assistant","content":null,"reasoning_content":""})" + kTail +  //
                kHead + R"({"content":null,"reasoning_content":"Look"})" + kTail +             //
                kHead + R"({"content":null,"reasoning_content":" it up."})" + kTail +          //
                kHead + R"({"content":"深圳…","reasoning_content":null})" + kTail +            //
                kHead + R"({"tool_calls":[{"index":0,"id":")" + id +                           //
                R"(","type":"function","function":{"name":"f","arguments":""}}]})" + kTail +   //
                kHead + R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"location\": \"深"}}]})" + kTail +
                kHead + R"({"tool_calls":[{"index":0,"function":{"arguments":"圳\""}}]})" + kTail + kHead +
                R"({"tool_calls":[{"index":0,"function":{"arguments":"}"}}]})" + kTail +
                last(R"({"content":"","reasoning_content":null})", "tool_calls", kDetails, kFigures));
}

TEST(ChatWriter, AStreamWithoutThinking) {
  EXPECT_EQ(write({.thinking = false, .stream = true}, {content("H"), content("i\n")}, EndReason::length),
            kHead + R"({"role":"assistant","content":""})" + kTail + kHead + R"({"content":"H"})" + kTail + kHead +
                R"({"content":"i\n"})" + kTail + last(R"({"content":""})", "length", "", kFigures));
}

TEST(ChatWriter, UsageIsNullOnAllChunksButTheLast) {
  const std::string tail = ",\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n";
  EXPECT_EQ(write({.thinking = false, .stream = true, .include_usage = true}, {content("H")}, EndReason::stop),
            kHead + R"({"role":"assistant","content":""})" + tail + kHead + R"({"content":"H"})" + tail +
                last(R"({"content":""})", "stop", "", kFigures));
}

std::string reason(EndReason ending) {
  const JsonValue body = read_json(write({}, {}, ending), "body");
  return test::text_at(body.find("choices")->elements.at(0), {"finish_reason"});
}

TEST(ChatWriter, Endings) {
  EXPECT_EQ(reason(EndReason::stop), "stop");
  EXPECT_EQ(reason(EndReason::stop_string), "stop");
  EXPECT_EQ(reason(EndReason::length), "length");
  EXPECT_EQ(reason(EndReason::tool_calls), "tool_calls");
  EXPECT_EQ(reason(EndReason::overloaded), "insufficient_system_resource");
}

TEST(ChatWriter, WithCallsAloneTheContentIsEmptyNotNull) {
  const JsonValue body =
      read_json(write({}, {call_start(0, "f"), arguments(0, "{}"), call_end(0)}, EndReason::tool_calls), "body");
  const JsonValue& choice = body.find("choices")->elements.at(0);
  EXPECT_EQ(test::text_at(choice, {"message", "content"}), "");
  EXPECT_EQ(choice.find("message")->find("tool_calls")->elements.size(), 1U);
  EXPECT_EQ(test::text_at(read_json(write({}, {}, EndReason::stop), "body").find("choices")->elements.at(0),
                          {"message", "tool_calls"}),
            "(absent)");
}

TEST(ChatWriter, ParallelCallsHaveIdsOfTheirOwn) {
  const std::vector<AnswerDelta> deltas = {call_start(0, "f"), arguments(0, "{}"), call_end(0),
                                           call_start(1, "f"), arguments(1, "{}"), call_end(1)};
  const JsonValue body = read_json(write({}, deltas, EndReason::tool_calls), "body");
  const auto& calls = body.find("choices")->elements.at(0).find("message")->find("tool_calls")->elements;
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(test::text_at(calls[0], {"id"}).substr(0, 8), "call_00_");
  EXPECT_EQ(test::text_at(calls[1], {"id"}).substr(0, 8), "call_01_");
  EXPECT_EQ(test::text_at(calls[1], {"index"}), "1");
  EXPECT_EQ(test::text_at(calls[1], {"id"}).size(), 32U);
}

TEST(ChatWriter, ACallThatWasCutOffCannotBeRun) {
  const std::vector<AnswerDelta> deltas = {call_start(0, "f"), arguments(0, "{\"a\": \"b\"}"), call_end(0, false)};
  const JsonValue body = read_json(write({}, deltas, EndReason::length), "body");
  EXPECT_EQ(test::text_at(body.find("choices")->elements.at(0), {"message", "tool_calls"}), "(absent)");
  const std::string stream = write({.stream = true}, deltas, EndReason::length);
  EXPECT_NE(stream.find(R"("arguments":"{\"a\": \"b\"")"), std::string::npos) << stream;
}

TEST(ChatWriter, SilenceAndFailure) {
  const ApiError error(500, "internal_server_error", "broken");
  const auto stream = write_chat(call({.stream = true}), identity());
  EXPECT_EQ(stream->keep_alive(), ": keep-alive\n\n");
  stream->begin({.prompt_tokens = 7, .cached_tokens = 2});
  stream->piece(content("half"));
  const std::string failed = stream->fail(error);
  EXPECT_NE(failed.find(R"("finish_reason":"insufficient_system_resource")"), std::string::npos) << failed;
  EXPECT_NE(failed.find(R"("prompt_cache_miss_tokens":5)"), std::string::npos) << failed;
  EXPECT_TRUE(failed.ends_with("data: [DONE]\n\n"));
  const auto body = write_chat(call({}), identity());
  EXPECT_EQ(body->keep_alive(), "\n");
  EXPECT_EQ(body->begin({}), "");
  EXPECT_EQ(body->piece(content("half")), "");
  EXPECT_EQ(body->fail(error), error_body(error, false));
}

// What a client makes of a stream: its message, as a body has it.
struct Joined {
  std::string content;
  std::string reasoning;
  std::vector<std::string> calls;  // id, name and arguments
  std::string content_tokens;      // as JSON, joined
  std::string reasoning_tokens;
  std::string reason;

  bool operator==(const Joined&) const = default;
};

void join_tokens(const JsonValue& choice, std::string_view key, std::string& out) {
  const JsonValue* tokens = choice.find("logprobs")->find(key);
  if (tokens == nullptr) return;
  for (const JsonValue& token : tokens->elements) out += write_json(token) + "\n";
}

std::string text_or_none(const JsonValue& value, std::string_view key) {
  const JsonValue* member = value.find(key);
  return member != nullptr && member->is(JsonValue::Kind::string) ? member->text : "";
}

void join(const JsonValue& choice, std::string_view part, Joined& joined) {
  const JsonValue& message = *choice.find(part);
  joined.content += text_or_none(message, "content");
  joined.reasoning += text_or_none(message, "reasoning_content");
  if (const JsonValue* calls = message.find("tool_calls"))
    for (const JsonValue& one : calls->elements) {
      const auto index = static_cast<std::size_t>(std::stoll(one.find("index")->text));
      if (index >= joined.calls.size()) joined.calls.resize(index + 1);
      const JsonValue& function = *one.find("function");
      joined.calls[index] += text_or_none(one, "id") + text_or_none(function, "name");
      joined.calls[index] += text_or_none(function, "arguments");
    }
  join_tokens(choice, "content", joined.content_tokens);
  join_tokens(choice, "reasoning_content", joined.reasoning_tokens);
  joined.reason += text_or_none(choice, "finish_reason");
}

Joined joined_stream(std::string_view stream) {
  Joined joined;
  int with_usage = 0;
  while (stream != "data: [DONE]\n\n") {
    const std::size_t end = stream.find("\n\n");
    EXPECT_TRUE(stream.starts_with("data: {") && end != std::string_view::npos) << stream;
    if (end == std::string_view::npos) return joined;
    const std::string_view frame = stream.substr(6, end - 6);
    EXPECT_TRUE(is_json_object(frame) && frame.find('\n') == std::string_view::npos) << frame;
    const JsonValue chunk = read_json(frame, "chunk");
    with_usage += chunk.find("usage") != nullptr ? 1 : 0;
    EXPECT_EQ(chunk.find("choices")->elements.size(), 1U);
    join(chunk.find("choices")->elements.at(0), "delta", joined);
    stream.remove_prefix(end + 2);
  }
  EXPECT_EQ(with_usage, 1);
  return joined;
}

Joined joined_body(const std::string& body) {
  Joined joined;
  join(read_json(body, "body").find("choices")->elements.at(0), "message", joined);
  return joined;
}

TEST(ChatWriter, AStreamJoinedIsTheBody) {
  for (const std::string& completion : test::completions())
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{17}, completion.size() + 1}) {
      const std::vector<AnswerDelta> deltas = test::deltas_of(completion, piece, AnswerEnd::stopped);
      EXPECT_EQ(joined_stream(write({.stream = true}, deltas, EndReason::stop)),
                joined_body(write({}, deltas, EndReason::stop)))
          << completion << " in pieces of " << piece;
    }
}

TokenText token(std::string bytes, bool is_reasoning, double logprob = -0.5) {
  return {.bytes = bytes,
          .logprob = logprob,
          .top = {{.bytes = bytes, .logprob = logprob}, {.bytes = "\xe6", .logprob = -1.5}},
          .reasoning = is_reasoning};
}

// Feeds pieces with their tokens: a token a piece, markup in between.
std::string write_tokens(Asked asked) {
  asked.logprobs = true;
  const auto writer = write_chat(call(asked), identity());
  std::string out = writer->begin({});
  const auto say = [&](const std::vector<AnswerDelta>& deltas, const std::vector<TokenText>& tokens) {
    for (const AnswerDelta& delta : deltas) out += writer->piece(delta);
    out += writer->tokens(tokens);
  };
  say({reasoning("Hm")}, {token("Hm", true)});
  say({reasoning("."), content("So")}, {token(".", true), token("So", false)});
  say({}, {token("<", false)});
  say({call_start(0, "f"), arguments(0, "{}"), call_end(0)}, {token("call", false)});
  say({content("汉")}, {token("\xe6\xb1", false, -20000.0)});
  say({}, {token("\x89", false)});
  out += writer->finish({.reason = EndReason::tool_calls, .stop_string = {}, .usage = kUsage});
  return out;
}

TEST(ChatWriter, PiecesWaitForTheirTokens) {
  const std::string stream = write_tokens({.stream = true});
  EXPECT_EQ(joined_stream(stream), joined_body(write_tokens({})));
  const std::string top = R"(,{"token":"�","logprob":-1.5,"bytes":[230]}]})";
  EXPECT_NE(stream.find(kHead + R"({"content":null,"reasoning_content":"Hm"},"logprobs":{"content":null,)" +
                        R"("reasoning_content":[{"token":"Hm","logprob":-0.5,"bytes":[72,109],"top_logprobs":[)" +
                        R"({"token":"Hm","logprob":-0.5,"bytes":[72,109]})" + top + "]},\"finish_reason\":null}]}\n\n"),
            std::string::npos)
      << stream;
  EXPECT_NE(stream.find(R"({"content":"So","reasoning_content":null},"logprobs":{"content":[{"token":"So",)"),
            std::string::npos)
      << stream;
  EXPECT_NE(stream.find(R"({"content":"汉","reasoning_content":null},"logprobs":{"content":[{"token":"�",)"
                        R"("logprob":-9999.0,"bytes":[230,177],)"),
            std::string::npos)
      << stream;
}

TEST(ChatWriter, LogprobsOfABody) {
  const JsonValue body = read_json(write_tokens({}), "body");
  const JsonValue& logprobs = *body.find("choices")->elements.at(0).find("logprobs");
  EXPECT_EQ(logprobs.find("reasoning_content")->elements.size(), 2U);
  EXPECT_EQ(logprobs.find("content")->elements.size(), 5U);
  const JsonValue none = read_json(write({.thinking = false, .logprobs = true}, {}, EndReason::stop), "body");
  EXPECT_EQ(write_json(*none.find("choices")->elements.at(0).find("logprobs")), R"({"content": []})");
}

TEST(ChatWriter, TokensThatNobodyAskedForAreNotTold) {
  const auto writer = write_chat(call({.stream = true}), identity());
  const std::vector<TokenText> tokens = {token("a", false)};
  EXPECT_EQ(writer->tokens(tokens), "");
  EXPECT_EQ(writer->finish({}).find("top_logprobs"), std::string::npos);
}

}  // namespace
}  // namespace fathom::api
