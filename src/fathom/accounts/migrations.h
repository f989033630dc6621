// The ledger's tables, from one numbered list of SQL that both databases take. A step that was released is never
// changed: what is new is a new step.
#pragma once

#include <cstdint>

#include "fathom/accounts/database.h"

namespace fathom::accounts {

// The last step's number.
std::int64_t schema_version();
// Takes the steps that are missing, each whole or not at all. InputError for a ledger of a newer fathom.
void migrate(Database& database);

}  // namespace fathom::accounts
