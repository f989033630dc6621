// Which tokens an automaton lets come. What a state allows is the same under any stack but for tokens that reach past
// the end of its rule: for each state the mask of the former is worked out once, with the places in the tree of tokens
// where the rule ends; the latter are walked when they are asked for. docs/constrained_decoding.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "fathom/grammar/configurations.h"
#include "fathom/grammar/vocabulary.h"

namespace fathom::grammar {

// What a state allows whatever lies below it on the stack.
struct StateMask {
  std::vector<std::uint32_t> mask;   // [words], or empty if `tokens` has them
  std::vector<std::int32_t> tokens;  // a few
  // Tree nodes whose parent may end the rule, by their byte: those of byte b from beyond_of[b] to beyond_of[b + 1].
  std::vector<std::int32_t> beyond;
  std::array<std::int32_t, 257> beyond_of{};
  std::int32_t reach = 0;  // how deep the walk went or needed to go
};

// Thread-safe. The states below `shared` are the same in every grammar, and so are their masks.
class StateMasks {
 public:
  StateMasks(std::shared_ptr<const Vocabulary> vocabulary, std::shared_ptr<const Automaton> automaton, State shared,
             std::shared_ptr<StateMasks> of_shared);

  std::shared_ptr<const StateMask> at(State state);
  const Vocabulary& vocabulary() const { return *vocabulary_; }
  const Automaton& automaton() const { return *automaton_; }

 private:
  // Of masks that are kept; past it all are worked out again.
  static constexpr std::size_t kMostBytes = std::size_t{32} << 20;

  StateMask work_out(State state) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  std::shared_ptr<const Automaton> automaton_;
  State shared_;
  std::shared_ptr<StateMasks> of_shared_;  // none: this is it
  std::mutex mutex_;
  std::unordered_map<State, std::shared_ptr<const StateMask>> known_;
  std::size_t bytes_ = 0;  // of known_
};

// One walk through an automaton, token by token.
class GrammarWalk {
 public:
  GrammarWalk(std::shared_ptr<StateMasks> masks, State start);

  // Writes every word.
  void allowed(std::span<std::uint32_t> mask);
  // False, and nothing changes, for a token that allowed() does not permit.
  bool accept(std::int32_t token);
  bool accept_bytes(std::string_view bytes);
  // What accept_bytes() would say; nothing changes.
  bool takes(std::string_view bytes) const;
  // Where it is then, end_guess() comes back to.
  void begin_guess() { before_guess_ = at_; }
  void end_guess();
  // The text so far is whole.
  bool finished() const { return sets_.set(at_).finished; }

 private:
  static constexpr std::size_t kManyMembers = 128;  // of a set: one walk for all is cheaper than one each
  static constexpr std::size_t kMostMasks = 64;     // 16 KiB each
  static constexpr std::size_t kMostSets = 4096;    // 1 KiB each

  void work_out(std::span<std::uint32_t> mask);
  void walk_all(std::span<std::uint32_t> mask);
  void walk(std::int32_t from, std::int32_t end, std::span<std::uint32_t> mask);
  SetId behind(std::string_view bytes) const;
  void trim();

  std::shared_ptr<StateMasks> masks_;
  mutable Configurations sets_;  // grows as it is asked
  SetId at_;
  SetId before_guess_ = kDead;  // none
  std::vector<SetId> path_;     // by depth in the tree
  std::unordered_map<SetId, std::vector<std::uint32_t>> known_;
};

}  // namespace fathom::grammar
