// The log: lines of key=value on standard error. A line that the terminal or pipe cannot take yet never holds a request
// up; the oldest waiting line goes instead.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "fathom/server/request_record.h"

namespace fathom::server {

enum class LogLevel : std::uint8_t { off, error, info, debug };

class RequestLog {
 public:
  explicit RequestLog(LogLevel level);
  ~RequestLog();
  RequestLog(const RequestLog&) = delete;
  RequestLog& operator=(const RequestLog&) = delete;

  // info; error from status 500 on.
  void request(const RequestRecord& record);
  // info: its prompt is still being read, so far.
  void reading(const RequestRecord& record, std::int64_t tokens_read);
  void info(std::string_view text);
  void error(std::string_view text);
  void debug(std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "id=... surface=chat ...": values with spaces, quotes or control characters are quoted as JSON.
std::string write_record(const RequestRecord& record);
// "id=... model=... reading=4096 prompt=14213 ms=5000.0".
std::string write_reading(const RequestRecord& record, std::int64_t tokens_read);

}  // namespace fathom::server
