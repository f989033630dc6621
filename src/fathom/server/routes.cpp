#include "fathom/server/routes.h"

#include <atomic>
#include <map>

#include "fathom/api/hosted_errors.h"
#include "fathom/api/json_object.h"
#include "fathom/server/administration.h"
#include "fathom/server/chat_page.h"
#include "fathom/server/cors.h"
#include "fathom/server/experts.h"
#include "fathom/server/faults.h"
#include "fathom/server/health.h"
#include "fathom/server/preparation.h"

namespace fathom::server {
namespace {

// One request on its way through; what a handler needs of it.
struct Visit {
  std::shared_ptr<Exchange> exchange;
  const RouteServices& services;
  RouteMatch match;
  std::vector<HttpHeader> headers;
  Visitor visitor;
  RequestRecord record;
  Clock::time_point start = Clock::now();
  std::shared_ptr<Aside::Place> place = nullptr;  // beside models
};

void note(Visit& visit) {
  visit.record.seconds = std::chrono::duration<double>(Clock::now() - visit.start).count();
  visit.services.answering.metrics.request(visit.record);
  visit.services.answering.log.request(visit.record);
}

void finish(Visit& visit, HttpResponse response) {
  if (visit.place != nullptr) visit.place->leave();  // before its client knows that it may ask again
  visit.record.status = response.status;
  visit.exchange->respond(std::move(response));
  note(visit);
}

void answer(Visit& visit, std::string body, const std::string& type = "application/json") {
  HttpResponse response{.status = 200, .headers = visit.headers, .body = std::move(body)};
  response.headers.push_back({"content-type", type});
  finish(visit, std::move(response));
}

void answer_error(Visit& visit, const api::ApiError& error) {
  visit.record.error = error.what();
  finish(visit, error_response(error, visit.match.anthropic, visit.headers));
}

// Ids that share a generator are one loaded model: their names, joined by a comma.
std::map<const Generator*, std::string> loaded_models(const RouteServices& services) {
  std::map<const Generator*, std::string> loaded;
  for (const auto& [id, model] : services.answering.models) {
    std::string& name = loaded[model.generator.get()];
    if (!name.empty()) name += ",";
    name += id;
  }
  return loaded;
}

std::vector<ModelLoad> loads(const RouteServices& services) {
  std::vector<ModelLoad> all;
  for (const auto& [generator, name] : loaded_models(services)) all.push_back({name, generator->load()});
  return all;
}

std::vector<ModelExperts> experts(const RouteServices& services) {
  std::vector<ModelExperts> all;
  for (const auto& [generator, name] : loaded_models(services)) all.push_back({name, generator->expert_choices()});
  return all;
}

api::RequestContext context_of(const Visit& visit) {
  const HttpRequest& request = visit.exchange->request();
  return {.beta = visit.match.beta,
          .now = visit.services.now(),
          .user_agent = std::string(request.header("user-agent")),
          .anthropic_beta = std::string(request.header("anthropic-beta")),
          .session_affinity = std::string(request.header("x-session-affinity"))};
}

void generate(Visit& visit, const Dialect& dialect) {
  const accounts::Ledger* ledger = visit.services.answering.ledger;
  const auto& account = visit.visitor.access.account;
  if (account && ledger != nullptr && !ledger->can_charge(account->currency)) throw api::no_prices(account->currency);
  admit(visit.visitor, visit.services.gate, visit.match.endpoint, visit.services.now());
  answer_call(visit.exchange, visit.services.answering,
              {.dialect = &dialect,
               .anthropic = visit.match.anthropic,
               .headers = visit.headers,
               .context = context_of(visit),
               .visitor = visit.visitor,
               .record = visit.record});
}

// On threads beside those that prepare answers; it does not begin once its client is gone.
void answer_aside(Visit& asked, std::int64_t bytes, std::function<HttpResponse(const Visit&)> find) {
  asked.place = asked.services.aside.enter(asked.visitor.account);
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  asked.exchange->on_gone([gone] { *gone = true; });
  asked.services.aside.run(bytes, [visit = asked, gone, find = std::move(find)] {
    if (*gone) {
      visit.exchange->post([visit]() mutable {
        visit.record.finish = "gone";
        note(visit);
      });
      return;
    }
    try {
      HttpResponse response = find(visit);
      response.headers.insert(response.headers.begin(), visit.headers.begin(), visit.headers.end());
      visit.exchange->post([visit, response = std::move(response)]() mutable { finish(visit, std::move(response)); });
    } catch (const std::exception& fault) {
      visit.exchange->post(
          [visit, error = as_api_error(fault, visit.record.trace_id, visit.services.answering.log)]() mutable {
            answer_error(visit, error);
          });
    }
  });
}

// What is made of the body, for a book may take seconds.
void answer_from_body(Visit& asked, std::function<std::string(const Visit&, std::string_view body)> make) {
  auto body = std::make_shared<ReceivedBody>(asked.exchange->take_body());
  const auto bytes = static_cast<std::int64_t>(body->bytes.size());
  answer_aside(asked, bytes, [body, make = std::move(make)](const Visit& visit) -> HttpResponse {
    return {.status = 200, .headers = {{"content-type", "application/json"}}, .body = make(visit, body->bytes)};
  });
}

void count(Visit& asked) {
  answer_from_body(asked, [context = context_of(asked)](const Visit& visit, std::string_view body) {
    const AnsweringServices& answering = visit.services.answering;
    const api::Call call = visit.services.dialects.anthropic.read(body, answering.policy, context);
    if (!visit.visitor.opens_model(call.model)) throw api::no_permission(call.model);
    const Preparation preparation{
        .policy = answering.policy, .owner = visit.visitor.account, .memory = &answering.answers};
    return visit.services.dialects.token_count(count_tokens(call, answering.models.at(call.model), preparation));
  });
}

// Whoever may ask the model may see what it would read; while that is made, it counts as a request.
void show_prompt(Visit& asked) {
  const auto write = asked.match.endpoint == Endpoint::tokenize ? tokenized : templated;
  answer_from_body(asked, [context = context_of(asked), write](const Visit& visit, std::string_view body) {
    const AnsweringServices& answering = visit.services.answering;
    const api::PromptWish wish = api::read_prompt_wish(body, answering.policy, context);
    Visitor visitor = visit.visitor;
    admit(visitor, visit.services.gate, wish.call.completion ? Endpoint::completions : Endpoint::chat,
          visit.services.now());  // it may have waited over midnight
    if (!visitor.opens_model(wish.call.model)) throw api::no_permission(wish.call.model);
    const Preparation preparation{.policy = answering.policy,
                                  .owner = visitor.account,
                                  .memory = &answering.answers,
                                  .context_tokens = visitor.pass == nullptr ? 0 : visitor.pass->context_tokens()};
    return write(wish, answering.models.at(wish.call.model), preparation);
  });
}

// Anthropic's clients say which version they speak, whatever the path.
const ModelLists& model_lists(const Visit& visit) {
  const bool anthropic = visit.match.anthropic || !visit.exchange->request().header("anthropic-version").empty();
  return anthropic ? visit.services.dialects.anthropic_models : visit.services.dialects.models;
}

// Models that this visitor's key opens, with what tokens cost it now where there is a ledger: our own field.
api::Policy offered(const Visit& visit) {
  api::Policy policy = visit.services.answering.policy;
  std::erase_if(policy.models, [&](const api::ServedModel& model) { return !visit.visitor.opens_model(model.id); });
  const accounts::Ledger* ledger = visit.services.answering.ledger;
  if (ledger == nullptr) return policy;
  const auto& account = visit.visitor.access.account;
  const accounts::PriceCard* card = ledger->card(account ? account->currency : accounts::Account().currency);
  if (card == nullptr) return policy;
  constexpr std::int64_t kMillion = 1'000'000;
  const std::int64_t now = visit.services.now();
  for (api::ServedModel& model : policy.models) {
    if (card->price_at(model.id, now) == nullptr) continue;
    const auto cost = [&](const accounts::TokenCounts& tokens) { return card->cost(model.id, now, tokens).exact(); };
    model.price = api::JsonObject()
                      .text("currency", card->currency())
                      .json("hit", cost({.hit = kMillion}))
                      .json("miss", cost({.miss = kMillion}))
                      .json("output", cost({.output = kMillion}))
                      .close();
  }
  return policy;
}

void answer_model(Visit& visit) {
  const auto text = model_lists(visit).one(offered(visit), visit.match.parameter);
  if (text) return answer(visit, *text);
  answer_error(visit, api::nothing_there(visit.record.path));
}

void answer_health(Visit& visit, bool may_know) {
  const RouteServices& services = visit.services;
  Health health{.draining = services.draining(), .version = services.version, .models = {}};
  if (may_know) health.models = loads(services);
  HttpResponse response{.status = health.draining ? 503 : 200, .headers = visit.headers, .body = write_health(health)};
  response.headers.push_back({"content-type", "application/json"});
  finish(visit, std::move(response));
}

void administer_ledger(Visit& visit) {
  const RouteServices& services = visit.services;
  if (services.answering.ledger == nullptr) return answer_error(visit, api::nothing_there(visit.record.path));
  if (!visit.visitor.admin) {
    if (visit.visitor.key.empty()) throw api::no_key();
    throw api::no_permission("administration");
  }
  auto request = std::make_shared<HttpRequest>(visit.exchange->request());
  request->body = visit.exchange->take_body().bytes;
  answer_aside(visit, 0, [request](const Visit& asked) {
    return administer(*asked.services.answering.ledger, *request, asked.match.parameter,
                      {.name = "key " + asked.visitor.key, .now = asked.services.now()});
  });
}

void answer_usage(Visit& visit) {
  accounts::Ledger* ledger = visit.services.answering.ledger;
  if (ledger == nullptr) return answer_error(visit, api::nothing_there(visit.record.path));
  auto request = std::make_shared<HttpRequest>(visit.exchange->request());
  answer_aside(visit, 0, [request, ledger](const Visit& asked) {
    const std::string& account = asked.visitor.account;
    return own_usage(*ledger, *request, account.empty() ? std::string(accounts::kNobody) : account,
                     asked.services.now());
  });
}

void answer_balance(Visit& visit) {
  const auto& account = visit.visitor.access.account;
  visit.place = visit.services.aside.enter(visit.visitor.account);
  answer(visit, account ? balance_of(*account) : visit.services.dialects.balance());
}

void answer_page(Visit& visit) {
  const HttpRequest& request = visit.exchange->request();
  HttpResponse response = page_response({.asset = visit.match.parameter,
                                         .if_none_match = request.header("if-none-match"),
                                         .accept_encoding = request.header("accept-encoding")},
                                        visit.headers);
  if (response.status == 404) return answer_error(visit, api::nothing_there(visit.record.path));
  finish(visit, std::move(response));
}

void dispatch(Visit& visit) {
  const bool may_know = visit.visitor.may_know;
  const RouteServices& services = visit.services;
  const Dialects& dialects = services.dialects;
  switch (visit.match.endpoint) {
    case Endpoint::chat: return generate(visit, dialects.chat);
    case Endpoint::completions: return generate(visit, dialects.completions);
    case Endpoint::messages: return generate(visit, dialects.anthropic);
    case Endpoint::responses: return generate(visit, dialects.responses);
    case Endpoint::count_tokens: return count(visit);
    case Endpoint::tokenize:
    case Endpoint::apply_template: return show_prompt(visit);
    case Endpoint::models: return answer(visit, model_lists(visit).all(offered(visit)));
    case Endpoint::model: return answer_model(visit);
    case Endpoint::balance: return answer_balance(visit);
    case Endpoint::usage: return answer_usage(visit);
    case Endpoint::admin: return administer_ledger(visit);
    case Endpoint::health: return answer_health(visit, may_know);
    case Endpoint::metrics:
      if (!may_know) throw api::no_permission("the figures of all accounts");
      return answer(visit, services.answering.metrics.write(loads(services), services.http_figures()),
                    "text/plain; version=0.0.4; charset=utf-8");
    case Endpoint::experts:
      if (!may_know) throw api::no_permission("the figures of all accounts");
      return answer(visit, write_experts(experts(services)));
    case Endpoint::page: return answer_page(visit);
    case Endpoint::probe: return answer(visit, "");
    case Endpoint::none: break;
  }
  const HttpRequest& request = visit.exchange->request();
  if (visit.match.allow.empty()) return answer_error(visit, api::nothing_there(visit.record.path));
  visit.headers.push_back({"allow", visit.match.allow});
  answer_error(visit, {405, "invalid_request_error",
                       "The method of " + request.path() + " is " + visit.match.allow + ", not " + request.method});
}

// A browser asks for the page before it has a key, a balancer never has one, and a probe gets nothing anyway.
bool is_open(const RouteMatch& match, std::string_view method) {
  return match.endpoint == Endpoint::page || match.endpoint == Endpoint::health ||
         (match.endpoint == Endpoint::probe && method == "HEAD");
}

// Whoever is known goes on.
void go_on(Visit& visit, const std::function<Visitor()>& identify) {
  try {
    try {
      visit.visitor = identify();
    } catch (const api::ApiError&) {
      if (!is_open(visit.match, visit.exchange->request().method)) throw;
      visit.visitor.may_know = false;
    }
    visit.record.account = visit.visitor.account;
    dispatch(visit);
  } catch (const std::exception& fault) {
    answer_error(visit, as_api_error(fault, visit.record.trace_id, visit.services.answering.log));
  }
}

Visitor visitor_of_file(const RouteServices& services, const HttpRequest& request) {
  Visitor visitor;
  visitor.account = services.keys.account(request);
  return visitor;
}

// The ledger's thread looks the key up, so that a key works from the moment it is made and until it is revoked, and no
// socket waits. Keys of the file are known without it.
void look_up(Visit visit) {
  const RouteServices& services = visit.services;
  const std::string presented(presented_key(visit.exchange->request()));
  const auto gone = std::make_shared<bool>(false);
  visit.exchange->on_gone([gone] { *gone = true; });
  services.answering.ledger->look_up(
      presented.empty() ? std::string() : accounts::key_digest(presented), services.now(),
      [visit, presented, gone](const std::exception_ptr& fault, accounts::Access access) {
        access.keys_exist = access.keys_exist || visit.services.keys.required();
        visit.exchange->post([visit, presented, gone, fault, access = std::move(access)]() mutable {
          if (*gone) return;
          go_on(visit, [&] {
            if (fault) std::rethrow_exception(fault);
            return visitor_of(access, presented);
          });
        });
      });
}

}  // namespace

void route(const std::shared_ptr<Exchange>& exchange, const RouteServices& services) {
  const HttpRequest& request = exchange->request();
  const std::string path = request.path();
  Visit visit{
      .exchange = exchange,
      .services = services,
      .match = find_route(request.method, path),
      .headers = cors_headers(request, services.cors_origins),
      .visitor = {},
      .record = {.trace_id = request.trace_id, .client = request.client, .method = request.method, .path = path}};
  visit.record.surface = endpoint_name(visit.match.endpoint);
  if (request.method == "OPTIONS") return finish(visit, {.status = 204, .headers = visit.headers, .body = {}});
  const bool by_file = services.keys.required() && services.keys.knows(request);
  const bool anybody = is_open(visit.match, request.method) && visit.match.endpoint != Endpoint::health;
  if (services.answering.ledger != nullptr && !by_file && !anybody) return look_up(visit);
  go_on(visit, [&] { return visitor_of_file(services, request); });
}

HttpResponse fault_response(const HttpFault& fault, const HttpRequest& request, const RouteServices& services) {
  const api::ApiError error(fault.status, fault.status >= 500 ? "service_unavailable_error" : "invalid_request_error",
                            fault.message);
  RequestRecord record{.trace_id = request.trace_id,
                       .client = request.client,
                       .surface = "none",
                       .status = fault.status,
                       .error = fault.message};
  services.answering.metrics.request(record);
  services.answering.log.request(record);
  return error_response(error, false, {});
}

}  // namespace fathom::server
