// Who changed what: every administrative act, written in the act's own transaction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fathom/accounts/database.h"

namespace fathom::accounts {

// Who acts, and when: the ledger's own clock is the caller's.
struct Actor {
  std::string name = {};  // "key 4f1c…" or "command ada"
  std::int64_t now = 0;
};

struct AuditEntry {
  std::int64_t at = 0;
  std::string actor = {};
  std::string act = {};      // "create account"
  std::string subject = {};  // an account's name or a key's id
  std::string detail = {};   // what was set; never a key
};

void write_audit(Database& database, const Actor& actor, const std::string& act, const std::string& subject,
                 const std::string& detail);
// The newest first, at most so many.
std::vector<AuditEntry> read_audit(Database& database, std::int64_t most);

}  // namespace fathom::accounts
