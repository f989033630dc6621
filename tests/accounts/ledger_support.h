// For tests: an empty ledger in a temporary folder, or on a PostgreSQL server that the first test to ask starts there.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "fathom/accounts/audit_log.h"
#include "fathom/accounts/database.h"

namespace fathom::testing {

inline const accounts::Actor kOperator{.name = "test", .now = 1'780'000'000};  // 2026-05-28

std::filesystem::path quick_folder();

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Every test of this suite runs on each kind of database.
class LedgerTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override;
  // Another connection to the same ledger.
  std::unique_ptr<accounts::Database> connect() const { return accounts::open_database(where_); }
  accounts::Database& database() { return *database_; }
  const std::string& where() const { return where_; }

 private:
  TemporaryFolder folder_;
  std::string where_;
  std::unique_ptr<accounts::Database> database_;
};

std::string kind_of(const ::testing::TestParamInfo<std::string>& info);

}  // namespace fathom::testing
