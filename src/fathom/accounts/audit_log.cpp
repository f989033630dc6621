#include "fathom/accounts/audit_log.h"

namespace fathom::accounts {

void write_audit(Database& database, const Actor& actor, const std::string& act, const std::string& subject,
                 const std::string& detail) {
  database.run("INSERT INTO audit (at, actor, act, subject, detail) VALUES ($1, $2, $3, $4, $5)",
               {actor.now, actor.name, act, subject, detail});
}

std::vector<AuditEntry> read_audit(Database& database, std::int64_t most) {
  std::vector<AuditEntry> entries;
  for (const Row& row : database.run(
           "SELECT at, actor, act, subject, detail FROM audit ORDER BY at DESC, subject, act LIMIT $1", {most}))
    entries.push_back({row.number(0), row.text(1), row.text(2), row.text(3), row.text(4)});
  return entries;
}

}  // namespace fathom::accounts
