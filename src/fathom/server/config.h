// What an operator may set, in one table: each setting's name, meaning, range and default. A TOML file, the environment
// and flags are read by it, and --help is written from it. Flags go before the environment, that before the file.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/server/server.h"

namespace fathom::server {

// Of the engine behind each model; the room that builds engines knows more of them.
struct EngineSettings {
  std::string backend = "cpu";
  std::string device = "cpu";
  std::string cuda_products = "float32";
  std::int64_t gpu_megabytes = 0;  // for weights; 0: what caches and a step leave
  std::int64_t threads = 0;        // 0: one per core
  std::string cpu_target = "best";
  bool pin = false;
  std::string head_sketch = "on";
  std::string experts = "auto";
  std::string cache = "released";
  std::int64_t batch_tokens = 0;  // 0: 512, on a GPU 4096
  std::int64_t sequences = 64;
  std::int64_t queue = 256;
  std::int64_t queue_per_user = 64;
  std::int64_t queue_per_account = 128;
  std::int64_t cache_megabytes = 0;  // 0: half of the memory that is free; on a GPU what weights leave
  std::chrono::milliseconds step_time{200};
  std::string prefix_cache = "on";
  std::int64_t prefix_minimum = 1024;
  std::int64_t prefix_megabytes = 0;  // 0: what running answers leave of cache_megabytes
  std::string prefix_disk;            // folder; empty: none
  std::int64_t prefix_disk_gigabytes = 64;
  std::int64_t prefix_disk_daily_gigabytes = 256;
  std::int64_t draft_tokens = 7;
};

struct ServerConfig {
  std::vector<std::string> models;  // DIR, or NAME=DIR
  EngineSettings engine;
  HttpConfig http;
  AnsweringConfig answering;
  api::ResponseStore::Limits responses;
  AnswerMemory::Limits answers;
  std::int64_t replay_disk_megabytes = 1024;  // below engine.prefix_disk, where there is one; 0: none
  std::int64_t workers = 2;
  std::int64_t side_requests = 32;
  std::string store_texts;  // folder; empty: none
  std::string log = "info";
  std::string keys_file;
  std::string ledger = "default";  // the room that reads the environment knows where that is; none: no ledger
  std::vector<std::string> price_cards = {"hosted-usd", "hosted-cny"};
  std::vector<std::string> cors = {"*"};
  std::string agent_effort = "automatic_max";
  bool strict_reasoning = false;
  bool strict_hosted = false;
  bool keep_old_names = false;
  bool clip_max_tokens = true;
  std::int64_t context_tokens = 0;  // 0: the model's
  std::int64_t max_output_tokens = 393'216;
  std::chrono::milliseconds drain{30'000};
  bool open_to_network = false;
};

// One row. The text of a value is what a flag or a variable holds; a list's parts are joined by commas.
struct Setting {
  std::string name;  // of the key in the file; the flag is --name with dashes, the variable FATHOM_NAME in capitals
  std::string kind;  // text, list, number, seconds, switch
  std::string help;
  std::string range;  // empty: any
  std::string group;
  std::function<std::string(const ServerConfig&)> get;
  // InputError for a value that cannot be: "[serve] port is 70000, expected a number from 0 to 65535".
  std::function<void(ServerConfig&, std::string_view)> set;

  std::string flag() const;
  std::string variable() const;
};
std::span<const Setting> settings();

struct GivenSettings {
  std::optional<std::filesystem::path> file;  // its [serve] table
  std::function<std::optional<std::string>(const std::string& variable)> environment;
  std::map<std::string, std::string> flags;  // by setting's name
};
// InputError names the file with line, the variable or the flag.
ServerConfig read_config(const GivenSettings& given);
// As a TOML file that gives the same again.
std::string write_config(const ServerConfig& config);

// All but the models and the version. Opens the ledger, if its place is said.
ServerParts parts_of(const ServerConfig& config);

}  // namespace fathom::server
