#include "fathom/api/completion_writer.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "tests/api/writer_support.h"

namespace fathom::api {
namespace {

struct Asked {
  bool stream = false;
  bool include_usage = false;
  bool echo = false;
  bool logprobs = false;
};

std::unique_ptr<AnswerWriter> writer(Asked asked) {
  Call call;
  call.surface = Surface::completions;
  call.stream = asked.stream;
  call.include_usage = asked.include_usage;
  if (asked.logprobs) call.sampling.top_logprobs = 1;
  call.completion = Completion{.prompt = "für ", .suffix = {}, .echo = asked.echo};
  return write_completion(call, test::identity());
}

const Usage kUsage{.prompt_tokens = 9, .cached_tokens = 4, .completion_tokens = 3, .reasoning_tokens = 0};

std::string write(Asked asked, const std::vector<std::string>& pieces, EndReason reason = EndReason::stop) {
  const auto made = writer(asked);
  std::string out = made->begin({});
  for (const std::string& piece : pieces) {
    out += made->piece(test::content(piece));
    const std::vector<TokenText> tokens = {
        {.bytes = piece, .logprob = -0.5, .top = {{.bytes = "x", .logprob = -0.25}}}};
    out += made->tokens(tokens);
  }
  return out + made->finish({.reason = reason, .stop_string = {}, .usage = kUsage});
}

const std::string kHead =
    R"({"id":"91cfbb94-554b-4136-8e21-fa02280d56ed","object":"text_completion","created":1782933026,)"
    R"("model":"deepseek-v4-pro","system_fingerprint":"fp_test","choices":[{"index":0,"text":)";
const std::string kUsageJson =
    R"("usage":{"completion_tokens":3,"prompt_tokens":9,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":5,)"
    R"("total_tokens":12}})";

TEST(CompletionWriter, ABody) {
  EXPECT_EQ(write({}, {"a", "b\n"}), kHead + R"("ab\n","finish_reason":"stop","logprobs":null}],)" + kUsageJson);
  EXPECT_EQ(write({.echo = true}, {"a"}, EndReason::length),
            kHead + R"("für a","finish_reason":"length","logprobs":null}],)" + kUsageJson);
  EXPECT_EQ(write({}, {}, EndReason::overloaded),
            kHead + R"("","finish_reason":"insufficient_system_resource","logprobs":null}],)" + kUsageJson);
}

TEST(CompletionWriter, AStream) {
  const std::string tail = ",\"finish_reason\":null,\"logprobs\":null}]}\n\n";
  const std::string end =
      "data: " + kHead + R"("","finish_reason":"stop","logprobs":null}],)" + kUsageJson + "\n\ndata: [DONE]\n\n";
  EXPECT_EQ(write({.stream = true}, {"a", "b"}),
            "data: " + kHead + "\"a\"" + tail + "data: " + kHead + "\"b\"" + tail + end);
  EXPECT_EQ(write({.stream = true, .echo = true}, {"a"}),
            "data: " + kHead + "\"für \"" + tail + "data: " + kHead + "\"a\"" + tail + end);
  EXPECT_EQ(write({.stream = true}, {}), end);
  const std::string null_tail = ",\"finish_reason\":null,\"logprobs\":null}],\"usage\":null}\n\n";
  EXPECT_EQ(write({.stream = true, .include_usage = true}, {"a"}), "data: " + kHead + "\"a\"" + null_tail + end);
}

TEST(CompletionWriter, LogprobsOfABody) {
  EXPECT_EQ(write({.echo = true, .logprobs = true}, {"汉", "b"}),
            kHead +
                R"("für 汉b","finish_reason":"stop","logprobs":{"text_offset":[4,5],"token_logprobs":[-0.5,-0.5],)" +
                R"("tokens":["汉","b"],"top_logprobs":[{"x":-0.25,"汉":-0.5},{"x":-0.25,"b":-0.5}]}}],)" + kUsageJson);
  EXPECT_EQ(write({.logprobs = true}, {}),
            kHead + R"("","finish_reason":"stop","logprobs":{"text_offset":[],"token_logprobs":[],"tokens":[],)" +
                R"("top_logprobs":[]}}],)" + kUsageJson);
}

TEST(CompletionWriter, LogprobsOfAStreamComeWithTheirText) {
  const std::string stream = write({.stream = true, .logprobs = true}, {"汉", "b"});
  EXPECT_EQ(stream.find("data: " + kHead +
                        R"("汉","finish_reason":null,"logprobs":{"text_offset":[0],"token_logprobs":[-0.5],)" +
                        R"("tokens":["汉"],"top_logprobs":[{"x":-0.25,"汉":-0.5}]}}]})" + "\n\n"),
            0U)
      << stream;
  EXPECT_NE(stream.find(R"("b","finish_reason":null,"logprobs":{"text_offset":[1],)"), std::string::npos) << stream;
}

TEST(CompletionWriter, TextWithoutATokenIsNotLost) {
  const auto made = writer({.stream = true, .logprobs = true});
  std::string out = made->begin({});
  out += made->piece(test::content("rest"));
  EXPECT_EQ(out, "") << "it waits";
  out += made->finish({.reason = EndReason::stop, .stop_string = {}, .usage = kUsage});
  EXPECT_NE(out.find(R"("text":"rest","finish_reason":null,"logprobs":null)"), std::string::npos) << out;
}

TEST(CompletionWriter, SilenceAndFailure) {
  const ApiError error(500, "internal_server_error", "broken");
  const auto stream = writer({.stream = true});
  EXPECT_EQ(stream->keep_alive(), ": keep-alive\n\n");
  stream->begin({.prompt_tokens = 3});
  const std::string failed = stream->fail(error);
  EXPECT_NE(failed.find(R"("finish_reason":"insufficient_system_resource")"), std::string::npos);
  EXPECT_NE(failed.find(R"("prompt_tokens":3)"), std::string::npos);
  EXPECT_TRUE(failed.ends_with("data: [DONE]\n\n"));
  const auto body = writer({});
  EXPECT_EQ(body->keep_alive(), "\n");
  EXPECT_EQ(body->fail(error), error_body(error, false));
  EXPECT_THROW(write_completion(Call{}, test::identity()), InternalError);
}

}  // namespace
}  // namespace fathom::api
