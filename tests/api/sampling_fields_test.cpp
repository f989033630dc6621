#include "fathom/api/sampling_fields.h"

#include <gtest/gtest.h>

#include "fathom/api/body_fields.h"
#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

template <typename Read>
std::string fault(const std::string& members, Read read) {
  return test::body_refusal([&] { read_body("{" + members + "}", read); });
}

CallSampling sampling(const std::string& members) {
  CallSampling read;
  read_body("{" + members + "}", [&](const JsonField& request) { read_sampling(request, read); });
  return read;
}

std::string sampling_fault(const std::string& members) {
  return fault(members, [](const JsonField& request) {
    CallSampling read;
    read_sampling(request, read);
  });
}

TEST(SamplingFields, DefaultsAndRanges) {
  const CallSampling none = sampling("");
  EXPECT_EQ(none.temperature, 1.0);
  EXPECT_EQ(none.top_p, 1.0);
  EXPECT_EQ(none.seed, std::nullopt);
  EXPECT_EQ(none.max_tokens, std::nullopt);
  EXPECT_EQ(none.top_logprobs, -1);
  EXPECT_TRUE(none.stop.empty());
  EXPECT_EQ(sampling(R"("temperature":0,"top_p":0.5)").temperature, 0.0);
  EXPECT_EQ(sampling(R"("temperature":null,"top_p":0.5)").top_p, 0.5);
  EXPECT_EQ(sampling_fault(R"("temperature":2.1)"),
            "Invalid temperature value, the valid range of temperature is [0, 2]");
  EXPECT_EQ(sampling_fault(R"("top_p":1.01)"), "Invalid top_p value, the valid range of top_p is [0, 1]");
  EXPECT_EQ(sampling_fault(R"("top_p":"1")"), "~ top_p: invalid type: string \"1\", expected a number");
}

TEST(SamplingFields, WhatHasNoEffectIsNotLookedAt) {
  EXPECT_EQ(sampling_fault(R"("frequency_penalty":[],"presence_penalty":"x","n":0,"logit_bias":7,"top_k":-1)"), "none");
}

TEST(SamplingFields, Seeds) {
  EXPECT_EQ(sampling(R"("seed":0)").seed, 0U);
  EXPECT_EQ(sampling(R"("seed":18446744073709551615)").seed, 18446744073709551615U);
  EXPECT_EQ(sampling(R"("seed":-1)").seed, 18446744073709551615U);
  EXPECT_EQ(sampling(R"("seed":9007199254740993)").seed, 9007199254740993U) << "not by way of a double";
  for (const std::string seed : {"1.5", "18446744073709551616", "-9223372036854775809", "1e3"})
    EXPECT_TRUE(sampling_fault("\"seed\":" + seed).ends_with("expected an integer of 64 bits")) << seed;
  EXPECT_EQ(sampling_fault(R"("seed":"7")"), "~ seed: invalid type: string \"7\", expected a number");
}

TEST(SamplingFields, StopStrings) {
  const auto stop = [](const std::string& value) { return sampling("\"stop\":" + value).stop; };
  using List = std::vector<std::string>;
  EXPECT_EQ(stop("null"), List{});
  EXPECT_EQ(stop("\"```\""), List{"```"});
  EXPECT_EQ(stop(R"(["a","","b"])"), (List{"a", "b"}));
  EXPECT_EQ(stop("\"\""), List{});
  EXPECT_EQ(stop("[]"), List{});
  std::string many = "[\"0\"";
  for (int i = 1; i < 16; ++i) many += ",\"" + std::to_string(i) + "\"";
  EXPECT_EQ(stop(many + "]").size(), 16U);
  EXPECT_EQ(sampling_fault("\"stop\":" + many + ",\"x\"]"), "Invalid stop value, at most 16 strings are allowed");
  EXPECT_EQ(sampling_fault("\"stop\":7"),
            "~ stop: invalid type: integer `7`, expected a string or an array of strings");
  EXPECT_EQ(sampling_fault("\"stop\":[\"a\",null]"), "~ stop[1]: invalid type: null, expected a string");
}

TEST(SamplingFields, StreamOptionsNeedAStream) {
  const auto stream = [](const std::string& members) {
    Call call;
    const std::string refused = fault(members, [&](const JsonField& request) { read_stream(request, call); });
    if (refused != "none") return refused;
    return std::string(call.stream ? "stream" : "body") + (call.include_usage ? " with usage" : "");
  };
  EXPECT_EQ(stream(""), "body");
  EXPECT_EQ(stream(R"("stream":null,"stream_options":null)"), "body");
  EXPECT_EQ(stream(R"("stream":true)"), "stream");
  EXPECT_EQ(stream(R"("stream":true,"stream_options":{})"), "stream");
  EXPECT_EQ(stream(R"("stream":true,"stream_options":{"include_usage":true,"more":1})"), "stream with usage");
  const std::string needs = "stream_options should be set along with stream = true";
  EXPECT_EQ(stream(R"("stream_options":{"include_usage":true})"), needs);
  EXPECT_EQ(stream(R"("stream":false,"stream_options":{})"), needs);
  EXPECT_EQ(stream(R"("stream":true,"stream_options":true)"),
            "~ stream_options: invalid type: boolean `true`, expected a map");
  EXPECT_EQ(stream(R"("stream":1)"), "~ stream: invalid type: integer `1`, expected a boolean");
}

TEST(SamplingFields, UserIds) {
  const auto user = [](const std::string& value, bool strict) {
    Policy policy = test::policy();
    policy.strict_hosted = strict;
    std::string read;
    const std::string refused = fault("\"user_id\":" + value, [&](const JsonField& request) {
      read = read_user_id(request.member("user_id"), policy);
    });
    return refused == "none" ? read : refused;
  };
  for (const bool strict : {false, true}) {
    EXPECT_EQ(user("null", strict), "");
    EXPECT_EQ(user("\"a-B_9\"", strict), "a-B_9");
    EXPECT_EQ(user('"' + std::string(512, 'u') + '"', strict), std::string(512, 'u'));
    EXPECT_EQ(user('"' + std::string(513, 'u') + '"', strict),
              "Invalid user_id value, the valid length of user_id is at most 512 bytes, not 513");
    EXPECT_EQ(user("7", strict), "~ user_id: invalid type: integer `7`, expected a string");
  }
  EXPECT_EQ(user("\"änne @ home\"", false), "änne @ home");
  EXPECT_EQ(user("\"änne\"", true), "Invalid user_id value, user_id must match the pattern '^[a-zA-Z0-9_-]+$'");
}

}  // namespace
}  // namespace fathom::api
