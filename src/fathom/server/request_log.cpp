#include "fathom/server/request_log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>

#include "fathom/chat/json_text.h"

namespace fathom::server {
namespace {

constexpr std::size_t kWaitingLines = 8192;
constexpr std::size_t kPathBytes = 200;

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::off: return spdlog::level::off;
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::debug: return spdlog::level::debug;
  }
  return spdlog::level::info;
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char letter) { return letter > ' ' && letter < '\x7F' && letter != '"'; });
}

class Line {
 public:
  void text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    if (is_plain(value)) return raw(key, value);
    std::string quoted;
    append_json_string(quoted, value);
    raw(key, quoted);
  }
  void count(std::string_view key, std::int64_t value) { raw(key, fmt::format("{}", value)); }
  void milliseconds(std::string_view key, double seconds) {
    if (seconds >= 0.0) raw(key, fmt::format("{:.1f}", 1e3 * seconds));
  }
  void raw(std::string_view key, std::string_view value) {
    if (!out_.empty()) out_ += ' ';
    out_ += key;
    out_ += '=';
    out_ += value;
  }
  const std::string& out() const { return out_; }

 private:
  std::string out_;
};

}  // namespace

std::string write_record(const RequestRecord& record) {
  Line line;
  line.text("id", record.trace_id);
  line.text("client", record.client);
  line.text("account", record.account);
  line.text("method", record.method);
  line.text("path", std::string_view(record.path).substr(0, kPathBytes));
  line.text("surface", record.surface);
  line.text("model", record.model);
  line.count("status", record.status);
  if (!record.finish.empty()) {
    line.count("stream", record.stream ? 1 : 0);
    line.count("prompt", record.prompt_tokens);
    line.count("cached", record.cached_tokens);
    line.count("output", record.output_tokens);
    line.count("reasoning", record.reasoning_tokens);
    if (record.drafted_tokens > 0) {
      line.count("drafted", record.drafted_tokens);
      line.count("accepted", record.accepted_tokens);
    }
    line.milliseconds("queue_ms", record.queue_seconds);
    line.milliseconds("first_ms", record.first_token_seconds);
    if (record.output_tokens > 1 && record.token_seconds > 0.0)
      line.raw("tokens_per_s",
               fmt::format("{:.1f}", static_cast<double>(record.output_tokens - 1) / record.token_seconds));
  }
  line.milliseconds("ms", record.seconds);
  line.text("finish", record.finish);
  line.text("error", record.error);
  return line.out();
}

std::string write_reading(const RequestRecord& record, std::int64_t tokens_read) {
  Line line;
  line.text("id", record.trace_id);
  line.text("account", record.account);
  line.text("model", record.model);
  line.count("reading", tokens_read);
  line.count("prompt", record.prompt_tokens);
  line.milliseconds("ms", record.seconds);
  return line.out();
}

struct RequestLog::State {
  std::shared_ptr<spdlog::details::thread_pool> pool = std::make_shared<spdlog::details::thread_pool>(kWaitingLines, 1);
  std::shared_ptr<spdlog::async_logger> logger = std::make_shared<spdlog::async_logger>(
      "fathom", std::make_shared<spdlog::sinks::stderr_sink_mt>(), pool, spdlog::async_overflow_policy::overrun_oldest);
};

RequestLog::RequestLog(LogLevel level) : state_(std::make_unique<State>()) {
  state_->logger->set_level(level_of(level));
  state_->logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
}

RequestLog::~RequestLog() = default;

void RequestLog::request(const RequestRecord& record) {
  const auto level = record.status >= 500 ? spdlog::level::err : spdlog::level::info;
  if (state_->logger->should_log(level)) state_->logger->log(level, write_record(record));
}

void RequestLog::reading(const RequestRecord& record, std::int64_t tokens_read) {
  if (state_->logger->should_log(spdlog::level::info))
    state_->logger->log(spdlog::level::info, write_reading(record, tokens_read));
}

void RequestLog::info(std::string_view text) { state_->logger->info(text); }
void RequestLog::error(std::string_view text) { state_->logger->error(text); }
void RequestLog::debug(std::string_view text) { state_->logger->debug(text); }

}  // namespace fathom::server
