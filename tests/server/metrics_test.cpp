#include "fathom/server/metrics.h"

#include <gtest/gtest.h>

#include <thread>

namespace fathom::server {
namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, CountsRequestsTokensAndTimes) {
  Metrics metrics;
  RequestRecord record;
  record.surface = "chat";
  record.status = 200;
  record.prompt_tokens = 100;
  record.cached_tokens = 64;
  record.output_tokens = 7;
  record.reasoning_tokens = 3;
  record.queue_seconds = 0.02;
  record.first_token_seconds = 0.3;
  record.finish = "stop";
  metrics.request(record);
  metrics.request(record);
  record = {};
  record.surface = "models";
  record.status = 401;
  metrics.request(record);
  metrics.between_tokens(0.004);
  metrics.token_written(0.0002);
  HttpFigures http;
  http.open = 5;
  http.bytes_out = 1 << 20;
  const std::string text =
      metrics.write({{"flash", {.running = 2, .waiting = 1, .disk_hits = 3, .draining = true}}}, &http);
  EXPECT_TRUE(has_line(text, R"(fathom_requests_total{status="200",surface="chat"} 2)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_requests_total{status="401",surface="models"} 1)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_answers_total{finish="stop",surface="chat"} 2)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_tokens_total{kind="prompt"} 200)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_tokens_total{kind="cached"} 128)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_tokens_total{kind="output"} 14)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_tokens_total{kind="reasoning"} 6)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_queue_seconds_bucket{le="0.025"} 2)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_queue_seconds_bucket{le="0.01"} 0)")) << text;
  EXPECT_TRUE(has_line(text, "fathom_first_token_seconds_count 2")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_between_tokens_seconds_bucket{le="0.005"} 1)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_token_written_seconds_bucket{le="0.00025"} 1)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_engine{figure="running",model="flash"} 2)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_engine{figure="draining",model="flash"} 1)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_engine{figure="disk_hits",model="flash"} 3)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_http{figure="open"} 5)")) << text;
  EXPECT_TRUE(has_line(text, R"(fathom_http{figure="bytes_out"} 1048576)")) << text;
}

TEST(Metrics, AnAnswerThatNeverBeganHasNoTimes) {
  Metrics metrics;
  RequestRecord record;
  record.surface = "chat";
  record.status = 429;
  record.finish = "refused";
  metrics.request(record);
  const std::string text = metrics.write({}, nullptr);
  EXPECT_TRUE(has_line(text, "fathom_queue_seconds_count 0")) << text;
  EXPECT_TRUE(has_line(text, "fathom_first_token_seconds_count 0")) << text;
}

TEST(Metrics, ManyThreadsMayRecord) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      RequestRecord record;
      record.surface = "chat";
      record.status = 200;
      for (int k = 0; k < 500; ++k) {
        metrics.request(record);
        metrics.between_tokens(0.001);
        if (k % 100 == 0) metrics.write({{"m", {}}}, nullptr);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(has_line(metrics.write({}, nullptr), R"(fathom_requests_total{status="200",surface="chat"} 2000)"));
}

}  // namespace
}  // namespace fathom::server
