// A Generator that plays token ids from scripts instead of asking a model: what the server is tested with, also by real
// clients' programs. Which script plays is chosen by the prompt.
//
//   when "weather" "Paris"      in the prompt's last turn (from the last <｜User｜> on), all of them; nothing: always
//   anywhere "You are a cat"    anywhere in the prompt
//   times 1                     so often at most; then the next one that fits
//   read 128                    on_progress
//   cached 64                   of the prompt, found in the cache
//   say "Let me see.</think>It rains."      the tokens of the text
//   pause 20                    milliseconds;   pace 20   before each token from here on
//   wait gate                   until the test opens the gate of that name; gates stay open
//   end stop                    stop (the default: the end of sentence), length, overloaded, never
//   refuse queue_full "words" 3    in place of all others: queue_full, user_limit, account_limit, too_large or
//   draining;
//                              Retry-After
//   reject "words"              submit() throws InputError;   crash "words"   it throws something else
//
// A script keeps to the request's constraint: a token that it does not permit, or an end where it permits none, is a
// violation, and the answer ends as overloaded.
//
// Scripts are separated by lines of ---; the first that fits plays. Strings know \n, \", \\ and \t.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fathom/engine/generator.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom::testing {

struct ScriptStep {
  enum class Kind { read, cached, say, pause, pace, wait, end };
  Kind kind = Kind::say;
  std::string text;         // say, wait, end
  std::int64_t number = 0;  // read, cached, pause, pace
};

struct Script {
  std::vector<std::string> when;
  std::vector<std::string> anywhere;
  std::optional<std::int64_t> times;
  std::vector<ScriptStep> steps;
  std::optional<Refusal> refusal;
  std::string reject;
  std::string crash;
};

// std::runtime_error names the line that is no script.
std::vector<Script> read_scripts(std::string_view text);
// The first whose words are in the prompt's last turn and in the prompt; counts it. std::logic_error: there is none.
const Script& choose_script(std::vector<Script>& scripts, const std::string& prompt);

class ScriptedGenerator final : public Generator {
 public:
  ScriptedGenerator(std::shared_ptr<const Tokenizer> tokenizer, std::int32_t end_of_sentence,
                    std::vector<Script> scripts);
  ~ScriptedGenerator() override;

  std::variant<SequenceId, Refusal> submit(GenerationRequest request, std::shared_ptr<TokenSink> sink) override;
  void cancel_behind(SequenceId id, std::int64_t answered) override;
  GeneratorLoad load() const override;
  // Of a model as large as Flash, with favourites; always the same.
  std::vector<BlockChoices> expert_choices() const override;
  void drain() override;

  void open_gate(const std::string& name);
  // Running answers that were cancelled so far; waits until there are so many, or gives up.
  bool wait_for_cancelled(int count);
  // What of the last of them was answered.
  std::int64_t last_answered() const;
  // The same of requests, refused ones included; whether there are exactly so many then.
  bool wait_for_submitted(std::int64_t count);
  // What was asked last, in order of submission, a few hundred at most; and its prompts as text.
  std::vector<GenerationRequest> requests() const;
  std::string prompt_text(const GenerationRequest& request) const;
  // The first token that a constraint did not permit, with the text before it; empty if there was none.
  std::string violation() const;

 private:
  struct Running {
    const Script* script = nullptr;
    std::shared_ptr<TokenSink> sink;
    SamplingParams sampling;
    std::shared_ptr<TokenConstraint> constraint;
    std::string said = {};  // so far
    std::size_t step = 0;
    std::deque<std::int32_t> ids = {};  // of the say step at hand
    bool step_begun = false;
    std::int64_t cached = 0;
    std::int64_t sampled = 0;
    std::chrono::milliseconds pace{0};
    std::chrono::steady_clock::time_point ready{};
    std::string gate = {};  // it waits for
  };

  void play();
  bool play_one(SequenceId id, Running& running);  // whether it is over
  bool emit(SequenceId id, Running& running, std::int32_t token, FinishReason finish);
  bool permitted(Running& running, std::int32_t token);
  SampledToken sampled(std::int32_t token, const SamplingParams& sampling) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  const std::int32_t end_of_sentence_;
  std::vector<Script> scripts_;
  mutable std::mutex mutex_;
  std::condition_variable event_;
  std::map<SequenceId, Running> running_;
  std::deque<GenerationRequest> requests_;  // the last ones
  std::int64_t submitted_ = 0;
  std::set<std::string> gates_;
  GeneratorLoad load_;
  SequenceId next_ = 1;
  int cancelled_ = 0;
  std::int64_t last_answered_ = kAllAnswered;
  std::string violation_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fathom::testing
