// Which documents of a source are taken, and in what pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace fathom {

// One document in a hundred, chosen by its text alone, is held out: the same in whatever file or order it comes.
enum class HoldOut { none, train, test };

bool is_held_out(std::string_view document);
bool belongs_to(HoldOut part, std::string_view document);

// Too little to learn from: fewer than this many bytes that are no white space.
inline constexpr std::size_t kLeastBytes = 32;
bool is_near_empty(std::string_view document);

// Takes about `wanted` of `all` bytes, spread evenly from the first document to the last.
class Thinning {
 public:
  Thinning(std::uint64_t all, std::uint64_t wanted) : all_(all), wanted_(wanted) {}
  bool takes(std::uint64_t bytes);

 private:
  std::uint64_t all_ = 0;
  std::uint64_t wanted_ = 0;
  std::uint64_t seen_ = 0;
  std::uint64_t taken_ = 0;
};

// Pieces of at most `longest` bytes which together are the document: cut behind an empty line where the last quarter
// holds one, else behind a line, a space, or at least a character.
std::vector<std::string_view> split_long(std::string_view document, std::size_t longest);

}  // namespace fathom
