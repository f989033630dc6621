#include "fathom/accounts/postgres_database.h"

#include <libpq-fe.h>

#include "fathom/base/error.h"

namespace fathom::accounts {
namespace {

struct CloseConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

// libpq's messages end with a line break, and may have several lines.
std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& letter : text)
    if (letter == '\n') letter = ' ';
  return text;
}

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(const std::string& where) : connection_(connect(where)) {
    if (PQstatus(connection_.get()) != CONNECTION_OK)
      throw InputError("[ledger] {}", one_line(PQerrorMessage(connection_.get())));  // tells no password
    prepare_connection();
  }

  using Database::run;
  std::vector<Row> run(std::string_view sql, std::span<const Argument> arguments) override;
  void begin() override {
    reconnect();
    run("BEGIN");
  }
  void roll_back() noexcept override {
    if (PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) Result(PQexec(connection_.get(), "ROLLBACK"));
  }
  void lock_schema() override { lock(kSchemaLock); }
  void lock_sums() override { lock(kSumsLock); }

 private:
  static constexpr std::int64_t kSchemaLock = 0x6661'7468'6f6d;  // "fathom"
  static constexpr std::int64_t kSumsLock = kSchemaLock + 1;

  void lock(std::int64_t which) { run("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)", {which}); }
  // A database that answers no more must not hold a server: these hold where `where` says nothing else.
  static PGconn* connect(const std::string& where) {
    const char* const words[] = {"connect_timeout", "tcp_user_timeout", "options", "dbname", nullptr};
    const char* const values[] = {"5", "10000", "-c statement_timeout=30000", where.c_str(), nullptr};
    constexpr int kExpand = 1;  // the last word, which is all of `where`
    return PQconnectdbParams(words, values, kExpand);
  }
  // What the server sends beside answers, such as notices, is not for our standard error.
  void prepare_connection() {
    PQsetNoticeProcessor(
        connection_.get(), [](void*, const char*) {}, nullptr);
    run("SET synchronous_commit = on");
  }
  // A server that was restarted is found again.
  void reconnect() {
    if (PQstatus(connection_.get()) == CONNECTION_OK) return;
    PQreset(connection_.get());
    if (PQstatus(connection_.get()) == CONNECTION_OK) prepare_connection();
  }

  std::unique_ptr<PGconn, CloseConnection> connection_;
};

std::vector<Row> PostgresDatabase::run(std::string_view sql, std::span<const Argument> arguments) {
  if (PQtransactionStatus(connection_.get()) == PQTRANS_UNKNOWN) reconnect();
  std::vector<std::string> texts;
  for (const Argument& argument : arguments) {
    const auto* text = std::get_if<std::string>(&argument);
    texts.push_back(text == nullptr ? fmt::format("{}", std::get<std::int64_t>(argument)) : *text);
  }
  std::vector<const char*> values;
  values.reserve(texts.size());
  for (const std::string& text : texts) values.push_back(text.c_str());
  const Result result(PQexecParams(connection_.get(), std::string(sql).c_str(), static_cast<int>(values.size()),
                                   nullptr, values.data(), nullptr, nullptr, 0));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw InternalError("[ledger] {} ({})", one_line(PQerrorMessage(connection_.get())), sql);
  std::vector<Row> rows;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    std::vector<std::string> columns;
    columns.reserve(static_cast<std::size_t>(PQnfields(result.get())));
    for (int column = 0; column < PQnfields(result.get()); ++column)
      columns.emplace_back(PQgetvalue(result.get(), row, column),
                           static_cast<std::size_t>(PQgetlength(result.get(), row, column)));
    rows.emplace_back(std::move(columns));
  }
  return rows;
}

}  // namespace

std::unique_ptr<Database> open_postgres(const std::string& where) { return std::make_unique<PostgresDatabase>(where); }

}  // namespace fathom::accounts
