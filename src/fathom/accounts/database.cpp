#include "fathom/accounts/database.h"

#include <charconv>

#include "fathom/accounts/migrations.h"
#include "fathom/accounts/postgres_database.h"
#include "fathom/accounts/sqlite_database.h"
#include "fathom/base/error.h"

namespace fathom::accounts {

std::int64_t Row::number(std::size_t column) const {
  const std::string& found = text(column);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(found.data(), found.data() + found.size(), value);
  if (error != std::errc() || end != found.data() + found.size())
    throw InternalError("[ledger] column {} is \"{}\", expected a whole number", column, found);
  return value;
}

bool is_postgres(std::string_view where) {
  return where.starts_with("postgresql://") || where.starts_with("postgres://");
}

std::string public_place(const std::string& where) {
  if (!is_postgres(where)) return where;
  const std::size_t user = where.find("://") + 3;
  const std::size_t at = where.find('@', user);
  const std::size_t colon = where.find(':', user);
  std::string shown = where;
  if (at != std::string::npos && colon < at) shown.erase(colon, at - colon);
  return shown.substr(0, shown.find('?'));  // behind it there may be one too
}

std::unique_ptr<Database> open_database(const std::string& where) {
  auto database = is_postgres(where) ? open_postgres(where) : open_sqlite(where);
  migrate(*database);
  return database;
}

}  // namespace fathom::accounts
