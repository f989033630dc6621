// Everything wrong with one checkpoint, told at once: the first few faults in words and how many there are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fathom {

// A name out of a file, safe to print: cut at 120 bytes, control characters replaced.
std::string printable(std::string_view name);

// "[2, 3]"
std::string shape_text(const std::vector<std::int64_t>& shape);

class FaultList {
 public:
  void add(std::string text);
  bool empty() const { return count_ == 0; }
  // InputError "[place] subject: ..." when there is any fault.
  void throw_if_any(std::string_view place, std::string_view subject) const;

 private:
  static constexpr std::int64_t kTold = 5;
  std::vector<std::string> told_;
  std::int64_t count_ = 0;
};

}  // namespace fathom
