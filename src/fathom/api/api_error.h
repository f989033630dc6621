// An answer that is an error, as api.md section 8 has it. Thrown by what reads requests; written by every surface.
#pragma once

#include <stdexcept>
#include <string>

namespace fathom::api {

class ApiError : public std::runtime_error {
 public:
  ApiError(int status, std::string type, const std::string& message, std::string code = {})
      : std::runtime_error(message), status_(status), type_(std::move(type)), code_(std::move(code)) {}

  int status() const { return status_; }
  const std::string& type() const { return type_; }
  const std::string& code() const { return code_.empty() ? type_ : code_; }
  // Seconds for a Retry-After header; 0: none.
  double retry_after = 0.0;
  std::string details = {};  // for programs: a JSON object; empty: none

 private:
  int status_;
  std::string type_;
  std::string code_;
};

// {"error": {"message", "type", "param", "code", perhaps "details"}}; on Anthropic's surface "type": "error" beside it.
std::string error_body(const ApiError& error, bool anthropic);

}  // namespace fathom::api
