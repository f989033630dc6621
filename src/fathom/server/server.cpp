#include "fathom/server/server.h"

#include <fmt/format.h>

#include <ctime>

namespace fathom::server {
namespace {

constexpr std::chrono::seconds kClosing{10};  // that connections may take to hear that they are closed

api::Policy policy_of(const ServerParts& parts) {
  api::Policy policy = parts.policy;
  for (const HostedModel& model : parts.models)
    policy.models.push_back({.id = model.id,
                             .context_tokens = model.context_tokens,
                             .max_output_tokens = model.max_output_tokens,
                             .created = model.created});
  return policy;
}

std::map<std::string, HostedModel, std::less<>> by_id(const std::vector<HostedModel>& models) {
  std::map<std::string, HostedModel, std::less<>> all;
  for (const HostedModel& model : models) all.emplace(model.id, model);
  return all;
}

// Who administers is to see that texts are kept.
std::unique_ptr<TextStore> open_texts(const ServerParts& parts, RequestLog& log, std::int64_t now) {
  if (parts.store_texts.empty()) return nullptr;
  auto texts = std::make_unique<TextStore>(parts.store_texts, [&log](const std::string& fault) { log.error(fault); });
  if (parts.ledger != nullptr)
    parts.ledger->with([&](accounts::Database& database) {
      accounts::Transaction transaction(database);
      accounts::write_audit(database, {.name = "serve", .now = now}, "store texts", parts.store_texts, "");
      transaction.commit();
    });
  return texts;
}

}  // namespace

Server::Server(ServerParts parts)
    : host_(parts.http.host),
      ledger_(parts.ledger),
      log_(parts.log_level),
      responses_(parts.responses),
      answers_(parts.answers, parts.answer_disk),
      texts_(open_texts(parts, log_, parts.now ? parts.now() : std::int64_t{std::time(nullptr)})),
      workers_(parts.workers),
      aside_(parts.workers, parts.side_requests),
      services_{.answering = {.config = parts.answering,
                              .policy = policy_of(parts),
                              .models = by_id(parts.models),
                              .responses = responses_,
                              .answers = answers_,
                              .workers = workers_,
                              .metrics = metrics_,
                              .log = log_,
                              .ledger = ledger_.get(),
                              .texts = texts_.get()},
                .dialects = std::move(parts.dialects),
                .keys = parts.keys_file.empty() ? Keys() : Keys::load(parts.keys_file),
                .gate = gate_,
                .aside = aside_,
                .cors_origins = std::move(parts.cors_origins),
                .version = std::move(parts.version),
                .draining = [this] { return draining_.load(); },
                .http_figures = [this] { return figures_.load(); },
                .now = parts.now ? std::move(parts.now) : [] { return std::int64_t{std::time(nullptr)}; }} {
  http_ = std::make_unique<HttpServer>(
      parts.http,
      HttpHooks{.handler = [this](const std::shared_ptr<Exchange>& exchange) { route(exchange, services_); },
                .fault = [this](const HttpFault& fault,
                                const HttpRequest& request) { return fault_response(fault, request, services_); },
                .on_token_written = [this](double seconds) { metrics_.token_written(seconds); },
                .on_internal_error = [this](std::string_view what) { log_.error(what); }});
  figures_ = &http_->figures();
}

// Connections first: their answers are cancelled. Then the workers, whose last jobs find nobody waiting; then what the
// ledger was told of them; then the threads that heard of it.
Server::~Server() {
  http_->close();
  workers_.stop();
  aside_.stop();
  if (ledger_ != nullptr) {
    http_->wait_until_closed(kClosing);
    ledger_->flush();
  }
  figures_ = nullptr;
  http_.reset();
}

std::string Server::url() const {
  const bool is_v6 = host_.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", tls() ? "https" : "http", is_v6 ? "[" : "", host_, is_v6 ? "]" : "", port());
}

void Server::drain() {
  draining_ = true;
  for (const auto& [id, model] : services_.answering.models) model.generator->drain();
  http_->drain();
}

}  // namespace fathom::server
