// Where a sequence's last tokens stood before in its own text: what followed there is a guess at what follows now
// (prompt lookup). Code that is edited and text that is quoted repeat for long.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fathom {

class RepetitionIndex {
 public:
  struct Match {
    std::int64_t next = 0;    // the place behind the earlier occurrence; 0: there is none
    std::int64_t length = 0;  // tokens that are equal before it, at most kLongest
  };
  static constexpr std::int64_t kShortest = 3;  // tokens that must be equal
  static constexpr std::int64_t kLongest = 16;  // that are compared

  // The newest earlier place where the last tokens of the text stood. Texts only grow between calls.
  Match find(std::span<const std::int32_t> tokens);

 private:
  void add(std::span<const std::int32_t> tokens, std::int64_t end);
  std::size_t slot(std::span<const std::int32_t> tokens, std::int64_t end) const;
  void make_room(std::int64_t tokens);

  // [a power of two]: the end of the newest occurrence of what hashes there; 0: none. Tokens are compared, not hashes.
  std::vector<std::int32_t> ends_;
  std::int64_t indexed_ = 0;  // occurrences that end here or before are in
};

}  // namespace fathom
