// The whole server, put together: HTTP, routes, workers, figures, log. It owns all but the models.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "fathom/server/http_server.h"
#include "fathom/server/routes.h"

namespace fathom::server {

struct ServerParts {
  HttpConfig http;
  AnsweringConfig answering;
  int workers = 2;
  std::int64_t side_requests = 32;  // requests at a time beside models (aside.h)
  LogLevel log_level = LogLevel::info;
  std::string keys_file;                               // empty: no keys
  std::shared_ptr<accounts::Ledger> ledger = nullptr;  // null: nothing is recorded
  std::string store_texts = {};                        // folder; empty: no text is kept
  std::vector<std::string> cors_origins = {"*"};
  std::string version = "0";

  api::Policy policy;  // `models` is filled from the models below
  std::vector<HostedModel> models;
  Dialects dialects;
  api::ResponseStore::Limits responses;
  AnswerMemory::Limits answers;
  std::shared_ptr<AnswerDisk> answer_disk = nullptr;  // null: answers are forgotten with the server
  std::function<std::int64_t()> now;                  // seconds since 1970; empty: the system's clock
};

class Server {
 public:
  // Answers from now on. InputError for what cannot be: the address, keys, certificate.
  explicit Server(ServerParts parts);
  // Ends what still runs.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string url() const;
  int port() const { return http_->port(); }
  bool tls() const { return http_->tls(); }
  RequestLog& log() { return log_; }
  const HttpFigures& figures() const { return http_->figures(); }

  // Takes no more connections and requests; what runs goes on.
  void drain();
  // Until nothing runs any more, or the time is over; whether nothing does.
  bool wait_until_idle(std::chrono::milliseconds patience) { return http_->wait_until_closed(patience); }

 private:
  std::string host_;
  const std::shared_ptr<accounts::Ledger> ledger_;
  accounts::Gate gate_;
  RequestLog log_;
  Metrics metrics_;
  api::ResponseStore responses_;
  AnswerMemory answers_;
  const std::unique_ptr<TextStore> texts_;
  Workers workers_;
  Aside aside_;
  RouteServices services_;
  std::atomic<bool> draining_{false};
  std::atomic<const HttpFigures*> figures_{nullptr};  // once there are any
  std::unique_ptr<HttpServer> http_;
};

}  // namespace fathom::server
