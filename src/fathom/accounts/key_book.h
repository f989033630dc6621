// Keys: who may ask, for what, until when. A key is 256 random bits and is shown once, when it is made; kept is its
// SHA-256. That is enough, and no slow hash of passwords is needed: nobody can try 2^256 keys, and nothing else leads
// from the hash to the key. Looking one up by its hash tells nobody by its time how far a guess was right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/accounts/account_book.h"

namespace fathom::accounts {

struct ApiKey {
  std::string id = {};  // 16 hex digits: it names the key and opens nothing
  std::string account = {};
  std::string label = {};                  // what it is for
  std::string tail = {};                   // its last four characters
  std::vector<std::string> models = {};    // that it may ask; empty: all
  std::vector<std::string> surfaces = {};  // chat, completions, anthropic, responses; empty: all
  bool admin = false;                      // opens /admin
  std::int64_t created = 0;
  std::int64_t expires = 0;  // 0: never
  std::int64_t revoked = 0;  // 0: not
  Limits limits = {};        // beside the account's

  bool holds(std::int64_t now) const { return revoked == 0 && (expires == 0 || now < expires); }
  bool opens_model(std::string_view model) const;
  bool opens_surface(std::string_view surface) const;
};

struct NewKey {
  std::string text;  // sk-...: nobody can be shown it again
  ApiKey key;
};

// "sk-" and 43 characters of base64url.
std::string draw_key();
std::string key_digest(std::string_view text);

// Of `wanted` all but id, tail, created and revoked. These write the audit log; InputError names what cannot be.
NewKey create_key(Database& database, const Actor& actor, const ApiKey& wanted);
void revoke_key(Database& database, const Actor& actor, const std::string& id);
void set_key_limits(Database& database, const Actor& actor, const std::string& id, const Limits& limits);

std::optional<ApiKey> find_key(Database& database, const std::string& digest);
// Of one account, or of all where it is empty; the oldest first.
std::vector<ApiKey> list_keys(Database& database, const std::string& account);
// Whether there ever was one: a ledger whose last key is revoked does not open to everybody.
bool has_keys(Database& database);

}  // namespace fathom::accounts
