// Stands in for postgres_database.cpp where libpq was not found.
#include "fathom/accounts/postgres_database.h"
#include "fathom/base/error.h"

namespace fathom::accounts {

std::unique_ptr<Database> open_postgres(const std::string&) {
  throw InputError("[ledger] this fathom was built without PostgreSQL: install libpq-dev, configure and build again");
}

}  // namespace fathom::accounts
