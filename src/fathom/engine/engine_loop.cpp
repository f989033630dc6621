#include "fathom/engine/engine_loop.h"

#include <fmt/format.h>

#include <algorithm>

#include "fathom/base/error.h"

namespace fathom {
namespace {

using Counts = std::map<std::string, std::int64_t>;

// Whoever has no name is not counted.
std::int64_t count_of(const Counts& counts, const std::string& name) {
  const auto found = counts.find(name);
  return found == counts.end() ? 0 : found->second;
}

void count_in(Counts& counts, const std::string& name) {
  if (!name.empty()) ++counts[name];
}

void count_out(Counts& counts, const std::string& name) {
  if (const auto found = counts.find(name); found != counts.end() && --found->second == 0) counts.erase(found);
}

}  // namespace

EngineLoop::EngineLoop(Engine& engine, EngineLoopConfig config)
    : engine_(engine), config_(std::move(config)), thread_([this] { run(); }) {}

EngineLoop::~EngineLoop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  arrival_.notify_all();
  thread_.join();
}

std::optional<Refusal> EngineLoop::refusal(const GenerationRequest& request) const {
  if (draining_) return Refusal{Refusal::Reason::draining, "The server is about to end", 5.0};
  const double retry = departures_.seconds_to_next(Departures::Clock::now());
  const auto beyond = [&](Refusal::Reason reason, std::string_view whose, std::int64_t found, std::int64_t limit) {
    return Refusal{
        reason, fmt::format("{} requests of this {} are being answered or wait, the limit is {}", found, whose, limit),
        retry};
  };
  using Reason = Refusal::Reason;
  const std::int64_t of_account = count_of(of_account_, request.account);
  if (of_account >= config_.account_limit)
    return beyond(Reason::account_limit, "account", of_account, config_.account_limit);
  const std::int64_t of_user = count_of(of_user_, request.user);
  if (of_user >= config_.user_limit) return beyond(Reason::user_limit, "user", of_user, config_.user_limit);
  const auto held = std::ssize(held_);
  // Free places are not yet taken by those who came since the last step.
  const std::int64_t places = figures_.short_of_memory ? figures_.running : engine_.config().max_sequences;
  if (held >= places + config_.queue_limit)
    return Refusal{Refusal::Reason::queue_full,
                   fmt::format("{} requests wait for their turn, the limit is {}",
                               std::max<std::int64_t>(held - places, 0), config_.queue_limit),
                   retry};
  return std::nullopt;
}

std::variant<SequenceId, Refusal> EngineLoop::submit(GenerationRequest request, std::shared_ptr<TokenSink> sink) {
  engine_.check_request(request);
  const std::scoped_lock lock(mutex_);
  if (auto refused = refusal(request)) return std::move(*refused);
  const SequenceId id = next_id_++;
  if (held_.empty()) departures_.busy_from(Departures::Clock::now());
  count_in(of_user_, request.user);
  count_in(of_account_, request.account);
  held_.emplace(id, Held{.sink = std::move(sink), .user = request.user, .account = request.account});
  mail_.requests.emplace_back(id, std::move(request));
  arrival_.notify_all();
  return id;
}

void EngineLoop::cancel_behind(SequenceId id, std::int64_t answered) {
  std::shared_ptr<TokenSink> last_of_it;  // ends without the lock
  const std::scoped_lock lock(mutex_);
  const auto found = held_.find(id);
  if (found == held_.end()) return;
  last_of_it = forget(found);
  mail_.cancelled.emplace_back(id, answered);
  arrival_.notify_all();
}

std::shared_ptr<TokenSink> EngineLoop::forget(std::map<SequenceId, Held>::iterator held) {
  auto sink = std::move(held->second.sink);
  count_out(of_user_, held->second.user);
  count_out(of_account_, held->second.account);
  if (held->second.read > 0 || held->second.answers) departures_.departed(Departures::Clock::now());
  held_.erase(held);
  return sink;
}

GeneratorLoad EngineLoop::load() const {
  const store::BlobStore* disk = engine_.config().prefix.disk.store.get();
  const store::StoreFigures stored = disk == nullptr ? store::StoreFigures{} : disk->figures();
  const std::scoped_lock lock(mutex_);
  const auto held = std::ssize(held_);
  const std::int64_t running = std::min(figures_.running, held);
  return {.running = running,
          .waiting = held - running,
          .queue_limit = config_.queue_limit,
          .cache_bytes = figures_.cache_bytes,
          .cache_bytes_limit = engine_.config().cache_bytes,
          .prompt_tokens = figures_.prompt_tokens,
          .cached_tokens = figures_.cached_tokens,
          .sampled_tokens = figures_.sampled_tokens,
          .steps = figures_.steps,
          .prefix_hits = figures_.hits,
          .prefix_bytes = figures_.kept.bytes,
          .prefix_snapshots = figures_.kept.snapshots,
          .prefix_evictions = figures_.kept.evictions,
          .disk_bytes = stored.bytes,
          .disk_blobs = stored.blobs,
          .disk_written_bytes = stored.written_bytes,
          .disk_read_bytes = stored.read_bytes,
          .disk_dropped = stored.dropped_puts + figures_.disk_dropped,
          .disk_damaged = stored.damaged,
          .disk_hits = figures_.disk_hits,
          .disk_tokens = figures_.disk_tokens,
          .disk_forgone = figures_.disk_forgone,
          .drafted_tokens = figures_.drafted,
          .accepted_tokens = figures_.accepted,
          .draining = draining_,
          .backend = engine_.backend_figures()};
}

void EngineLoop::drain() {
  const std::scoped_lock lock(mutex_);
  draining_ = true;
}

void EngineLoop::run() {
  while (true) {
    Mail mail;
    {
      std::unique_lock lock(mutex_);
      arrival_.wait(lock, [this] { return stopping_ || !mail_.empty() || !engine_.idle(); });
      if (stopping_) return;
      std::swap(mail, mail_);
    }
    const std::vector<TokenEvent> events = step(std::move(mail));
    if (config_.on_fault)
      for (const TokenEvent& event : events)
        if (!event.fault.empty()) config_.on_fault(event.fault);
    hand_over(events);
  }
}

std::vector<TokenEvent> EngineLoop::step(Mail mail) {
  try {
    for (auto& [id, request] : mail.requests) engine_.submit_as(id, std::move(request));
    for (const auto& [id, answered] : mail.cancelled) engine_.cancel(id, answered);
    return engine_.step();
  } catch (const std::exception& fault) {
    return give_up(fault);
  }
}

// Nothing is known of the engine's state after that: all that was accepted ends.
std::vector<TokenEvent> EngineLoop::give_up(const std::exception& fault) {
  std::vector<TokenEvent> events;
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, held] : held_)
    events.push_back({.sequence = id, .finish = FinishReason::overloaded, .fault = fault.what()});
  for (const TokenEvent& event : events) engine_.cancel(event.sequence);
  mail_.requests.clear();
  return events;
}

void EngineLoop::hand_over(const std::vector<TokenEvent>& events) {
  std::vector<std::shared_ptr<TokenSink>> ended;  // end without the lock
  const std::scoped_lock lock(mutex_);
  figures_ = engine_.figures();
  for (auto& [id, held] : held_) {
    if (held.answers) continue;
    const std::int64_t read = engine_.tokens_read(id);
    if (read > held.read) held.sink->on_progress({.read = held.read = read, .found = engine_.tokens_found(id)});
  }
  for (const TokenEvent& event : events) {
    const auto found = held_.find(event.sequence);
    if (found == held_.end()) continue;  // cancelled while the step ran
    found->second.answers = true;
    found->second.sink->on_token(event);
    if (event.finish != FinishReason::none) ended.push_back(forget(found));
  }
}

}  // namespace fathom
