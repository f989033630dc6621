// One connection to a ledger's database, SQLite or PostgreSQL. The same SQL goes to both: arguments are $1, $2, ...,
// every column is BIGINT or TEXT and never null, so that a row is texts.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fathom::accounts {

using Argument = std::variant<std::int64_t, std::string>;

class Row {
 public:
  explicit Row(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  const std::string& text(std::size_t column) const { return columns_.at(column); }
  // InternalError if it is none.
  std::int64_t number(std::size_t column) const;

 private:
  std::vector<std::string> columns_;
};

// Used by one thread at a time.
class Database {
 public:
  virtual ~Database() = default;
  // One statement. InternalError when the database refuses, or is away.
  virtual std::vector<Row> run(std::string_view sql, std::span<const Argument> arguments) = 0;
  std::vector<Row> run(std::string_view sql, std::initializer_list<Argument> arguments = {}) {
    return run(sql, std::span(arguments.begin(), arguments.size()));
  }

  // What stands between happens whole or not at all, and is on disk when commit() returns.
  virtual void begin() = 0;
  void commit() { run("COMMIT"); }
  virtual void roll_back() noexcept = 0;
  // Within a transaction: until its end nobody else makes tables.
  virtual void lock_schema() = 0;
  // The same of sums: two servers that added to the same ones in another order would wait for each other.
  virtual void lock_sums() = 0;
};

class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.begin(); }
  ~Transaction() {
    if (!done_) database_.roll_back();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() {
    database_.commit();
    done_ = true;
  }

 private:
  Database& database_;
  bool done_ = false;
};

// A file's path for SQLite, or postgresql://USER@HOST/NAME (libpq's connection strings). Tables are made or brought up
// to date. InputError when it cannot be.
std::unique_ptr<Database> open_database(const std::string& where);
bool is_postgres(std::string_view where);
// Without the password that a connection string may hold.
std::string public_place(const std::string& where);

}  // namespace fathom::accounts
