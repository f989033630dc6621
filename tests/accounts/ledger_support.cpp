#include "tests/accounts/ledger_support.h"

#include <stdlib.h>

#include <stdexcept>

#include "tests/accounts/postgres_support.h"

namespace fathom::testing {

// In memory where there is such a folder: hundreds of commits would wait for a disk that others use too.
std::filesystem::path quick_folder() {
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (quick_folder() / "fathom_ledger_XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void LedgerTest::SetUp() {
  if (GetParam() == "postgres") {
    if (!PostgresServer::shared().why_not().empty()) GTEST_SKIP() << PostgresServer::shared().why_not();
    where_ = PostgresServer::shared().create_database();
  } else {
    where_ = (folder_.path() / "ledger.sqlite").string();
  }
  database_ = connect();
}

std::string kind_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

}  // namespace fathom::testing
