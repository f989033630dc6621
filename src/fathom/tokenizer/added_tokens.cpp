#include "fathom/tokenizer/added_tokens.h"

#include <algorithm>

#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

// The character that ends at `end`, where end > 0.
Utf8Step step_before(std::string_view text, std::size_t end) {
  for (std::size_t length = 1; length <= 4 && length <= end; ++length) {
    const Utf8Step step = utf8_step(text.substr(0, end), end - length);
    if (step.valid && static_cast<std::size_t>(step.length) == length) return step;
  }
  return {};
}

bool inside_word(std::string_view text, AddedTokens::Match match, const UnicodeClasses& classes) {
  return (match.begin > 0 && classes.is_word(step_before(text, match.begin).code_point)) ||
         (match.end < text.size() && classes.is_word(utf8_step(text, match.end).code_point));
}

std::size_t white_begin(std::string_view text, std::size_t from, std::size_t end, const UnicodeClasses& classes) {
  while (end > from) {
    const Utf8Step step = step_before(text, end);
    if (!classes.is_space(step.code_point)) break;
    end -= static_cast<std::size_t>(step.length);
  }
  return std::max(end, from);
}

std::size_t white_end(std::string_view text, std::size_t begin, const UnicodeClasses& classes) {
  while (begin < text.size()) {
    const Utf8Step step = utf8_step(text, begin);
    if (!classes.is_space(step.code_point)) break;
    begin += static_cast<std::size_t>(step.length);
  }
  return begin;
}

}  // namespace

AddedTokens::AddedTokens(std::span<const AddedToken> tokens) : tokens_(tokens.begin(), tokens.end()) {
  std::sort(tokens_.begin(), tokens_.end(),
            [](const AddedToken& left, const AddedToken& right) { return left.content < right.content; });
  // The tokens [low, high) share the first `depth` bytes that lead to a node.
  struct Range {
    std::size_t low, high, depth;
  };
  std::vector<Range> ranges{{0, tokens_.size(), 0}};
  nodes_.emplace_back();
  for (std::size_t node = 0; node < ranges.size(); ++node) {
    auto [low, high, depth] = ranges[node];
    nodes_[node].first_child = static_cast<std::uint32_t>(nodes_.size());
    if (low < high && tokens_[low].content.size() == depth) nodes_[node].token = static_cast<std::int32_t>(low++);
    while (low < high) {
      const char byte = tokens_[low].content[depth];
      const std::size_t begin = low;
      while (low < high && tokens_[low].content[depth] == byte) ++low;
      ranges.push_back({begin, low, depth + 1});
      nodes_.push_back({.byte = static_cast<std::uint8_t>(byte)});
      ++nodes_[node].children;
    }
  }
  for (const AddedToken& token : tokens_) begins_[static_cast<unsigned char>(token.content[0])] = true;
}

const AddedTokens::Node* AddedTokens::child(const Node& node, unsigned char byte) const {
  const Node* first = nodes_.data() + node.first_child;
  for (const Node* place = first; place != first + node.children; ++place)
    if (place->byte == byte) return place;
  return nullptr;
}

std::optional<AddedTokens::Match> AddedTokens::longest_at(std::string_view text, std::size_t at) const {
  std::optional<Match> found;
  const Node* node = nodes_.data();
  for (std::size_t end = at; end < text.size();) {
    node = child(*node, static_cast<unsigned char>(text[end]));
    if (node == nullptr) break;
    ++end;
    if (node->token >= 0) found = Match{at, end, node->token};
  }
  return found;
}

std::optional<AddedTokens::Match> AddedTokens::next(std::string_view text, std::size_t from,
                                                    const UnicodeClasses& classes) const {
  if (tokens_.empty()) return std::nullopt;
  for (std::size_t at = from; at < text.size();) {
    if (!begins_[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    std::optional<Match> match = longest_at(text, at);
    if (!match) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<std::size_t>(match->id)];
    if (token.single_word && inside_word(text, *match, classes)) {
      at = match->end;  // Hugging Face's engine takes up the search behind a match that it refuses
      continue;
    }
    match->id = token.id;
    if (token.lstrip) match->begin = white_begin(text, from, match->begin, classes);
    if (token.rstrip) match->end = white_end(text, match->end, classes);
    return match;
  }
  return std::nullopt;
}

}  // namespace fathom
