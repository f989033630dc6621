// The table of config.h.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "fathom/base/error.h"
#include "fathom/server/config.h"

namespace fathom::server {
namespace {

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

// Collects rows; a member is named by a function that finds it in a config.
class Table {
 public:
  void group(std::string name) { group_ = std::move(name); }

  template <typename Find>
  void text(const char* name, Find find, const char* help, std::vector<std::string> choices = {}) {
    add({.name = name,
         .kind = "text",
         .help = help,
         .range = fmt::format("{}", fmt::join(choices, ", ")),
         .group = group_,
         .get = [find](const ServerConfig& config) { return find(const_cast<ServerConfig&>(config)); },
         .set =
             [find, name, choices](ServerConfig& config, std::string_view value) {
               if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end())
                 throw InputError("[serve] {} is {}, expected one of {}", name, value, fmt::join(choices, ", "));
               find(config) = std::string(value);
             }});
  }

  template <typename Find>
  void list(const char* name, Find find, const char* help) {
    add({.name = name,
         .kind = "list",
         .help = help,
         .range = "",
         .group = group_,
         .get =
             [find](const ServerConfig& config) {
               return fmt::format("{}", fmt::join(find(const_cast<ServerConfig&>(config)), ","));
             },
         .set = [find](ServerConfig& config, std::string_view value) { find(config) = parts_of(value); }});
  }

  template <typename Find>
  void number(const char* name, Find find, std::int64_t low, std::int64_t high, const char* help) {
    add({.name = name,
         .kind = "number",
         .help = help,
         .range = fmt::format("{} to {}", low, high),
         .group = group_,
         .get =
             [find](const ServerConfig& config) { return fmt::format("{}", find(const_cast<ServerConfig&>(config))); },
         .set =
             [find, name, low, high](ServerConfig& config, std::string_view value) {
               const auto number = number_of<std::int64_t>(value);
               if (!number || *number < low || *number > high)
                 throw InputError("[serve] {} is {}, expected a number from {} to {}", name, value, low, high);
               find(config) = static_cast<std::remove_reference_t<decltype(find(config))>>(*number);
             }});
  }

  // Of a member that is a duration.
  template <typename Find>
  void seconds(const char* name, Find find, const char* help) {
    static constexpr double kMost = 1e7;
    add({.name = name,
         .kind = "seconds",
         .help = help,
         .range = fmt::format("0.001 to {}", kMost),
         .group = group_,
         .get =
             [find](const ServerConfig& config) {
               return fmt::format("{}", std::chrono::duration<double>(find(const_cast<ServerConfig&>(config))).count());
             },
         .set =
             [find, name](ServerConfig& config, std::string_view value) {
               const auto number = number_of<double>(value);
               if (!number || !(*number >= 0.001) || *number > kMost)
                 throw InputError("[serve] {} is {}, expected seconds from 0.001 to {}", name, value, kMost);
               using Duration = std::remove_reference_t<decltype(find(config))>;
               find(config) = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*number));
             }});
  }

  template <typename Find>
  void flag(const char* name, Find find, const char* help) {
    add({.name = name,
         .kind = "switch",
         .help = help,
         .range = "true, false",
         .group = group_,
         .get =
             [find](const ServerConfig& config) {
               return std::string(find(const_cast<ServerConfig&>(config)) ? "true" : "false");
             },
         .set =
             [find, name](ServerConfig& config, std::string_view value) {
               if (value != "true" && value != "false")
                 throw InputError("[serve] {} is {}, expected true or false", name, value);
               find(config) = value == "true";
             }});
  }

  std::vector<Setting> take() { return std::move(rows_); }

 private:
  void add(Setting setting) { rows_.push_back(std::move(setting)); }

  std::string group_;
  std::vector<Setting> rows_;
};

// The member, found in any config.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define FATHOM_IN(member) \
  [](ServerConfig & config) -> auto& { return config.member; }
// NOLINTEND(bugprone-macro-parentheses)

std::vector<Setting> make_settings() {
  Table table;
  table.group("Models");
  table.list("model", FATHOM_IN(models),
             "checkpoint directory, or NAME=DIRECTORY; without a name it answers for deepseek-v4-flash and -pro");
  table.number("context_tokens", FATHOM_IN(context_tokens), 0, 1 << 24,
               "of prompt and answer together; 0: the model's");
  table.number("max_output_tokens", FATHOM_IN(max_output_tokens), 1, 1 << 24, "of one answer, at most");
  table.group("Engine");
  table.text("backend", FATHOM_IN(engine.backend), "cpu, or reference: the plainest loops, for comparison",
             {"cpu", "reference"});
  table.text("device", FATHOM_IN(engine.device), "where to compute; auto: cuda where there is a GPU, else cpu",
             {"auto", "cpu", "cuda"});
  table.text("cuda_products", FATHOM_IN(engine.cuda_products),
             "how a GPU multiplies; fp8: faster, activations rounded to FP8; plain: in the released order, slow",
             {"float32", "fp8", "plain"});
  table.number(
      "gpu_megabytes", FATHOM_IN(engine.gpu_megabytes), 0, 1 << 30,
      "of the GPU's memory, for weights; experts beyond stay in the machine's memory; 0: what caches and a step leave");
  table.number("threads", FATHOM_IN(engine.threads), 0, 4096, "that compute; 0: as many as this process may run");
  table.text("cpu_target", FATHOM_IN(engine.cpu_target),
             "instruction set of the vector kernels, of those that fathom --version names");
  table.flag("pin", FATHOM_IN(engine.pin), "keep every compute thread on a processor of its own");
  table.text("experts", FATHOM_IN(engine.experts),
             "packed in memory, mapped through the page cache, or auto: mapped where weights do not fit",
             {"auto", "packed", "mapped"});
  table.text(
      "head_sketch", FATHOM_IN(engine.head_sketch),
      "keep the head in one byte a weight too, so that a CPU reads three eighths of it for a token; the same tokens",
      {"on", "off"});
  table.text("cache", FATHOM_IN(engine.cache), "how keys and values are kept", {"released", "float32"});
  table.number("batch_tokens", FATHOM_IN(engine.batch_tokens), 0, 1 << 20,
               "tokens one step may carry; 0: 512, on a GPU 4096");
  table.seconds("step_time", FATHOM_IN(engine.step_time),
                "that a step should take when it reads prompts beside running answers");
  table.number("sequences", FATHOM_IN(engine.sequences), 1, 1 << 16, "answers that run at a time; others wait");
  table.number("queue", FATHOM_IN(engine.queue), 0, 1 << 20, "requests that may wait; 429 beyond them");
  table.number("queue_per_user", FATHOM_IN(engine.queue_per_user), 1, 1 << 20, "requests of one user at a time");
  table.number("queue_per_account", FATHOM_IN(engine.queue_per_account), 1, 1 << 20,
               "requests of one account at a time, whatever users its clients name");
  table.number(
      "cache_megabytes", FATHOM_IN(engine.cache_megabytes), 0, 1 << 30,
      "memory for keys and values; 0: half of what is free at the start; on a GPU, what weights leave of it, two "
      "conversations of full length or an eighth of it at least");
  table.text("prefix_cache", FATHOM_IN(engine.prefix_cache), "keep what was read, for prompts that begin the same",
             {"on", "off"});
  table.number("prefix_minimum", FATHOM_IN(engine.prefix_minimum), 1, 1 << 24,
               "tokens at a prompt's beginning that must be equal to be found again");
  table.number("prefix_megabytes", FATHOM_IN(engine.prefix_megabytes), 0, 1 << 30,
               "of cache_megabytes, for what is kept; 0: all that running answers leave");
  table.text("prefix_disk", FATHOM_IN(engine.prefix_disk),
             "folder where it is kept across restarts, for one server; without it in memory alone");
  table.number("prefix_disk_gigabytes", FATHOM_IN(engine.prefix_disk_gigabytes), 1, 1 << 20, "of its files");
  table.number("prefix_disk_daily_gigabytes", FATHOM_IN(engine.prefix_disk_daily_gigabytes), 1, 1 << 20,
               "written a day at most, in UTC, for the disk's sake");
  table.number("draft_tokens", FATHOM_IN(engine.draft_tokens), 0, 7,
               "guessed and verified in one step of an answer, at most, where that is faster; 0: none");
  table.group("Network");
  table.text("host", FATHOM_IN(http.host), "address to listen on");
  table.number("port", FATHOM_IN(http.port), 0, 65535, "0: any that is free");
  table.flag("open_to_network", FATHOM_IN(open_to_network), "listen beyond this machine although no keys are set");
  table.text("keys_file", FATHOM_IN(keys_file), "API keys, one a line; without it any key will do, or none");
  table.text("ledger", FATHOM_IN(ledger),
             "accounts, keys and usage: file of SQLite, postgresql://USER@HOST/NAME, default (in your home), or none");
  table.list("price_cards", FATHOM_IN(price_cards),
             "what tokens cost, one card a currency: hosted-usd, hosted-cny, either with @DAY, or a TOML file");
  table.text("tls_certificate", FATHOM_IN(http.certificate_file), "certificate chain in PEM: serve https");
  table.text("tls_key", FATHOM_IN(http.key_file), "the certificate's key in PEM");
  table.list("cors", FATHOM_IN(cors), "origins whose pages may ask; * for all, empty for none");
  table.group("Limits");
  table.number("body_bytes", FATHOM_IN(http.limits.body_bytes), 1024, std::int64_t{1} << 40, "of one request");
  table.number("bodies_bytes", FATHOM_IN(http.bodies_bytes), 1024, std::int64_t{1} << 40,
               "of all requests that are being received");
  table.number("header_bytes", FATHOM_IN(http.limits.header_bytes), 1024, 1 << 20, "request line and headers");
  table.number("connections", FATHOM_IN(http.connections), 1, 1 << 20, "at a time; 503 beyond them");
  table.number("outbox_bytes", FATHOM_IN(http.outbox_bytes), 1024, std::int64_t{1} << 40,
               "of an answer that its client has not read yet; it is cut off beyond them");
  table.number("responses_bytes", FATHOM_IN(responses.bytes), 0, std::int64_t{1} << 40,
               "of conversations kept for previous_response_id; 0: none");
  table.seconds("responses_time", FATHOM_IN(responses.time_to_live), "that a conversation is kept");
  table.number(
      "replay_bytes", FATHOM_IN(answers.bytes), 0, std::int64_t{1} << 40,
      "of answers remembered as they were sampled, so that they are the same tokens when they come back; 0: none");
  table.number("replay_disk_megabytes", FATHOM_IN(replay_disk_megabytes), 0, 1 << 30,
               "of their files below prefix_disk, where a restarted server finds them; 0: none");
  table.number("side_requests", FATHOM_IN(side_requests), 1, 1 << 20,
               "of one account at a time beside models: token counts, usage, balances; 429 beyond them");
  table.seconds("header_timeout", FATHOM_IN(http.header_timeout), "for a request's headers");
  table.seconds("body_timeout", FATHOM_IN(http.body_timeout), "for a request's body");
  table.seconds("stall_timeout", FATHOM_IN(http.stall_timeout), "without a byte, of a body or of an answer read");
  table.seconds("idle_timeout", FATHOM_IN(http.idle_timeout), "between two requests of a connection");
  table.seconds("start_limit", FATHOM_IN(answering.start_limit), "until a request's turn comes; 503 beyond it");
  table.seconds("answer_limit", FATHOM_IN(answering.answer_limit),
                "until an answer is complete; it ends there as on a machine that is too busy");
  table.seconds("keep_alive", FATHOM_IN(answering.keep_alive), "of silence, then the client hears that we are there");
  table.seconds("progress", FATHOM_IN(answering.progress),
                "between two lines of the log that say how far a prompt is read");
  table.seconds("drain", FATHOM_IN(drain), "for running answers when the server is told to end");
  table.group("Behaviour");
  table.text("agent_effort", FATHOM_IN(agent_effort), "whether coding agents get effort max, as with the hosted API",
             {"automatic_max", "respect_explicit", "off"});
  table.flag("strict_reasoning", FATHOM_IN(strict_reasoning), "400 for turns whose reasoning was not passed back");
  table.flag("strict_hosted", FATHOM_IN(strict_hosted), "refuse what the hosted API refuses although we can do it");
  table.flag("keep_old_names", FATHOM_IN(keep_old_names), "deepseek-chat and deepseek-reasoner after 2026-07-24");
  table.flag("clip_max_tokens", FATHOM_IN(clip_max_tokens), "shorten max_tokens to the context instead of a 400");
  table.group("Process");
  table.number("io_threads", FATHOM_IN(http.threads), 1, 256, "that read and write sockets");
  table.number("workers", FATHOM_IN(workers), 1, 256, "that read requests and make tokens of prompts");
  table.text("store_texts", FATHOM_IN(store_texts),
             "folder where requests and answers are kept as texts, a file a day; without it none ever is");
  table.text("log", FATHOM_IN(log), "on standard error, a line a request", {"off", "error", "info", "debug"});
  return table.take();
}

#undef FATHOM_IN

}  // namespace

std::string Setting::flag() const {
  std::string out = "--" + name;
  std::replace(out.begin() + 2, out.end(), '_', '-');
  return out;
}

std::string Setting::variable() const {
  std::string out = "FATHOM_" + name;
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char letter) { return std::toupper(letter); });
  return out;
}

std::span<const Setting> settings() {
  static const std::vector<Setting> table = make_settings();
  return table;
}

}  // namespace fathom::server
