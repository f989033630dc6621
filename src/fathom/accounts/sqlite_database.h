// A ledger in a file: SQLite with a write-ahead log, every commit synced.
#pragma once

#include <filesystem>
#include <memory>

#include "fathom/accounts/database.h"

namespace fathom::accounts {

// Makes the file, for its owner alone to read, and its folders. InputError when it cannot be opened or is no database.
std::unique_ptr<Database> open_sqlite(const std::filesystem::path& file);

}  // namespace fathom::accounts
