#include "tests/server/scripted_generator_support.h"

#include <fmt/format.h>

#include <stdexcept>

#include "fathom/base/error.h"
#include "fathom/chat/markers.h"

namespace fathom::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kKeptRequests = 256;

// One line's words and "strings".
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < line.size();) {
    if (line[at] == ' ') {
      ++at;
      continue;
    }
    std::string word;
    if (line[at] == '"') {
      for (++at; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] != '\\' || at + 1 == line.size()) {
          word += line[at];
          continue;
        }
        const char escape = line[++at];
        word += escape == 'n' ? '\n' : escape == 't' ? '\t' : escape;
      }
      if (at == line.size()) throw std::runtime_error(fmt::format("a string does not end: {}", line));
      ++at;
    } else {
      while (at < line.size() && line[at] != ' ') word += line[at++];
    }
    words.push_back(word);
  }
  return words;
}

Refusal refusal_of(const std::vector<std::string>& words) {
  const std::map<std::string, Refusal::Reason> reasons = {{"queue_full", Refusal::Reason::queue_full},
                                                          {"user_limit", Refusal::Reason::user_limit},
                                                          {"account_limit", Refusal::Reason::account_limit},
                                                          {"too_large", Refusal::Reason::too_large},
                                                          {"draining", Refusal::Reason::draining}};
  return {.reason = reasons.at(words.at(1)),
          .message = words.at(2),
          .retry_after_seconds = words.size() > 3 ? std::stod(words[3]) : 0.0};
}

void read_line(const std::vector<std::string>& words, Script& script) {
  using Kind = ScriptStep::Kind;
  const std::string& verb = words.front();
  const std::map<std::string, Kind> with_number = {
      {"read", Kind::read}, {"cached", Kind::cached}, {"pause", Kind::pause}, {"pace", Kind::pace}};
  const std::map<std::string, Kind> with_text = {{"say", Kind::say}, {"wait", Kind::wait}, {"end", Kind::end}};
  if (verb == "when") {
    script.when.assign(words.begin() + 1, words.end());
  } else if (verb == "anywhere") {
    script.anywhere.assign(words.begin() + 1, words.end());
  } else if (verb == "times") {
    script.times = std::stoll(words.at(1));
  } else if (verb == "refuse") {
    script.refusal = refusal_of(words);
  } else if (verb == "reject") {
    script.reject = words.at(1);
  } else if (verb == "crash") {
    script.crash = words.at(1);
  } else if (const auto number = with_number.find(verb); number != with_number.end()) {
    script.steps.push_back({.kind = number->second, .text = {}, .number = std::stoll(words.at(1))});
  } else if (const auto text = with_text.find(verb); text != with_text.end()) {
    script.steps.push_back({.kind = text->second, .text = words.at(1)});
  } else {
    throw std::runtime_error("unknown verb");
  }
}

bool all_in(const std::vector<std::string>& needles, std::string_view text) {
  for (const std::string& needle : needles)
    if (text.find(needle) == std::string_view::npos) return false;
  return true;
}

}  // namespace

std::vector<Script> read_scripts(std::string_view text) {
  std::vector<Script> scripts(1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto words = words_of(line);
    if (words.empty() || words.front().front() == '#') continue;
    if (words.front() == "---") {
      scripts.emplace_back();
      continue;
    }
    try {
      read_line(words, scripts.back());
    } catch (const std::exception& fault) {
      throw std::runtime_error(fmt::format("no line of a script: {} ({})", line, fault.what()));
    }
  }
  return scripts;
}

ScriptedGenerator::ScriptedGenerator(std::shared_ptr<const Tokenizer> tokenizer, std::int32_t end_of_sentence,
                                     std::vector<Script> scripts)
    : tokenizer_(std::move(tokenizer)),
      end_of_sentence_(end_of_sentence),
      scripts_(std::move(scripts)),
      thread_([this] { play(); }) {}

ScriptedGenerator::~ScriptedGenerator() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    event_.notify_all();
  }
  thread_.join();
}

std::string ScriptedGenerator::prompt_text(const GenerationRequest& request) const {
  return tokenizer_->decode(request.prompt);
}

const Script& choose_script(std::vector<Script>& scripts, const std::string& prompt) {
  const std::size_t turn = prompt.rfind(marker::user);
  const std::string_view last = turn == std::string::npos ? prompt : std::string_view(prompt).substr(turn);
  for (Script& script : scripts) {
    if (script.times == 0 || !all_in(script.when, last) || !all_in(script.anywhere, prompt)) continue;
    if (script.times) --*script.times;
    return script;
  }
  throw std::logic_error("no script for the prompt: " + prompt);
}

std::variant<SequenceId, Refusal> ScriptedGenerator::submit(GenerationRequest request,
                                                            std::shared_ptr<TokenSink> sink) {
  const std::string prompt = prompt_text(request);
  const std::scoped_lock lock(mutex_);
  const Script& script = choose_script(scripts_, prompt);
  ++submitted_;
  requests_.push_back(request);
  if (requests_.size() > kKeptRequests) requests_.pop_front();
  event_.notify_all();
  if (load_.draining) return Refusal{Refusal::Reason::draining, "The server is about to end.", 1.0};
  if (script.refusal) return *script.refusal;
  if (!script.reject.empty()) throw InputError("{}", script.reject);
  if (!script.crash.empty()) throw std::logic_error(script.crash);
  const SequenceId id = next_++;
  running_[id] = {
      .script = &script, .sink = std::move(sink), .sampling = request.sampling, .constraint = request.constraint};
  event_.notify_all();
  return id;
}

void ScriptedGenerator::cancel_behind(SequenceId id, std::int64_t answered) {
  const std::scoped_lock lock(mutex_);
  if (running_.erase(id) == 0) return;
  ++cancelled_;
  last_answered_ = answered;
  event_.notify_all();
}

GeneratorLoad ScriptedGenerator::load() const {
  const std::scoped_lock lock(mutex_);
  GeneratorLoad load = load_;
  load.running = std::ssize(running_);
  return load;
}

std::vector<BlockChoices> ScriptedGenerator::expert_choices() const {
  constexpr std::int64_t kLayers = 43;
  std::vector<BlockChoices> blocks;
  for (std::int64_t block = 0; block <= kLayers; ++block) {
    blocks.push_back({.by_hash = block < 3, .mtp = block == kLayers, .times = {}});
    for (std::int64_t expert = 0; expert < 256; ++expert) {
      const std::int64_t rank = (expert * 7919 + block * 104'729) % 97;
      blocks.back().times.push_back(rank < 4 ? 0 : rank * rank * rank / 100);
    }
  }
  return blocks;
}

void ScriptedGenerator::drain() {
  const std::scoped_lock lock(mutex_);
  load_.draining = true;
}

void ScriptedGenerator::open_gate(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  gates_.insert(name);
  event_.notify_all();
}

bool ScriptedGenerator::wait_for_cancelled(int count) {
  std::unique_lock lock(mutex_);
  return event_.wait_for(lock, 20s, [&] { return cancelled_ >= count; });
}

std::int64_t ScriptedGenerator::last_answered() const {
  const std::scoped_lock lock(mutex_);
  return last_answered_;
}

bool ScriptedGenerator::wait_for_submitted(std::int64_t count) {
  std::unique_lock lock(mutex_);
  event_.wait_for(lock, 20s, [&] { return submitted_ >= count; });
  return submitted_ == count;
}

std::vector<GenerationRequest> ScriptedGenerator::requests() const {
  const std::scoped_lock lock(mutex_);
  return {requests_.begin(), requests_.end()};
}

SampledToken ScriptedGenerator::sampled(std::int32_t token, const SamplingParams& sampling) const {
  SampledToken result;
  result.token = token;
  if (sampling.top_logprobs < 0) return result;
  result.logprob = -0.5F;
  for (std::int64_t i = 0; i < sampling.top_logprobs; ++i)
    result.top_logprobs.push_back({.token = static_cast<std::int32_t>((token + i) % tokenizer_->vocab()),
                                   .logprob = -0.5F - static_cast<float>(i)});
  return result;
}

std::string ScriptedGenerator::violation() const {
  const std::scoped_lock lock(mutex_);
  return violation_;
}

// As the engine does: the constraint is asked before each token and told of it.
bool ScriptedGenerator::permitted(Running& running, std::int32_t token) {
  if (!running.constraint) return true;
  if (running.constraint->narrows()) {
    std::vector<std::uint32_t> mask(static_cast<std::size_t>(tokenizer_->vocab() + 31) / 32);
    running.constraint->allowed(mask);
    if ((mask[token / 32] >> (token % 32) & 1) == 0) {
      if (violation_.empty())
        violation_ =
            fmt::format("the constraint does not permit {:?} behind {:?}", tokenizer_->piece(token), running.said);
      return false;
    }
  }
  running.constraint->accept(token);
  running.said += tokenizer_->piece(token);
  return true;
}

bool ScriptedGenerator::emit(SequenceId id, Running& running, std::int32_t token, FinishReason finish) {
  const bool is_token = finish != FinishReason::overloaded;
  if (is_token && !permitted(running, token)) finish = FinishReason::overloaded;
  ++running.sampled;
  ++load_.sampled_tokens;
  running.ready = std::chrono::steady_clock::now() + running.pace;
  if (finish == FinishReason::none && running.sampled >= running.sampling.max_tokens) finish = FinishReason::length;
  running.sink->on_token(
      {.sequence = id, .token = sampled(token, running.sampling), .finish = finish, .cached_tokens = running.cached});
  return finish != FinishReason::none;
}

bool ScriptedGenerator::play_one(SequenceId id, Running& running) {
  const std::map<std::string, FinishReason> finishes = {
      {"stop", FinishReason::stop}, {"length", FinishReason::length}, {"overloaded", FinishReason::overloaded}};
  const auto& steps = running.script->steps;
  if (!running.ids.empty()) {
    const std::int32_t token = running.ids.front();
    running.ids.pop_front();
    const bool cut = running.ids.empty() && running.step < steps.size() &&
                     steps[running.step].kind == ScriptStep::Kind::end && steps[running.step].text == "length";
    return emit(id, running, token, cut ? FinishReason::length : FinishReason::none);
  }
  const ScriptStep step =
      running.step < steps.size() ? steps[running.step] : ScriptStep{.kind = ScriptStep::Kind::end, .text = "stop"};
  ++running.step;
  switch (step.kind) {
    case ScriptStep::Kind::read:
      running.sink->on_progress({.read = step.number, .found = running.cached});
      return false;
    case ScriptStep::Kind::cached: running.cached = step.number; return false;
    case ScriptStep::Kind::pause:
      running.ready = std::chrono::steady_clock::now() + std::chrono::milliseconds(step.number);
      return false;
    case ScriptStep::Kind::pace: running.pace = std::chrono::milliseconds(step.number); return false;
    case ScriptStep::Kind::wait: running.gate = step.text; return false;
    case ScriptStep::Kind::say: {
      const auto ids = tokenizer_->encode(step.text);
      running.ids.assign(ids.begin(), ids.end());
      return false;
    }
    case ScriptStep::Kind::end: break;
  }
  if (step.text == "never") {
    running.gate = "never";
    return false;
  }
  return emit(id, running, end_of_sentence_, finishes.at(step.text));
}

// One step of every answer that does not wait, again and again.
void ScriptedGenerator::play() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = std::chrono::steady_clock::now();
    auto next = now + 1h;
    bool moved = false;
    for (auto at = running_.begin(); at != running_.end();) {
      Running& running = at->second;
      if (!running.gate.empty() && gates_.contains(running.gate)) running.gate.clear();
      if (!running.gate.empty()) {
        ++at;
      } else if (running.ready > now) {
        next = std::min(next, running.ready);
        ++at;
      } else {
        moved = true;
        at = play_one(at->first, running) ? running_.erase(at) : std::next(at);
      }
    }
    if (moved) {
      ++load_.steps;
      lock.unlock();  // others come in
      std::this_thread::yield();
      lock.lock();
    } else {
      event_.wait_until(lock, next);
    }
  }
}

}  // namespace fathom::testing
