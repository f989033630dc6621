#include "fathom/grammar/token_masks.h"

#include <algorithm>
#include <utility>

#include "fathom/base/error.h"

namespace fathom::grammar {
namespace {

constexpr std::size_t kFewTokens = 1024;

void permit(std::span<std::uint32_t> mask, std::int32_t token) { mask[token / 32] |= 1u << (token % 32); }

void sort_beyond(const std::vector<Vocabulary::Node>& nodes, const std::vector<std::int32_t>& ends, StateMask& result) {
  const auto each_child = [&](const auto& visit) {
    for (const std::int32_t end : ends)
      for (std::int32_t child = end + 1; child < nodes[end].after; child = nodes[child].after) visit(child);
  };
  each_child([&](std::int32_t child) { ++result.beyond_of[nodes[child].byte + 1]; });
  for (std::size_t byte = 0; byte < 256; ++byte) result.beyond_of[byte + 1] += result.beyond_of[byte];
  result.beyond.resize(static_cast<std::size_t>(result.beyond_of[256]));
  std::array<std::int32_t, 257> next = result.beyond_of;
  each_child([&](std::int32_t child) { result.beyond[next[nodes[child].byte]++] = child; });
}

}  // namespace

StateMasks::StateMasks(std::shared_ptr<const Vocabulary> vocabulary, std::shared_ptr<const Automaton> automaton,
                       State shared, std::shared_ptr<StateMasks> of_shared)
    : vocabulary_(std::move(vocabulary)),
      automaton_(std::move(automaton)),
      shared_(shared),
      of_shared_(std::move(of_shared)) {}

std::shared_ptr<const StateMask> StateMasks::at(State state) {
  if (of_shared_ && state < shared_) return of_shared_->at(state);
  const std::lock_guard lock(mutex_);
  const auto known = known_.find(state);
  if (known != known_.end()) return known->second;
  if (bytes_ > kMostBytes) {
    known_.clear();
    bytes_ = 0;
  }
  auto made = std::make_shared<const StateMask>(work_out(state));
  bytes_ += sizeof(StateMask) + 4 * (made->mask.size() + made->tokens.size() + made->beyond.size());
  return known_[state] = std::move(made);
}

StateMask StateMasks::work_out(State state) const {
  Configurations sets(*automaton_, /*bounded=*/false);
  StateMask result;
  std::vector<std::int32_t> ends;  // nodes at which the rule may be over
  const std::vector<Vocabulary::Node>& nodes = vocabulary_->nodes();
  std::vector<SetId> path(static_cast<std::size_t>(vocabulary_->longest()) + 1);
  path[0] = sets.begin(state);
  for (std::size_t at = 0; at < nodes.size();) {
    const Vocabulary::Node& node = nodes[at];
    const SetId set = sets.step(path[node.depth - 1], node.byte);
    if (set == kDead) {
      at = node.after;
      continue;
    }
    path[node.depth] = set;
    if (node.token >= 0) result.tokens.push_back(node.token);
    const ConfigurationSet& now = sets.set(set);
    result.reach = std::max(result.reach, now.reach);
    if (now.finished) ends.push_back(static_cast<std::int32_t>(at));
    ++at;
  }
  if (vocabulary_->dsml && sets.step(path[0], kDsmlSymbol) != kDead) result.tokens.push_back(*vocabulary_->dsml);
  sort_beyond(nodes, ends, result);
  if (result.tokens.size() > kFewTokens) {
    result.mask.resize(vocabulary_->mask_words());
    for (const std::int32_t token : result.tokens) permit(result.mask, token);
    result.tokens = {};
  }
  return result;
}

GrammarWalk::GrammarWalk(std::shared_ptr<StateMasks> masks, State start)
    : masks_(std::move(masks)),
      sets_(masks_->automaton(), /*bounded=*/true),
      at_(sets_.begin(start)),
      path_(static_cast<std::size_t>(masks_->vocabulary().longest()) + 1) {}

void GrammarWalk::allowed(std::span<std::uint32_t> mask) {
  check_equal(mask.size(), masks_->vocabulary().mask_words(), "words of a token mask");
  const auto known = known_.find(at_);
  if (known != known_.end()) {
    std::copy(known->second.begin(), known->second.end(), mask.begin());
    return;
  }
  std::fill(mask.begin(), mask.end(), 0u);
  work_out(mask);
  if (known_.size() >= kMostMasks) known_.clear();
  known_[at_].assign(mask.begin(), mask.end());
}

void GrammarWalk::work_out(std::span<std::uint32_t> mask) {
  // By value: walking adds sets.
  const std::vector<Configuration> members = sets_.set(at_).members;
  if (members.size() > kManyMembers) return walk_all(mask);
  const std::vector<Vocabulary::Node>& nodes = masks_->vocabulary().nodes();
  for (const Configuration& member : members) {
    const std::shared_ptr<const StateMask> state = masks_->at(member.state);
    // Near the limit on depth the mask without a stack allows too much.
    if (sets_.stack(member.stack).depth + state->reach > Automaton::kDepthLimit) return walk_all(mask);
    for (std::size_t word = 0; word < state->mask.size(); ++word) mask[word] |= state->mask[word];
    for (const std::int32_t token : state->tokens) permit(mask, token);
    if (state->beyond.empty() || member.stack == kEmptyStack) continue;
    const SetId beyond = sets_.behind(member.stack);
    for (int byte = 0; byte < 256; ++byte) {
      const std::int32_t first = state->beyond_of[byte], last = state->beyond_of[byte + 1];
      if (first == last || sets_.step(beyond, byte) == kDead) continue;
      for (std::int32_t at = first; at < last; ++at) {
        const std::int32_t node = state->beyond[at];
        path_[nodes[node].depth - 1] = beyond;
        walk(node, nodes[node].after, mask);
      }
    }
  }
}

void GrammarWalk::walk_all(std::span<std::uint32_t> mask) {
  std::fill(mask.begin(), mask.end(), 0u);
  path_[0] = at_;
  walk(0, static_cast<std::int32_t>(masks_->vocabulary().nodes().size()), mask);
  const std::optional<std::int32_t> dsml = masks_->vocabulary().dsml;
  if (dsml && sets_.step(at_, kDsmlSymbol) != kDead) permit(mask, *dsml);
}

// Permits the tokens at the nodes from..end that path_ leads to.
void GrammarWalk::walk(std::int32_t from, std::int32_t end, std::span<std::uint32_t> mask) {
  const std::vector<Vocabulary::Node>& nodes = masks_->vocabulary().nodes();
  for (std::int32_t at = from; at < end;) {
    const Vocabulary::Node& next = nodes[at];
    const SetId stepped = sets_.step(path_[next.depth - 1], next.byte);
    if (stepped == kDead) {
      at = next.after;
      continue;
    }
    path_[next.depth] = stepped;
    if (next.token >= 0) permit(mask, next.token);
    ++at;
  }
}

bool GrammarWalk::accept(std::int32_t token) {
  const Vocabulary& vocabulary = masks_->vocabulary();
  if (!vocabulary.has(token)) return false;
  if (vocabulary.dsml && token == *vocabulary.dsml) {
    const SetId next = sets_.step(at_, kDsmlSymbol);
    if (next == kDead) return false;
    at_ = next;
    trim();
    return true;
  }
  return !vocabulary.bytes(token).empty() && accept_bytes(vocabulary.bytes(token));
}

bool GrammarWalk::accept_bytes(std::string_view bytes) {
  const SetId next = behind(bytes);
  if (next == kDead) return false;
  at_ = next;
  trim();
  return true;
}

bool GrammarWalk::takes(std::string_view bytes) const { return behind(bytes) != kDead; }

SetId GrammarWalk::behind(std::string_view bytes) const {
  SetId next = at_;
  for (const char byte : bytes) {
    next = sets_.step(next, static_cast<unsigned char>(byte));
    if (next == kDead) break;
  }
  return next;
}

void GrammarWalk::end_guess() {
  at_ = before_guess_;
  before_guess_ = kDead;
}

void GrammarWalk::trim() {
  if (sets_.sets() < kMostSets || before_guess_ != kDead) return;
  at_ = sets_.keep_only(at_);
  known_.clear();
}

}  // namespace fathom::grammar
