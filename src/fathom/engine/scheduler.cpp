#include "fathom/engine/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

#include "fathom/base/error.h"

namespace fathom {
namespace {

// A decoded token takes a pass over the weights that a prompt's token shares with its chunk.
constexpr double kDecodeCost = 2.0;
constexpr double kPromptCost = 1.0;
// Of the prompts' room, given out at a time.
constexpr std::int64_t kQuantum = 32;

}  // namespace

// Whoever runs has room for a token in every step.
Scheduler::Scheduler(const SchedulerLimits& limits, KeptMemory* kept) : limits_(limits), kept_(kept) {
  limits_.sequences = std::min(limits_.sequences, limits_.step_tokens);
}

void Scheduler::join(SequenceId id, const std::string& user, std::int64_t tokens, const std::string& account) {
  check(tokens > 0, "a sequence has tokens");
  // No user's name begins like that: names come from JSON and keys, and are prefixed by neither.
  const std::string share = user.empty() ? fmt::format("\x01{}", id) : "\x02" + user;
  const std::string group = account.empty() ? share : "\x03" + account;
  const bool fresh = sequences_.emplace(id, Sequence{.user = share, .account = group, .tokens = tokens}).second;
  check(fresh, "a sequence joins once");
  accounts_.join(group);
  users_.join(share);
  of_user_[share].join(id);
}

void Scheduler::leave(SequenceId id) {
  const auto found = sequences_.find(id);
  if (found == sequences_.end()) return;
  if (found->second.running) {
    park(found);
    parked_since_leave_ = false;
  }
  const std::string user = found->second.user;
  accounts_.leave(found->second.account);
  users_.leave(user);
  of_user_[user].leave(id);
  sequences_.erase(found);
  const bool gone =
      std::none_of(sequences_.begin(), sequences_.end(), [&](const auto& entry) { return entry.second.user == user; });
  if (gone) of_user_.erase(user);
}

void Scheduler::grow(SequenceId id, std::int64_t tokens, std::int64_t rejected) {
  Sequence& sequence = sequences_.at(id);
  sequence.tokens += tokens;
  sequence.read -= rejected;
  sequence.answers = true;
}

void Scheduler::propose(SequenceId id, std::int64_t drafts) { sequences_.at(id).drafts = drafts; }

StepPlan Scheduler::plan(std::int64_t prompt_room) {
  StepPlan plan;
  admit(plan);
  decode(plan);
  std::int64_t left = limits_.step_tokens;
  for (const ScheduledRun& run : plan.runs) left -= run.tokens;
  read_prompts(plan, plan.runs.empty() ? left : std::min(left, prompt_room));
  return plan;
}

void Scheduler::stop_at(SequenceId id, std::int64_t tokens) { sequences_.at(id).stop = tokens; }

void Scheduler::share(SequenceId id, std::int64_t pages) {
  Sequence& sequence = sequences_.at(id);
  used_bytes_ -= (pages - sequence.shared) * limits_.cost.page_bytes;
  sequence.shared = pages;
}

std::int64_t Scheduler::own_bytes(const Sequence& sequence) const {
  return limits_.cost.bytes(sequence.pages_to) - sequence.shared * limits_.cost.page_bytes;
}

bool Scheduler::free_up(std::int64_t bytes) {
  if (limits_.cache_bytes == 0) return true;
  const std::int64_t kept = kept_ == nullptr ? 0 : kept_->bytes();
  const std::int64_t lacking = used_bytes_ + kept + bytes - limits_.cache_bytes;
  if (lacking <= 0) return true;
  if (kept_ == nullptr || kept_->spare_bytes() < lacking) return false;
  kept_->release(lacking);
  return true;
}

// Of the account that has the fewest running, the least served of those, the user that has the fewest, the least served
// of those too, and of its sequences the one that came first. Nobody overtakes it: what is large would never find room
// otherwise.
void Scheduler::admit(StepPlan& plan) {
  short_of_memory_ = false;
  while (running_ < limits_.sequences && waiting() > 0) {
    const Entry next = next_to_admit();
    if (next == sequences_.end()) return;
    Sequence& sequence = next->second;
    if (running_ > 0 && parked_since_leave_) {
      short_of_memory_ = true;
      return;
    }
    KeptMemory::Claim claim = kept_ == nullptr ? KeptMemory::Claim{} : kept_->claim(next->first);
    if (claim.wait) {
      sequence.held = true;
      continue;
    }
    sequence.pages_to = sequence.tokens + 1;
    sequence.shared = claim.pages;
    // A page for each that runs stays free, so that admitting one does not park another at once.
    const bool has_room = free_up(own_bytes(sequence) + running_ * limits_.cost.page_bytes);
    if (!has_room && kept_ != nullptr) {
      kept_->forgo(next->first);
      claim = {.stop = claim.stop};
      sequence.shared = 0;
    }
    if (running_ > 0 && !has_room) {
      sequence.pages_to = 0;
      short_of_memory_ = true;
      return;
    }
    if (!has_room) free_up(own_bytes(sequence));  // what it claimed goes too; alone it fits
    sequence.running = true;
    sequence.read = claim.tokens;
    sequence.stop = claim.stop;
    used_bytes_ += own_bytes(sequence);
    ++running_;
    plan.admitted.push_back(next->first);
  }
}

Scheduler::Entry Scheduler::next_to_admit() {
  std::map<std::string_view, std::int64_t> running;
  std::map<std::string_view, std::int64_t> of_account;
  for (const auto& [id, sequence] : sequences_) {
    running[sequence.user] += sequence.running ? 1 : 0;
    of_account[sequence.account] += sequence.running ? 1 : 0;
  }
  const auto order = [&](const Sequence& sequence) {
    return std::tuple(of_account[sequence.account], accounts_.served(sequence.account), running[sequence.user],
                      users_.served(sequence.user));
  };
  Entry next = sequences_.end();
  for (Entry entry = sequences_.begin(); entry != sequences_.end(); ++entry)
    if (!entry->second.running && !entry->second.held &&
        (next == sequences_.end() || order(entry->second) < order(next->second)))
      next = entry;
  return next;
}

std::vector<Scheduler::Entry> Scheduler::by_share(bool (Sequence::*wanted)() const) {
  std::vector<Entry> entries;
  for (auto entry = sequences_.begin(); entry != sequences_.end(); ++entry)
    if ((entry->second.*wanted)()) entries.push_back(entry);
  const auto order = [&](const Entry& entry) {
    const std::string& user = entry->second.user;
    return std::tuple(accounts_.served(entry->second.account), users_.served(user),
                      of_user_.at(user).served(entry->first), entry->first);
  };
  std::sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) { return order(a) < order(b); });
  return entries;
}

void Scheduler::take(Entry entry, std::int64_t tokens, double cost) {
  entry->second.read += tokens;
  accounts_.charge(entry->second.account, cost);
  users_.charge(entry->second.user, cost);
  of_user_.at(entry->second.user).charge(entry->first, cost);
}

void Scheduler::park(Entry entry) {
  Sequence& sequence = entry->second;
  used_bytes_ -= own_bytes(sequence);
  sequence.running = sequence.answers = false;
  sequence.read = sequence.pages_to = sequence.shared = sequence.drafts = 0;
  sequence.stop = KeptMemory::kNever;
  --running_;
}

bool Scheduler::make_room(Entry growing, StepPlan& plan) {
  Sequence& sequence = growing->second;
  const std::int64_t wanted = sequence.read + 1;
  if (wanted <= sequence.pages_to) return true;
  const std::int64_t more = limits_.cost.bytes(wanted) - limits_.cost.bytes(sequence.pages_to);
  while (!free_up(more) && running_ > 1) {
    auto last = std::prev(sequences_.end());
    while (!last->second.running) --last;
    if (kept_ != nullptr) kept_->retire(last->first);
    park(last);
    parked_since_leave_ = true;
    plan.parked.push_back(last->first);
    // It may have been planned already, for this step or for its first.
    std::erase_if(plan.runs, [&](const ScheduledRun& run) { return run.sequence == last->first; });
    std::erase(plan.admitted, last->first);
    if (last == growing) return false;
  }
  sequence.pages_to = wanted;
  used_bytes_ += more;
  return true;
}

void Scheduler::decode(StepPlan& plan) {
  for (const Entry& entry : by_share(&Sequence::decodes)) {
    if (!entry->second.running || !make_room(entry, plan)) continue;  // parked for another's sake, or for its own
    plan.runs.push_back({entry->first, 1});
    take(entry, 1, kDecodeCost);
  }
  // Half of what is left is the prompts'.
  const bool prompts =
      std::any_of(sequences_.begin(), sequences_.end(), [](const auto& e) { return e.second.reads(); });
  std::int64_t left = (limits_.step_tokens - std::ssize(plan.runs)) / (prompts ? 2 : 1);
  for (ScheduledRun& run : plan.runs) {
    const Entry entry = sequences_.find(run.sequence);
    const std::int64_t drafts = room_for_drafts(entry->second, left);
    entry->second.drafts = 0;
    take(entry, drafts, kPromptCost * static_cast<double>(drafts));
    run.tokens += drafts;
    left -= drafts;
  }
}

// Nobody is parked for a guess, and nothing that is kept goes for it.
std::int64_t Scheduler::room_for_drafts(Sequence& sequence, std::int64_t rows_left) {
  const std::int64_t drafts = std::min(sequence.drafts, rows_left);
  if (drafts <= 0) return 0;
  const std::int64_t more = limits_.cost.bytes(sequence.read + drafts) - limits_.cost.bytes(sequence.pages_to);
  if (more <= 0) return drafts;
  const std::int64_t kept = kept_ == nullptr ? 0 : kept_->bytes();
  if (limits_.cache_bytes > 0 && used_bytes_ + kept + more > limits_.cache_bytes) {
    const std::int64_t page = limits_.cost.page_tokens;
    return std::min(drafts, (sequence.pages_to + page - 1) / page * page - sequence.read);
  }
  sequence.pages_to = sequence.read + drafts;
  used_bytes_ += more;
  return drafts;
}

void Scheduler::read_prompts(StepPlan& plan, std::int64_t room) {
  std::map<SequenceId, std::int64_t> shares;
  while (room > 0) {
    const auto readers = by_share(&Sequence::reads);
    if (readers.empty()) break;
    const Entry entry = readers.front();
    const Sequence& sequence = entry->second;
    const std::int64_t tokens = std::min({kQuantum, room, std::min(sequence.tokens, sequence.stop) - sequence.read});
    take(entry, tokens, kPromptCost * static_cast<double>(tokens));
    shares[entry->first] += tokens;
    room -= tokens;
  }
  for (const auto& [id, tokens] : shares) {
    plan.runs.push_back({id, tokens});
    plan.prompt_tokens += tokens;
  }
}

}  // namespace fathom
