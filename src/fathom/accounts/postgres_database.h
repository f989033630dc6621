// A ledger on a PostgreSQL server, through libpq; where that was not found at build time, a clear error.
#pragma once

#include <memory>
#include <string>

#include "fathom/accounts/database.h"

namespace fathom::accounts {

// InputError when there is no such server or it does not let us in.
std::unique_ptr<Database> open_postgres(const std::string& where);

}  // namespace fathom::accounts
