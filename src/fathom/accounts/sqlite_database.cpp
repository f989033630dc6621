#include "fathom/accounts/sqlite_database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "fathom/base/error.h"

namespace fathom::accounts {
namespace {

constexpr int kBusyMilliseconds = 10'000;  // another process writes: it never takes long

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
struct EndStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, EndStatement>;

// Ready for its next use, whatever happened.
class Use {
 public:
  explicit Use(sqlite3_stmt* statement) : statement_(statement) {}
  ~Use() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  sqlite3_stmt* statement_;
};

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(const std::filesystem::path& file);

  using Database::run;
  std::vector<Row> run(std::string_view sql, std::span<const Argument> arguments) override;
  // At once as a writer: one that reads first and writes later could be refused in between.
  void begin() override { run("BEGIN IMMEDIATE"); }
  void roll_back() noexcept override {
    if (sqlite3_get_autocommit(connection_.get()) == 0)
      sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  void lock_schema() override {}  // a writer is alone
  void lock_sums() override {}

 private:
  sqlite3_stmt* prepared(std::string_view sql);
  [[noreturn]] void fail(std::string_view what) const {
    throw InternalError("[ledger] {}: {} ({})", place_, sqlite3_errmsg(connection_.get()), what);
  }

  std::string place_;
  std::unique_ptr<sqlite3, CloseConnection> connection_;
  std::map<std::string, Statement, std::less<>> statements_;  // end before the connection
};

// Keys' digests and what people spend are nobody else's to read; the log beside it gets the same rights. A file that is
// there is never opened here: closing any descriptor of it would take this process's locks away from its other
// connections, and the next process to end would remove the log under them.
void make_private(const std::filesystem::path& file) {
  std::error_code ignored;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), ignored);
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) ::close(descriptor);
  if (descriptor < 0 && errno != EEXIST)
    throw InputError("[ledger] {}: cannot be made ({})", file.string(), std::strerror(errno));
}

SqliteDatabase::SqliteDatabase(const std::filesystem::path& file) : place_(file.string()) {
  make_private(file);
  sqlite3* connection = nullptr;
  const int opened = sqlite3_open_v2(file.c_str(), &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  connection_.reset(connection);
  if (opened != SQLITE_OK) throw InputError("[ledger] {}: {}", place_, sqlite3_errstr(opened));
  sqlite3_busy_timeout(connection, kBusyMilliseconds);
  try {
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = FULL");
    run("PRAGMA foreign_keys = ON");
  } catch (const InternalError& error) {
    throw InputError("{}", error.what());
  }
}

sqlite3_stmt* SqliteDatabase::prepared(std::string_view sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) return found->second.get();
  sqlite3_stmt* made = nullptr;
  if (sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()), &made, nullptr) != SQLITE_OK)
    fail(sql);
  return statements_.emplace(std::string(sql), Statement(made)).first->second.get();
}

std::vector<Row> SqliteDatabase::run(std::string_view sql, std::span<const Argument> arguments) {
  sqlite3_stmt* statement = prepared(sql);
  const Use use(statement);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const int at = sqlite3_bind_parameter_index(statement, fmt::format("${}", i + 1).c_str());
    if (at == 0) continue;
    const auto* text = std::get_if<std::string>(&arguments[i]);
    const int bound = text == nullptr ? sqlite3_bind_int64(statement, at, std::get<std::int64_t>(arguments[i]))
                                      : sqlite3_bind_text(statement, at, text->data(), static_cast<int>(text->size()),
                                                          SQLITE_TRANSIENT);
    if (bound != SQLITE_OK) fail(sql);
  }
  std::vector<Row> rows;
  const int width = sqlite3_column_count(statement);
  int state = sqlite3_step(statement);
  for (; state == SQLITE_ROW; state = sqlite3_step(statement)) {
    std::vector<std::string> columns;
    columns.reserve(static_cast<std::size_t>(width));
    for (int column = 0; column < width; ++column) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      columns.emplace_back(text == nullptr ? "" : text,
                           static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    }
    rows.emplace_back(std::move(columns));
  }
  if (state != SQLITE_DONE) fail(sql);
  return rows;
}

}  // namespace

std::unique_ptr<Database> open_sqlite(const std::filesystem::path& file) {
  return std::make_unique<SqliteDatabase>(file);
}

}  // namespace fathom::accounts
