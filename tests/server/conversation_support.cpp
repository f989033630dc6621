#include "tests/server/conversation_support.h"

#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"
#include "fathom/server/config.h"
#include "fathom/server/server.h"
#include "tests/server/http_client_support.h"
#include "tests/server/model_support.h"
#include "tests/server/pattern_support.h"
#include "tests/server/scripted_generator_support.h"

namespace fathom::testing {
namespace {

constexpr std::size_t kShown = 3000;  // bytes of what went wrong
constexpr std::int64_t kContext = 4096;
constexpr std::int64_t kNow = 1'780'000'000;  // before the old names end

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\n") - first + 1));
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// "name = value" lines.
std::map<std::string, std::string> pairs_of(const std::string& text) {
  std::map<std::string, std::string> pairs;
  for (const std::string& line : lines_of(text)) {
    if (trimmed(line).empty() || line.front() == '#') continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) throw std::runtime_error("no name = value: " + line);
    pairs[trimmed(line.substr(0, equals))] = trimmed(line.substr(equals + 1));
  }
  return pairs;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') continue;
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char escape = text[++i];
    if (escape == 'x') {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += escape == 'r' ? '\r' : escape == 'n' ? '\n' : escape;
    }
  }
  return out;
}

// A file of keys for as long as this lives.
class KeysFile {
 public:
  explicit KeysFile(const std::string& keys) {
    std::string pattern = (std::filesystem::temp_directory_path() / "fathom_keys_XXXXXX").string();
    const int descriptor = ::mkstemp(pattern.data());
    if (descriptor < 0) throw std::runtime_error("no temporary file");
    ::close(descriptor);
    path_ = pattern;
    std::ofstream out(path_);
    for (const char letter : keys) out << (letter == ' ' ? '\n' : letter);
  }
  ~KeysFile() { std::filesystem::remove(path_); }
  KeysFile(const KeysFile&) = delete;
  KeysFile& operator=(const KeysFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Player {
 public:
  explicit Player(const std::vector<ConversationSection>& sections);
  void play(const ConversationSection& section);
  // No script said what its request's constraint does not permit.
  void check_constraints() const { expect(generator_->violation()); }

 private:
  struct Connection {
    std::unique_ptr<HttpClient> client;
    std::string method;
  };

  void start(std::map<std::string, std::string> settings, std::vector<Script> scripts);
  Connection& connection(const std::string& name);
  void request(const ConversationSection& section);
  void raw(const ConversationSection& section);
  void answer(const ConversationSection& section);
  void joined(const ConversationSection& section);
  void prompt(const ConversationSection& section);
  void sampled_with(const ConversationSection& section);
  static void expect(const std::string& difference) {
    if (!difference.empty()) throw std::runtime_error(difference);
  }

  std::optional<KeysFile> keys_;
  std::shared_ptr<ScriptedGenerator> generator_;
  std::unique_ptr<server::Server> server_;
  std::map<std::string, Connection> connections_;
  Bindings bindings_;
  ReceivedAnswer last_;
};

Player::Player(const std::vector<ConversationSection>& sections) {
  std::map<std::string, std::string> settings;
  std::string scripts;
  for (const ConversationSection& section : sections) {
    if (section.kind == "server")
      for (const auto& [name, value] : pairs_of(section.text)) settings[name] = value;
    if (section.kind == "script") scripts += (scripts.empty() ? "" : "---\n") + section.text;
  }
  start(std::move(settings), read_scripts(scripts));
}

void Player::start(std::map<std::string, std::string> settings, std::vector<Script> scripts) {
  std::int64_t now = kNow;
  std::int64_t context = kContext;
  server::GivenSettings given;
  for (const auto& [name, value] : settings) {
    if (name == "keys") {
      keys_.emplace(value);
      given.flags["keys_file"] = keys_->path();
    } else if (name == "now") {
      now = std::stoll(value);
    } else if (name == "context_tokens") {
      context = std::stoll(value);
    } else {
      given.flags[name] = value;
    }
  }
  given.flags.emplace("port", "0");
  given.flags.emplace("log", "off");
  server::ServerParts parts = server::parts_of(server::read_config(given));
  const auto tokenizer = minnow_tokenizer();
  generator_ = std::make_shared<ScriptedGenerator>(tokenizer, 1, std::move(scripts));
  for (const char* id : {"deepseek-v4-flash", "deepseek-v4-pro"})
    parts.models.push_back({.id = id,
                            .generator = generator_,
                            .tokenizer = tokenizer,
                            .constraints = minnow_constraints(),
                            .end_of_sentence = 1,
                            .context_tokens = context,
                            .max_output_tokens = 393'216,
                            .created = 1'777'000'000,
                            .fingerprint = "fp_test"});
  parts.now = [now] { return now; };
  parts.version = "test";
  server_ = std::make_unique<server::Server>(std::move(parts));
}

// Without a name: a fresh one for every request.
Player::Connection& Player::connection(const std::string& name) {
  Connection& found = connections_[name];
  if (!found.client) found.client = std::make_unique<HttpClient>(server_->port());
  return found;
}

void Player::request(const ConversationSection& section) {
  if (section.argument.empty()) connections_.erase("");
  Connection& to = connection(section.argument);
  const std::string text = fill_in(section.text, bindings_);
  const std::size_t gap = text.find("\n\n");
  const auto head = lines_of(text.substr(0, gap));
  std::string body = gap == std::string::npos ? std::string() : trimmed(text.substr(gap + 2));
  std::istringstream first(head.at(0));
  std::string target;
  first >> to.method >> target;
  std::vector<server::HttpHeader> headers;
  for (std::size_t i = 1; i < head.size(); ++i) {
    if (head[i].empty()) continue;
    const std::size_t colon = head[i].find(": ");
    headers.push_back({head[i].substr(0, colon), head[i].substr(colon + 2)});
  }
  to.client->send(request_text(to.method, target, body, headers));
}

void Player::raw(const ConversationSection& section) {
  Connection& to = connection(section.argument);
  to.method = "GET";
  to.client->send(unescaped(fill_in(section.text, bindings_)));
}

void Player::answer(const ConversationSection& section) {
  Connection& from = connection(section.argument);
  last_ = from.client->read_answer(from.method == "HEAD");
  const std::size_t gap = section.text.find("\n\n");
  const auto head = lines_of(section.text.substr(0, gap));
  const std::string received = fmt::format("\n{}", last_.body);
  if (std::to_string(last_.status) != head.at(0))
    throw std::runtime_error(fmt::format("status {}, expected {}{}", last_.status, head[0], received));
  for (std::size_t i = 1; i < head.size(); ++i) {
    if (head[i].empty()) continue;
    const std::size_t colon = std::min(head[i].find(": "), head[i].size());
    std::string name = head[i].substr(0, colon);
    if (name.front() == '!') {
      if (!last_.header(name.substr(1)).empty()) throw std::runtime_error("header " + name.substr(1) + " is there");
      continue;
    }
    const std::string difference = match_text(trimmed(head[i].substr(colon + 1)), last_.header(name), bindings_);
    if (!difference.empty()) throw std::runtime_error("header " + name + ": " + difference + received);
  }
  const std::string pattern = gap == std::string::npos ? std::string() : trimmed(section.text.substr(gap + 2));
  if (pattern.empty()) return;
  const bool events = last_.header("content-type") == "text/event-stream";
  const std::string difference =
      events ? match_events(pattern, last_.body, bindings_) : match_value(pattern, trimmed(last_.body), bindings_);
  if (!difference.empty()) throw std::runtime_error(difference + "\n--- received" + received);
}

// Of all events of the last answer, the values at a path, one behind the other.
void Player::joined(const ConversationSection& section) {
  std::string all;
  for (const EventLines& event : split_events(last_.body))
    for (const std::string& line : event)
      if (line.starts_with("data: {"))
        all += value_at(read_json(std::string_view(line).substr(6), "event"), section.argument);
  expect(match_text(trimmed(section.text), trimmed(all), bindings_));
}

// The prompt that the generator was given last.
void Player::prompt(const ConversationSection& section) {
  const auto requests = generator_->requests();
  if (requests.empty()) throw std::runtime_error("nothing was submitted");
  expect(match_text(trimmed(section.text), trimmed(generator_->prompt_text(requests.back())), bindings_));
}

// What the generator was asked with last: "name = value" lines.
void Player::sampled_with(const ConversationSection& section) {
  const auto requests = generator_->requests();
  if (requests.empty()) throw std::runtime_error("nothing was submitted");
  const SamplingParams& sampling = requests.back().sampling;
  const std::map<std::string, std::string> values = {
      {"temperature", fmt::format("{}", sampling.temperature)},
      {"top_p", fmt::format("{}", sampling.top_p)},
      {"top_k", fmt::format("{}", sampling.top_k)},
      {"seed", fmt::format("{}", sampling.seed)},
      {"max_tokens", fmt::format("{}", sampling.max_tokens)},
      {"top_logprobs", fmt::format("{}", sampling.top_logprobs)},
      {"prompt_tokens", fmt::format("{}", requests.back().prompt.size())},
      {"constrained", requests.back().constraint ? "yes" : "no"},
      {"user", requests.back().user}};
  for (const auto& [name, pattern] : pairs_of(section.text)) {
    const std::string difference = match_text(pattern, values.at(name), bindings_);
    if (!difference.empty()) throw std::runtime_error(name + ": " + difference);
  }
}

// A busy server may cut an answer off before its head has been sent.
bool ends_whole(HttpClient& client) {
  try {
    return client.read_answer().whole;
  } catch (const std::runtime_error& error) {
    if (std::string_view(error.what()).find("the connection ended before") == std::string_view::npos) throw;
    return false;
  }
}

void Player::play(const ConversationSection& section) {
  const std::string& argument = section.argument;
  using Act = std::function<void()>;
  const std::map<std::string, Act> acts = {
      {"server", [] {}},
      {"script", [] {}},
      {"request", [&] { request(section); }},
      {"raw", [&] { raw(section); }},
      {"answer", [&] { answer(section); }},
      {"joined", [&] { joined(section); }},
      {"prompt", [&] { prompt(section); }},
      {"sampled with", [&] { sampled_with(section); }},
      {"until", [&] { connection(argument).client->wait_for(trimmed(section.text)); }},
      {"does not read", [&] { connections_[argument].client = std::make_unique<HttpClient>(server_->port(), 4096); }},
      {"cut off",
       [&] {
         if (ends_whole(*connection(argument).client)) throw std::runtime_error("the answer is whole");
       }},
      {"hang up", [&] { connections_.erase(argument); }},
      {"vanish", [&] { connection(argument).client->vanish(), connections_.erase(argument); }},
      {"half close", [&] { connection(argument).client->half_close(); }},
      {"closed",
       [&] {
         if (!connection(argument).client->closed_by_server()) throw std::runtime_error("bytes came, expected the end");
       }},
      {"open gate", [&] { generator_->open_gate(argument); }},
      {"cancelled",
       [&] {
         if (!generator_->wait_for_cancelled(std::stoi(argument)))
           throw std::runtime_error("not so many were cancelled");
       }},
      {"submitted",
       [&] {
         if (!generator_->wait_for_submitted(std::stoll(argument)))
           throw std::runtime_error(fmt::format("{} requests were submitted", generator_->requests().size()));
       }},
      {"drain", [&] { server_->drain(); }},
      {"refused",
       [&] {
         try {
           HttpClient client(server_->port());
         } catch (const std::runtime_error&) {
           return;
         }
         throw std::runtime_error("the server takes connections");
       }},
  };
  const auto act = acts.find(section.kind);
  if (act == acts.end()) throw std::runtime_error("no such section: " + section.kind);
  act->second();
}

}  // namespace

std::vector<ConversationSection> read_conversation(std::string_view text) {
  const auto is_heading = [](const std::string& line) {
    return line.size() > 2 && line[0] == '[' && line[1] >= 'a' && line[1] <= 'z' && line.ends_with("]");
  };
  // The kinds of several words; the rest of a heading is its argument.
  const auto heading = [](const std::string& inside) {
    for (const char* kind : {"hang up", "half close", "open gate", "cut off", "does not read", "sampled with"})
      if (inside.starts_with(kind))
        return std::pair(std::string(kind), trimmed(inside.substr(std::string(kind).size())));
    const std::size_t space = std::min(inside.find(' '), inside.size());
    return std::pair(inside.substr(0, space), trimmed(inside.substr(space)));
  };
  std::vector<ConversationSection> sections;
  int number = 0;
  for (const std::string& line : lines_of(text)) {
    ++number;
    if (is_heading(line)) {
      auto [kind, argument] = heading(line.substr(1, line.size() - 2));
      sections.push_back({.kind = kind, .argument = argument, .text = {}, .line = number});
    } else if (!sections.empty()) {
      sections.back().text += line + "\n";
    } else if (!trimmed(line).empty() && line.front() != '#') {
      throw std::runtime_error(fmt::format("line {}: before the first section", number));
    }
  }
  return sections;
}

std::string play_conversation(const std::filesystem::path& file) {
  int line = 0;
  try {
    const auto sections = read_conversation(read_text_file(file));
    Player player(sections);
    for (const ConversationSection& section : sections) {
      line = section.line;
      player.play(section);
      player.check_constraints();
    }
  } catch (const std::exception& fault) {
    return fmt::format("{}:{}: {}", file.string(), line, std::string_view(fault.what()).substr(0, kShown));
  }
  return {};
}

}  // namespace fathom::testing
