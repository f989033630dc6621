#include "fathom/server/request_log.h"

#include <gtest/gtest.h>

namespace fathom::server {
namespace {

TEST(RequestLog, ALineSaysWhatHappenedAndNotWhatWasSaid) {
  RequestRecord record;
  record.trace_id = "0123";
  record.client = "127.0.0.1";
  record.method = "POST";
  record.path = "/v1/messages";
  record.surface = "anthropic";
  record.model = "deepseek-v4-flash";
  record.status = 200;
  record.stream = true;
  record.prompt_tokens = 100;
  record.cached_tokens = 64;
  record.output_tokens = 11;
  record.reasoning_tokens = 4;
  record.queue_seconds = 0.0021;
  record.first_token_seconds = 0.25;
  record.token_seconds = 0.5;
  record.seconds = 0.7504;
  record.finish = "stop";
  EXPECT_EQ(
      write_record(record),
      "id=0123 client=127.0.0.1 method=POST path=/v1/messages surface=anthropic model=deepseek-v4-flash status=200 "
      "stream=1 prompt=100 cached=64 output=11 reasoning=4 queue_ms=2.1 first_ms=250.0 tokens_per_s=20.0 ms=750.4 "
      "finish=stop");
}

TEST(RequestLog, ALongPromptIsFollowed) {
  RequestRecord record;
  record.trace_id = "0123";
  record.model = "deepseek-v4-flash";
  record.prompt_tokens = 14213;
  record.seconds = 5.0004;
  EXPECT_EQ(write_reading(record, 4096), "id=0123 model=deepseek-v4-flash reading=4096 prompt=14213 ms=5000.4");
}

TEST(RequestLog, WithoutAnAnswerThereAreNoTokens) {
  RequestRecord record;
  record.method = "GET";
  record.surface = "models";
  record.status = 401;
  record.error = "no \"key\"";
  EXPECT_EQ(write_record(record), R"(method=GET surface=models status=401 ms=0.0 error="no \"key\"")");
}

// A path is the client's own words: it can neither begin a line nor fill the disk.
TEST(RequestLog, WhatAClientSendsStaysInItsPlace) {
  RequestRecord record;
  record.path = "/a\nid=forged status=200 \x1B[2J";
  const std::string line = write_record(record);
  EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  EXPECT_NE(line.find(R"(path="/a\nid=forged)"), std::string::npos) << line;
  EXPECT_EQ(line.find('\x1B'), std::string::npos) << line;
  record.path = std::string(100'000, 'x');
  EXPECT_LT(write_record(record).size(), 400U);
}

TEST(RequestLog, LevelsAreObeyed) {
  const auto lines_at = [](LogLevel level) {
    ::testing::internal::CaptureStderr();
    {
      RequestLog log(level);
      RequestRecord record;
      record.status = 200;
      log.request(record);
      record.status = 500;
      log.request(record);
      log.info("a word");
      log.error("a fault");
      log.debug("a detail");
    }
    const std::string text = ::testing::internal::GetCapturedStderr();
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(lines_at(LogLevel::off), 0);
  EXPECT_EQ(lines_at(LogLevel::error), 2);
  EXPECT_EQ(lines_at(LogLevel::info), 4);
  EXPECT_EQ(lines_at(LogLevel::debug), 5);
}

}  // namespace
}  // namespace fathom::server
