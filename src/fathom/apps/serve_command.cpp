#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>

#include "fathom/accounts/key_book.h"
#include "fathom/apps/commands.h"
#include "fathom/apps/ledger_option.h"
#include "fathom/apps/model_host.h"
#include "fathom/base/error.h"
#include "fathom/server/config.h"
#include "fathom/server/server.h"

namespace fathom {
namespace {

struct ServeOptions {
  std::string file;
  bool print_config = false;
  std::map<std::string, std::string> flags;  // by setting's name
};

// SIGINT and SIGTERM as something to wait for. Blocks them for every thread that is made later.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
    descriptor_ = ::signalfd(-1, &set_, SFD_CLOEXEC);
    if (descriptor_ < 0) throw InternalError("[serve] no signalfd: errno {}", errno);
  }
  ~StopSignals() {
    ::close(descriptor_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Whether one came in that time; below zero: waits for one.
  bool wait(int milliseconds) {
    pollfd asked{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (::poll(&asked, 1, milliseconds) <= 0) return false;
    signalfd_siginfo info{};
    return ::read(descriptor_, &info, sizeof info) == sizeof info;
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
  int descriptor_ = -1;
};

bool is_loopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

bool has_keys(accounts::Ledger* ledger) {
  bool found = false;
  if (ledger != nullptr) ledger->with([&](accounts::Database& from) { found = accounts::has_keys(from); });
  return found;
}

void check_exposure(const server::ServerConfig& config, accounts::Ledger* ledger) {
  if (is_loopback(config.http.host) || !config.keys_file.empty() || config.open_to_network || has_keys(ledger)) return;
  throw InputError(
      "[serve] host is {} and there is no key: anyone who reaches this machine could use it. Make one with fathom keys "
      "create, set --keys-file, or say --open-to-network",
      config.http.host);
}

// Where nobody said that there is to be one, a home that cannot be written to is no reason not to serve.
server::ServerParts parts_with_ledger(server::ServerConfig config) {
  const bool asked_for = config.ledger != kDefaultLedger;
  config.ledger = ledger_place(config.ledger);
  try {
    return server::parts_of(config);
  } catch (const InputError& error) {
    // One that is there may hold keys: without it everybody could ask.
    if (asked_for || std::filesystem::exists(config.ledger)) throw;
    fmt::print(stderr, "fathom: {}; serving without a ledger\n", error.what());
    config.ledger = kNoLedger;
    return server::parts_of(config);
  }
}

void print_keys(const server::ServerConfig& config, accounts::Ledger* ledger) {
  if (ledger != nullptr) fmt::print("  ledger               {}\n", accounts::public_place(ledger_place(config.ledger)));
  if (has_keys(ledger)) return fmt::print("  keys                 of the ledger (fathom keys list)\n");
  if (!config.keys_file.empty()) return;
  fmt::print("  keys                 none are set: any will do{}\n",
             is_loopback(config.http.host) ? ", and only this machine can ask (fathom keys create, --host)"
                                           : ", and whoever reaches this machine can ask");
}

void print_welcome(const server::Server& server, const server::ServerConfig& config, const ModelHost& host,
                   accounts::Ledger* ledger) {
  const std::string url = server.url();
  fmt::print("fathom serves");
  for (const server::HostedModel& model : host.models()) fmt::print(" {}", model.id);
  fmt::print(" at {}\n", url);
  fmt::print("  OpenAI clients       base URL {}/v1\n", url);
  fmt::print("  Anthropic clients    base URL {}/anthropic\n", url);
  fmt::print("  Claude Code          ANTHROPIC_BASE_URL={}/anthropic ANTHROPIC_AUTH_TOKEN=any claude\n", url);
  print_keys(config, ledger);
  fmt::print("  Ctrl-C               ends after the running answers, at most {} s; again: at once\n",
             std::chrono::duration_cast<std::chrono::seconds>(config.drain).count());
  fmt::print("  the chat page        {}/\n", url);  // last, where the eye rests
  std::fflush(stdout);
}

void warn_of_prices(const ModelHost& host, accounts::Ledger* ledger) {
  if (ledger == nullptr) return;
  ledger->with([&](accounts::Database& database) {
    for (const accounts::Account& account : accounts::list_accounts(database))
      if (account.closed == 0 && !ledger->can_charge(account.currency))
        fmt::print(stderr, "fathom: account {} is in {}, and no price card is: its requests are refused\n",
                   account.name, account.currency);
  });
  for (const server::HostedModel& model : host.models())
    for (const std::string& currency : ledger->currencies())
      if (!ledger->card(currency)->knows(model.id))
        fmt::print(stderr, "fathom: the price card in {} does not know {}: it costs nothing\n", currency, model.id);
}

void run_serve(const ServeOptions& options, const std::string& version) {
  server::GivenSettings given{.file = std::nullopt,
                              .environment = [](const std::string& variable) -> std::optional<std::string> {
                                const char* value = std::getenv(variable.c_str());
                                return value == nullptr ? std::nullopt : std::optional<std::string>(value);
                              },
                              .flags = options.flags};
  if (!options.file.empty()) given.file = options.file;
  const server::ServerConfig config = server::read_config(given);
  if (options.print_config) {
    fmt::print("{}", server::write_config(config));
    return;
  }
  StopSignals signals;  // before there is any thread, the ledger's too
  server::ServerParts parts = parts_with_ledger(config);
  const std::shared_ptr<accounts::Ledger> ledger = parts.ledger;
  check_exposure(config, ledger.get());
  const ModelHost host(config, version);
  warn_of_prices(host, ledger.get());
  parts.version = version;
  parts.models = host.models();
  parts.answer_disk = host.answer_disk();
  server::Server server(std::move(parts));
  print_welcome(server, config, host, ledger.get());
  signals.wait(-1);
  const std::int64_t open = server.figures().open;
  fmt::print("fathom ends: {} connection{} open, running answers have {} s\n", open, open == 1 ? " is" : "s are",
             std::chrono::duration_cast<std::chrono::seconds>(config.drain).count());
  std::fflush(stdout);
  server.drain();
  const auto until = server::Clock::now() + config.drain;
  while (server::Clock::now() < until && !server.wait_until_idle(std::chrono::milliseconds(20)))
    if (signals.wait(0)) break;
}

void add_settings(CLI::App& command, const std::shared_ptr<ServeOptions>& options) {
  const server::ServerConfig defaults;
  for (const server::Setting& setting : server::settings()) {
    const auto take = [options, name = setting.name](const std::string& value) {
      std::string& held = options->flags[name];
      if (!held.empty()) held += ",";
      held += value;
    };
    const bool is_list = setting.kind == "list";
    CLI::Option* option = nullptr;
    if (setting.kind == "switch") {
      option = command.add_flag_function(
          setting.flag() + ",!--no-" + setting.flag().substr(2),
          [options, name = setting.name](std::int64_t count) { options->flags[name] = count > 0 ? "true" : "false"; },
          setting.help);
    } else {
      option = command.add_option_function<std::vector<std::string>>(
          setting.flag(),
          [take, options, name = setting.name](const std::vector<std::string>& values) {
            options->flags.erase(name);
            for (const std::string& value : values) take(value);
          },
          setting.help);
      option->expected(1)->type_name(setting.range.empty() ? "TEXT" : setting.range);
      if (is_list) option->take_all();
      if (const std::string value = setting.get(defaults); !value.empty()) option->default_str(value);
    }
    option->group(setting.group);
    option->configurable(false);  // config.cpp reads the file: there the environment goes before it
  }
}

}  // namespace

void add_serve_command(CLI::App& program) {
  auto* command = program.add_subcommand("serve", "answer over HTTP: DeepSeek's API, Anthropic's and Responses");
  command->footer(
      R"(Every setting is a flag, a variable (FATHOM_ and the name in capitals: FATHOM_PORT) or a line of the [serve] table
of a TOML file, in this order of precedence; --print-config writes such a file.

  fathom serve --model models/minnow
  fathom serve --model deepseek-v4-flash=DIR --model deepseek-v4-pro=DIR --keys-file keys.txt --host 0.0.0.0
  fathom serve --model models/minnow --prefix-disk ~/.cache/fathom    # conversations are found again after a restart
  curl -N http://127.0.0.1:8080/chat/completions -d '{"model": "deepseek-v4-flash", "stream": true,
    "messages": [{"role": "user", "content": "Hi"}]}')");
  auto options = std::make_shared<ServeOptions>();
  command->allow_config_extras(CLI::config_extras_mode::ignore_all);
  command
      ->add_option("--config", options->file,
                   "TOML file with a [serve] table; or before the command, as for all commands")
      ->configurable(false);
  command->add_flag("--print-config", options->print_config, "write the settings as a TOML file and end");
  add_settings(*command, options);
  command->callback([options, &program] {
    const CLI::Option* whole = program.get_config_ptr();  // of all commands, or FATHOM_CONFIG
    if (options->file.empty() && whole != nullptr && whole->count() > 0) options->file = whole->as<std::string>();
    run_serve(*options, program.version());
  });
}

}  // namespace fathom
