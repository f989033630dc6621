#include "fathom/api/completion_body.h"

#include <gtest/gtest.h>

#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

std::string with(const std::string& members) {
  return R"({"model":"deepseek-v4-pro","prompt":"def f(")" + (members.empty() ? "" : "," + members) + "}";
}

Call read(const std::string& members) { return read_completion(with(members), test::policy(), test::context()); }

std::string fault(const std::string& body, const Policy& policy = test::policy()) {
  return test::body_refusal([&] { read_completion(body, policy, test::context()); });
}

TEST(CompletionBody, TheLeastThatIsARequest) {
  const Call call = read("");
  EXPECT_EQ(call.surface, Surface::completions);
  EXPECT_EQ(call.model, "deepseek-v4-pro");
  ASSERT_TRUE(call.completion.has_value());
  EXPECT_EQ(call.completion->prompt, "def f(");
  EXPECT_EQ(call.completion->suffix, std::nullopt);
  EXPECT_FALSE(call.completion->echo);
  EXPECT_EQ(call.prompt.thinking_mode, ThinkingMode::chat);
  EXPECT_EQ(call.sampling.top_logprobs, -1);
  EXPECT_EQ(call.sampling.max_tokens, std::nullopt);
  EXPECT_TRUE(call.messages.empty());
}

TEST(CompletionBody, EveryField) {
  const Call call = read(R"("suffix":"return x","max_tokens":4096,"temperature":0.5,"top_p":0.25,"stop":"\n\n",)"
                         R"("stream":true,"stream_options":{"include_usage":true},"echo":true,"logprobs":20,)"
                         R"("frequency_penalty":"x","user_id":"me","seed":3,"thinking":{"type":"enabled"},"n":4)");
  EXPECT_EQ(call.completion->suffix, "return x");
  EXPECT_TRUE(call.completion->echo);
  EXPECT_EQ(call.sampling.max_tokens, 4096);
  EXPECT_EQ(call.sampling.temperature, 0.5) << "there is no thinking here";
  EXPECT_EQ(call.sampling.top_p, 0.25);
  EXPECT_EQ(call.sampling.stop, std::vector<std::string>{"\n\n"});
  EXPECT_EQ(call.sampling.top_logprobs, 20);
  EXPECT_EQ(call.sampling.seed, 3U);
  EXPECT_TRUE(call.stream && call.include_usage);
  EXPECT_EQ(call.user, "me");
  EXPECT_EQ(read(R"("suffix":"")").completion->suffix, "") << "a hole at the end of a file";
  EXPECT_EQ(read(R"("suffix":null,"echo":null,"logprobs":null)").completion->suffix, std::nullopt);
  EXPECT_EQ(read(R"("logprobs":0)").sampling.top_logprobs, 0);
}

TEST(CompletionBody, Refusals) {
  EXPECT_EQ(fault("{}"), "~ missing field `model`");
  EXPECT_EQ(fault(R"({"model":"deepseek-v4-pro"})"), "~ missing field `prompt`");
  EXPECT_EQ(fault(R"({"model":"deepseek-v4-pro","prompt":["a"]})"),
            "~ prompt: invalid type: sequence, expected a string");
  EXPECT_EQ(fault(R"({"model":"davinci","prompt":"a"})"),
            "The supported API model names are deepseek-v4-pro or deepseek-v4-flash, but you passed davinci.");
  EXPECT_EQ(fault(with(R"("suffix":7)")), "~ suffix: invalid type: integer `7`, expected a string");
  EXPECT_EQ(fault(with(R"("max_tokens":4097)")),
            "Invalid max_tokens value, the valid range of max_tokens is [1, 4096]");
  EXPECT_EQ(fault(with(R"("logprobs":21)")), "Invalid logprobs value, the valid range of logprobs is [0, 20]");
  EXPECT_EQ(fault(with(R"("logprobs":true)")), "~ logprobs: invalid type: boolean `true`, expected a number");
  EXPECT_EQ(fault(with(R"("stream_options":{})")), "stream_options should be set along with stream = true");
}

TEST(CompletionBody, ASmallModelsLimit) {
  Policy policy = test::policy();
  policy.models[1].max_output_tokens = 100;
  EXPECT_EQ(read_completion(with(R"("max_tokens":4096)"), policy, test::context()).sampling.max_tokens, 100);
  policy.clip_max_tokens = false;
  EXPECT_EQ(fault(with(R"("max_tokens":101)"), policy),
            "Invalid max_tokens value, the valid range of max_tokens is [1, 100]");
}

TEST(CompletionBody, TheHostedApiHasItUnderBetaAlone) {
  Policy policy = test::policy();
  policy.strict_hosted = true;
  EXPECT_EQ(fault(with(""), policy),
            "completions api is only available when using beta api (set a base_url that ends in /beta)");
  RequestContext beta = test::context();
  beta.beta = true;
  EXPECT_TRUE(read_completion(with(""), policy, beta).beta);
}

}  // namespace
}  // namespace fathom::api
