#include "fathom/accounts/access.h"

#include "fathom/accounts/calendar.h"
#include "fathom/accounts/request_book.h"

namespace fathom::accounts {

Access find_access(Database& database, const std::string& digest, std::int64_t now) {
  Access access;
  std::optional<ApiKey> key = digest.empty() ? std::nullopt : find_key(database, digest);
  access.today = day_of(now);
  access.keys_exist = key.has_value() || has_keys(database);
  if (!key || !key->holds(now)) return access;
  std::optional<Account> account = find_account(database, key->account);
  if (!account || account->closed != 0) return access;
  const std::int64_t today = day_of(now);
  // Sums are looked for where somebody asks for them.
  if (account->limits.tokens_per_day > 0)
    access.account_tokens_today = tokens_on_day(database, today, account->name, "");
  if (key->limits.tokens_per_day > 0) access.key_tokens_today = tokens_on_day(database, today, account->name, key->id);
  access.key = std::move(key);
  access.account = std::move(account);
  return access;
}

}  // namespace fathom::accounts
