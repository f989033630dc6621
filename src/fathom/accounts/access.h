// What the ledger knows of whoever asks with a key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "fathom/accounts/key_book.h"

namespace fathom::accounts {

struct Access {
  bool keys_exist = false;              // else whoever reaches the server may ask
  std::optional<ApiKey> key = {};       // none: there is no such key, or it opens nothing any more
  std::optional<Account> account = {};  // the key's; none without one
  std::int64_t key_tokens_today = 0;
  std::int64_t account_tokens_today = 0;
  std::int64_t today = -1;  // day_of() of when that was so; -1: now

  bool may_ask() const { return key.has_value() || !keys_exist; }
};

// `digest` of what was given as a key; empty: nothing was.
Access find_access(Database& database, const std::string& digest, std::int64_t now);

}  // namespace fathom::accounts
