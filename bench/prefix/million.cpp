// A prompt as long as a model can bear, really read and answered, then answered again by another process from what the
// first left on disk. bench/prefix/million runs both and compares.
//   bench_million read  MODEL STORE TOKENS ANSWER FILE [THREADS]    FILE.answer, FILE.csv, FILE.svg
//   bench_million again MODEL STORE TOKENS ANSWER FILE [THREADS]    FILE.answer
#include <fmt/format.h>

#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>
#include <string_view>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/base/curves.h"
#include "fathom/base/output_file.h"
#include "fathom/checkpoint/checkpoint_identity.h"
#include "fathom/engine/engine.h"

namespace fathom {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kEvery = 16384;     // tokens of prompt between two lines of progress
constexpr std::int64_t kShortAnswer = 33;  // at the depths before the last
constexpr std::int64_t kDepths[] = {4096, 65536, 262144, 524288};

// A busy machine lengthens the clock's time more than the processors'.
struct Times {
  double clock = 0.0;
  double processors = 0.0;  // of all threads

  friend Times operator-(const Times& left, const Times& right) {
    return {.clock = left.clock - right.clock, .processors = left.processors - right.processors};
  }
};

Times now() {
  return {.clock = std::chrono::duration<double>(Clock::now().time_since_epoch()).count(),
          .processors = static_cast<double>(std::clock()) / CLOCKS_PER_SEC};
}

// A line of /proc/self/status in bytes: "VmRSS:", "VmHWM:" (the most there ever was).
std::int64_t memory_bytes(std::string_view line) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == line) {
      std::int64_t kibibytes = 0;
      status >> kibibytes;
      return kibibytes << 10;
    }
  return 0;
}

double megabytes(std::int64_t bytes) { return static_cast<double>(bytes) / 1e6; }

struct Settings {
  const char* model = nullptr;
  const char* store = nullptr;
  std::int64_t tokens = 0;
  std::int64_t answer = 0;
  std::string file;
  int threads = 0;
};

struct Answer {
  std::vector<SampledToken> tokens;
  std::int64_t cached = 0;
  Times first;  // to its first token
  Times rest;   // behind it
};

std::string text_of(const Answer& answer) {
  std::string text;
  for (const SampledToken& token : answer.tokens)
    text += fmt::format("{} {:016x}\n", token.token, std::bit_cast<std::uint64_t>(static_cast<double>(token.logprob)));
  return text;
}

void write(const std::string& path, std::string_view text) {
  OutputFile file(path);
  file.write(text);
  file.close();
  file.publish();
}

class Reader {
 public:
  explicit Reader(const Settings& settings)
      : settings_(settings),
        checkpoint_(std::make_shared<const Checkpoint>(Checkpoint::open(settings.model))),
        backend_({.threads = settings.threads}),
        transformer_(checkpoint_, backend_, {.rollback_tokens = 1}),
        engine_(transformer_, config()) {
    std::mt19937_64 random(1);
    while (std::ssize(prompt_) < settings.tokens)
      prompt_.push_back(static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(checkpoint_->config().vocab)));
  }

  // The answer to the first `tokens` of the prompt.
  Answer ask(std::int64_t tokens, std::int64_t answer_tokens) {
    GenerationRequest request{.prompt = {prompt_.begin(), prompt_.begin() + tokens}, .sampling = {}};
    request.sampling.max_tokens = answer_tokens;
    request.sampling.top_logprobs = 0;
    const Times begin = now();
    const SequenceId id = engine_.submit(std::move(request));
    Answer answer;
    while (!engine_.idle()) {
      for (const TokenEvent& event : engine_.step()) {
        if (answer.tokens.empty()) answer.first = now() - begin;
        answer.cached = event.cached_tokens;
        answer.tokens.push_back(event.token);
      }
      if (answer.tokens.empty()) note_progress(engine_.tokens_read(id));
    }
    answer.rest = now() - begin - answer.first;
    // The next stretch of the prompt is timed without this answer.
    last_ = last_ - (Times{} - answer.rest);
    fmt::print("behind {} tokens: {} found, first token after {:.2f} s ({:.2f} of processors)", tokens, answer.cached,
               answer.first.clock, answer.first.processors);
    const double more = static_cast<double>(std::ssize(answer.tokens) - 1);
    fmt::print(", {} more at {:.1f} a second ({:.1f} a second of processors)\n", more, more / answer.rest.clock,
               more / answer.rest.processors);
    std::fflush(stdout);
    decoding_.add(static_cast<double>(tokens), more, answer.rest);
    return answer;
  }

  void report(const Times& taken) const {
    const store::StoreFigures figures = engine_.config().prefix.disk.store->figures();
    fmt::print(
        "{:.1f} s in all ({:.1f} of processors); memory {:.1f} MB at most, {:.1f} MB of it caches in use or kept; "
        "disk: {} blobs, {:.1f} MB, "
        "{:.1f} MB read, {} not taken\n",
        taken.clock, taken.processors, megabytes(memory_bytes("VmHWM:")), megabytes(engine_.figures().cache_bytes),
        figures.blobs, megabytes(figures.bytes), megabytes(figures.read_bytes),
        figures.dropped_puts + engine_.figures().disk_dropped);
  }

  void write_curves() const {
    std::string csv = "what,depth,tokens_per_second,tokens_per_processor_second\n";
    for (const Speeds* speeds : {&prefill_, &decoding_})
      for (std::size_t point = 0; point < speeds->clock.x.size(); ++point)
        csv += fmt::format("{},{:.0f},{:.3f},{:.3f}\n", speeds->name, speeds->clock.x[point], speeds->clock.y[point],
                           speeds->processors.y[point]);
    write(settings_.file + ".csv", csv);
    CurvePage page = {.title = "Reading and answering by depth", .logarithmic_x = false, .panels = {}, .marks = {}};
    for (const Speeds* speeds : {&prefill_, &decoding_})
      page.panels.push_back({.title = speeds->name,
                             .unit = "tokens/s",
                             .logarithmic = false,
                             .curves = {speeds->clock, speeds->processors}});
    write(settings_.file + ".svg", curves_svg(page));
  }

 private:
  EngineConfig config() const {
    EngineConfig config{.max_batch_tokens = 512, .prefix = {.on = true}};
    const auto warn = [](auto text) { fmt::print("{}\n", text); };
    config.prefix.disk = {.store = std::make_shared<store::BlobStore>(
                              store::StoreOptions{.folder = settings_.store, .limits = {}, .warn = warn, .now = {}}),
                          .identity = to_hex(checkpoint_identity(*checkpoint_)),
                          .warn = warn};
    return config;
  }

  struct Speeds {
    explicit Speeds(const char* what) : name(what) {}
    void add(double depth, double tokens, const Times& taken) {
      clock.x.push_back(depth);
      clock.y.push_back(tokens / taken.clock);
      processors.x.push_back(depth);
      processors.y.push_back(tokens / taken.processors);
    }

    const char* name;
    Curve clock = {.name = "by the clock", .x = {}, .y = {}};
    Curve processors = {.name = "by processors' time", .x = {}, .y = {}};
  };

  void note_progress(std::int64_t read) {
    if (read < noted_ + kEvery) return;
    const Times taken = now() - last_;
    const double tokens = static_cast<double>(read - noted_);
    fmt::print("{} tokens read, {:.0f} s ({:.0f} of processors); the last {} at {:.0f} a second ({:.0f}); {:.1f} MB\n",
               read, (now() - begin_).clock, (now() - begin_).processors, read - noted_, tokens / taken.clock,
               tokens / taken.processors, megabytes(memory_bytes("VmRSS:")));
    std::fflush(stdout);
    prefill_.add(static_cast<double>(read + noted_) / 2.0, tokens, taken);
    noted_ = read;
    last_ = now();
  }

  Settings settings_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  CpuBackend backend_;
  Transformer transformer_;
  Engine engine_;
  std::vector<std::int32_t> prompt_;
  Times begin_ = now();
  Times last_ = begin_;
  std::int64_t noted_ = 0;
  Speeds prefill_{"prefill"};
  Speeds decoding_{"decode"};
};

int run(std::string_view mode, const Settings& settings) {
  const Times begin = now();
  Reader reader(settings);
  fmt::print("opened after {:.2f} s\n", (now() - begin).clock);
  if (mode == "read")
    for (const std::int64_t depth : kDepths)
      if (depth < settings.tokens) reader.ask(depth, kShortAnswer);
  write(settings.file + ".answer", text_of(reader.ask(settings.tokens, settings.answer)));
  reader.report(now() - begin);
  if (mode == "read") reader.write_curves();
  return 0;
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (argc < 7 || (mode != "read" && mode != "again")) {
    fmt::print(stderr, "bench_million read|again MODEL STORE TOKENS ANSWER FILE [THREADS]\n");
    return 2;
  }
  try {
    return fathom::run(mode, {.model = argv[2],
                              .store = argv[3],
                              .tokens = std::atoll(argv[4]),
                              .answer = std::atoll(argv[5]),
                              .file = argv[6],
                              .threads = argc > 7 ? std::atoi(argv[7]) : 0});
  } catch (const fathom::InputError& error) {
    fmt::print(stderr, "bench_million: {}\n", error.what());
    return 1;
  }
}
