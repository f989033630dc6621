// For tests: a PostgreSQL server of Debian's package, in a temporary folder, reached by a socket there and by nobody
// else. It belongs to a user without rights, for PostgreSQL refuses root, and ends with this process.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace fathom::testing {

class PostgresServer {
 public:
  // The one of this process, started when it is first asked for.
  static PostgresServer& shared();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // Empty: it runs.
  const std::string& why_not() const { return why_not_; }
  // A new, empty database's connection string.
  std::string create_database();

 private:
  PostgresServer();
  void start();
  std::string address(const std::string& database) const;

  std::filesystem::path folder_;
  std::string why_not_;
  pid_t server_ = -1;
  int databases_ = 0;
};

}  // namespace fathom::testing
