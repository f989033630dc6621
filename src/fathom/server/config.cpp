#include "fathom/server/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"

namespace fathom::server {
namespace {

constexpr std::string_view kTable = "serve";

const Setting* find_setting(std::string_view name) {
  const auto all = settings();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Setting& setting) { return setting.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// The name that is most like it: the most letters in common at the start.
std::string nearest(std::string_view name) {
  std::size_t best = 0;
  std::string out;
  for (const Setting& setting : settings()) {
    const auto [end, ignored] = std::mismatch(setting.name.begin(), setting.name.end(), name.begin(), name.end());
    const auto common = static_cast<std::size_t>(end - setting.name.begin());
    if (common > best) {
      best = common;
      out = setting.name;
    }
  }
  return out;
}

std::string value_text(const toml::node& node, const std::string& place) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  if (const auto* array = node.as_array()) {
    std::vector<std::string> parts;
    for (const toml::node& element : *array) parts.push_back(value_text(element, place));
    return fmt::format("{}", fmt::join(parts, ","));
  }
  throw InputError("[serve] {}: found a table or a date, expected a text, number, switch or list", place);
}

void read_file(const std::filesystem::path& file, ServerConfig& config) {
  toml::table whole;
  try {
    whole = toml::parse(read_text_file(file), file.string());
  } catch (const toml::parse_error& error) {
    throw InputError("[serve] {} line {}: {}", file.string(), error.source().begin.line, error.description());
  }
  for (const auto& [key, node] : whole)  // tables of other commands are theirs
    if (!node.is_table())
      throw InputError("[serve] {} line {}: {} stands outside of the [serve] table", file.string(),
                       key.source().begin.line, std::string(key.str()));
  const toml::table* table = whole[kTable].as_table();
  if (table == nullptr) return;
  for (const auto& [key, node] : *table) {
    const std::string name(key.str());
    const std::string place = fmt::format("{} line {}: {}", file.string(), key.source().begin.line, name);
    const Setting* setting = find_setting(name);
    if (setting == nullptr)
      throw InputError("[serve] {} is no setting{}", place,
                       nearest(name).empty() ? std::string() : "; did you mean " + nearest(name) + "?");
    try {
      setting->set(config, value_text(node, place));
    } catch (const InputError& error) {
      throw InputError("{} ({} line {})", error.what(), file.string(), key.source().begin.line);
    }
  }
}

std::string toml_value(const Setting& setting, const std::string& value) {
  if (setting.kind == "number" || setting.kind == "seconds" || setting.kind == "switch") return value;
  const auto quoted = [](const std::string& text) {
    std::ostringstream out;
    out << toml::value<std::string>(text);
    return out.str();
  };
  if (setting.kind == "text") return quoted(value);
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < value.size();) {
    const std::size_t comma = std::min(value.find(',', begin), value.size());
    parts.push_back(quoted(value.substr(begin, comma - begin)));
    begin = comma + 1;
  }
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

api::AgentEffort agent_effort_of(const std::string& name) {
  if (name == "off") return api::AgentEffort::off;
  return name == "respect_explicit" ? api::AgentEffort::respect_explicit : api::AgentEffort::automatic_max;
}

LogLevel log_level_of(const std::string& name) {
  if (name == "off") return LogLevel::off;
  if (name == "error") return LogLevel::error;
  return name == "debug" ? LogLevel::debug : LogLevel::info;
}

}  // namespace

ServerConfig read_config(const GivenSettings& given) {
  ServerConfig config;
  if (given.file) read_file(*given.file, config);
  for (const Setting& setting : settings()) {
    const auto value = given.environment ? given.environment(setting.variable()) : std::nullopt;
    if (!value) continue;
    try {
      setting.set(config, *value);
    } catch (const InputError& error) {
      throw InputError("{} ({})", error.what(), setting.variable());
    }
  }
  for (const auto& [name, value] : given.flags) {
    const Setting* setting = find_setting(name);
    if (setting == nullptr) throw InternalError("[serve] {} is no setting", name);
    setting->set(config, value);
  }
  return config;
}

std::string write_config(const ServerConfig& config) {
  std::string out = "[serve]\n";
  std::string group;
  for (const Setting& setting : settings()) {
    if (setting.group != group) out += fmt::format("\n# {}\n", setting.group);
    group = setting.group;
    out += fmt::format("{} = {}  # {}{}\n", setting.name, toml_value(setting, setting.get(config)), setting.help,
                       setting.range.empty() ? std::string() : fmt::format(" ({})", setting.range));
  }
  return out;
}

ServerParts parts_of(const ServerConfig& config) {
  ServerParts parts;
  parts.http = config.http;
  parts.answering = config.answering;
  parts.responses = config.responses;
  parts.answers = config.answers;
  parts.workers = static_cast<int>(config.workers);
  parts.side_requests = config.side_requests;
  parts.store_texts = config.store_texts;
  parts.log_level = log_level_of(config.log);
  parts.keys_file = config.keys_file;
  if (!config.ledger.empty() && config.ledger != "none" && config.ledger != "default")
    parts.ledger = std::make_shared<accounts::Ledger>(
        accounts::LedgerConfig{.where = config.ledger, .price_cards = config.price_cards});
  parts.cors_origins = config.cors;
  parts.policy.agent_effort = agent_effort_of(config.agent_effort);
  parts.policy.strict_reasoning = config.strict_reasoning;
  parts.policy.strict_hosted = config.strict_hosted;
  parts.policy.keep_old_names = config.keep_old_names;
  parts.policy.clip_max_tokens = config.clip_max_tokens;
  parts.dialects = api_dialects();
  return parts;
}

}  // namespace fathom::server
