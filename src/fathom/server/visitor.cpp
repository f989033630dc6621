#include "fathom/server/visitor.h"

#include "fathom/api/hosted_errors.h"

namespace fathom::server {
namespace {

api::ApiError as_api_error(const accounts::Overrun& overrun) {
  using Kind = accounts::Overrun::Kind;
  if (overrun.kind == Kind::in_flight)
    return api::too_many_requests(overrun.found, overrun.limit, overrun.retry_after_seconds);
  return api::too_many_tokens(overrun.kind == Kind::tokens_per_day ? "TPD" : "TPM", overrun.found, overrun.limit,
                              overrun.retry_after_seconds);
}

}  // namespace

Visitor visitor_of(const accounts::Access& access, std::string_view presented) {
  if (!access.may_ask()) throw presented.empty() ? api::no_key() : api::unknown_key(presented);
  Visitor visitor;
  visitor.access = access;
  if (!access.key) return visitor;
  visitor.account = access.account->name;
  visitor.key = access.key->id;
  visitor.currency = access.account->currency;
  visitor.admin = visitor.may_know = access.key->admin;
  return visitor;
}

void admit(Visitor& visitor, accounts::Gate& gate, Endpoint surface, std::int64_t now) {
  const accounts::Access& access = visitor.access;
  if (!access.key) return;
  const std::string_view name = endpoint_name(surface);
  if (!access.key->opens_surface(name)) throw api::no_permission(name);
  if (!access.account->may_spend()) throw api::no_balance();
  accounts::Gate::Verdict verdict = gate.enter(access, now);
  if (const auto* overrun = std::get_if<accounts::Overrun>(&verdict)) throw as_api_error(*overrun);
  visitor.pass = std::get<std::shared_ptr<accounts::Gate::Pass>>(std::move(verdict));
}

void admit_prompt(const Visitor& visitor, std::string_view model, std::int64_t tokens, std::int64_t now) {
  if (!visitor.opens_model(model)) throw api::no_permission(model);
  if (visitor.pass == nullptr) return;
  if (const auto overrun = visitor.pass->take_prompt(tokens, now)) throw as_api_error(*overrun);
}

}  // namespace fathom::server
