#include "fathom/accounts/key_book.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "fathom/base/digest.h"
#include "fathom/base/error.h"

namespace fathom::accounts {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kTailLength = 4;
constexpr std::size_t kLabelLength = 200;
constexpr std::array<std::string_view, 4> kSurfaces = {"chat", "completions", "anthropic", "responses"};
constexpr std::string_view kColumns =
    "id, account, label, tail, models, surfaces, admin, created, expires, revoked, in_flight, tokens_per_minute, "
    "tokens_per_day, context_tokens";

template <std::size_t size>
std::array<unsigned char, size> draw_bytes() {
  std::array<unsigned char, size> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(size)) != 1) throw InternalError("[keys] there are no random bytes");
  return bytes;
}

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ",")); }

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    words.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return words;
}

bool opens(const std::vector<std::string>& scope, std::string_view name) {
  return scope.empty() || std::find(scope.begin(), scope.end(), name) != scope.end();
}

ApiKey key_of(const Row& row) {
  return {.id = row.text(0),
          .account = row.text(1),
          .label = row.text(2),
          .tail = row.text(3),
          .models = words_of(row.text(4)),
          .surfaces = words_of(row.text(5)),
          .admin = row.number(6) != 0,
          .created = row.number(7),
          .expires = row.number(8),
          .revoked = row.number(9),
          .limits = {.in_flight = row.number(10),
                     .tokens_per_minute = row.number(11),
                     .tokens_per_day = row.number(12),
                     .context_tokens = row.number(13)}};
}

void check_wanted(Database& database, const Actor& actor, const ApiKey& wanted) {
  const auto account = find_account(database, wanted.account);
  if (!account) throw InputError("[keys] there is no account {}", wanted.account);
  if (account->closed != 0) throw InputError("[keys] account {} is closed", wanted.account);
  if (wanted.label.size() > kLabelLength)
    throw InputError("[keys] the label has {} bytes, expected at most {}", wanted.label.size(), kLabelLength);
  for (const std::string& surface : wanted.surfaces)
    if (std::find(kSurfaces.begin(), kSurfaces.end(), surface) == kSurfaces.end())
      throw InputError("[keys] {} is no surface, expected one of {}", surface, fmt::join(kSurfaces, ", "));
  for (const std::string& model : wanted.models)
    if (model.empty() || model.find(',') != std::string::npos) throw InputError("[keys] \"{}\" names no model", model);
  if (wanted.expires != 0 && wanted.expires <= actor.now)
    throw InputError("[keys] it would expire at {}, which is past {}", wanted.expires, actor.now);
  check_limits(wanted.limits);
}

void check_there(Database& database, const std::string& id) {
  if (database.run("SELECT id FROM api_key WHERE id = $1", {id}).empty())
    throw InputError("[keys] there is no key {}", id);
}

}  // namespace

bool ApiKey::opens_model(std::string_view model) const { return opens(models, model); }

bool ApiKey::opens_surface(std::string_view surface) const { return opens(surfaces, surface); }

std::string draw_key() {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text = "sk-";
  unsigned bits = 0;
  int count = 0;
  for (const unsigned char byte : draw_bytes<kKeyBytes>()) {
    bits = bits << 8U | byte;
    for (count += 8; count >= 6; count -= 6) text += kLetters[bits >> static_cast<unsigned>(count - 6) & 63U];
  }
  text += kLetters[bits << static_cast<unsigned>(6 - count) & 63U];
  return text;
}

std::string key_digest(std::string_view text) {
  return to_hex(Hasher().add(std::as_bytes(std::span(text.data(), text.size()))).finish());
}

NewKey create_key(Database& database, const Actor& actor, const ApiKey& wanted) {
  NewKey made{.text = draw_key(), .key = wanted};
  ApiKey& key = made.key;
  key.id.clear();
  for (const unsigned char byte : draw_bytes<kIdBytes>()) key.id += fmt::format("{:02x}", byte);
  key.tail = made.text.substr(made.text.size() - kTailLength);
  key.created = actor.now;
  key.revoked = 0;
  Transaction transaction(database);
  check_wanted(database, actor, wanted);
  database.run(fmt::format("INSERT INTO api_key (digest, {}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, "
                           "$12, $13, $14)",
                           kColumns),
               {key_digest(made.text), key.id, key.account, key.label, key.tail, joined(key.models),
                joined(key.surfaces), std::int64_t{key.admin}, key.created, key.expires, key.limits.in_flight,
                key.limits.tokens_per_minute, key.limits.tokens_per_day, key.limits.context_tokens});
  write_audit(database, actor, "create key", key.id,
              fmt::format("account={} admin={} models={} surfaces={} expires={} limits: {}", key.account,
                          key.admin ? 1 : 0, key.models.empty() ? "all" : joined(key.models),
                          key.surfaces.empty() ? "all" : joined(key.surfaces), key.expires, write_limits(key.limits)));
  transaction.commit();
  return made;
}

void revoke_key(Database& database, const Actor& actor, const std::string& id) {
  Transaction transaction(database);
  check_there(database, id);
  database.run("UPDATE api_key SET revoked = $2 WHERE id = $1 AND revoked = 0", {id, actor.now});
  write_audit(database, actor, "revoke key", id, "");
  transaction.commit();
}

void set_key_limits(Database& database, const Actor& actor, const std::string& id, const Limits& limits) {
  check_limits(limits);
  Transaction transaction(database);
  check_there(database, id);
  database.run(
      "UPDATE api_key SET in_flight = $2, tokens_per_minute = $3, tokens_per_day = $4, context_tokens = $5 "
      "WHERE id = $1",
      {id, limits.in_flight, limits.tokens_per_minute, limits.tokens_per_day, limits.context_tokens});
  write_audit(database, actor, "set key limits", id, write_limits(limits));
  transaction.commit();
}

std::optional<ApiKey> find_key(Database& database, const std::string& digest) {
  const auto rows = database.run(fmt::format("SELECT {} FROM api_key WHERE digest = $1", kColumns), {digest});
  if (rows.empty()) return std::nullopt;
  return key_of(rows.front());
}

std::vector<ApiKey> list_keys(Database& database, const std::string& account) {
  std::vector<ApiKey> keys;
  for (const Row& row :
       database.run(fmt::format("SELECT {} FROM api_key WHERE account = $1 OR $1 = '' ORDER BY created, id", kColumns),
                    {account}))
    keys.push_back(key_of(row));
  return keys;
}

bool has_keys(Database& database) { return !database.run("SELECT id FROM api_key LIMIT 1").empty(); }

}  // namespace fathom::accounts
