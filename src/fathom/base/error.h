// Three kinds of wrong, and none of them ends the process.
//
//   InputError     the caller's fault: a bad file, flag or request. Text opens with the place: "[safetensors] ...".
//   InternalError  our fault: a shape or a promise broken inside fathom. check() and check_equal() throw it.
//   Result<T>      (result.h) a refusal that is an ordinary answer, such as a full queue.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace fathom {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class InputError : public Error {
 public:
  template <typename... Args>
  explicit InputError(fmt::format_string<Args...> text, Args&&... args)
      : Error(fmt::format(text, std::forward<Args>(args)...)) {}
};

class InternalError : public Error {
 public:
  template <typename... Args>
  explicit InternalError(fmt::format_string<Args...> text, Args&&... args)
      : Error(fmt::format(text, std::forward<Args>(args)...)) {}
};

namespace detail {
[[noreturn]] void check_failed(std::string_view what, const char* file, int line);
[[noreturn]] void check_equal_failed(const std::string& found, const std::string& expected, std::string_view what,
                                     const char* file, int line);
}  // namespace detail

inline void check(bool condition, std::string_view what, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (!condition) detail::check_failed(what, file, line);
}

template <typename A, typename B>
void check_equal(const A& found, const B& expected, std::string_view what, const char* file = __builtin_FILE(),
                 int line = __builtin_LINE()) {
  if (!(found == expected))
    detail::check_equal_failed(fmt::format("{}", found), fmt::format("{}", expected), what, file, line);
}

}  // namespace fathom
