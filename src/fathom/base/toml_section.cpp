#include "fathom/base/toml_section.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "fathom/base/error.h"

namespace fathom {
namespace {

// "3e-4" and "true" as TOML reads them, "cpu" as a string.
toml::table parse_value(std::string_view room, const std::string& text, const std::string& setting) {
  try {
    return toml::parse("value = " + text);
  } catch (const toml::parse_error&) {
  }
  if (text.find_first_of("\"'\n\\") == std::string::npos) return toml::parse("value = \"" + text + "\"");
  throw InputError("[{}] --set {}: the value is not TOML", room, setting);
}

toml::node* child_of(std::string_view room, toml::node& node, const std::string& step, const std::string& setting) {
  if (toml::table* table = node.as_table()) return table->get(step);
  if (toml::array* array = node.as_array()) {
    std::size_t place = 0;
    const auto [end, fault] = std::from_chars(step.data(), step.data() + step.size(), place);
    if (fault != std::errc{} || end != step.data() + step.size() || place >= array->size())
      throw InputError("[{}] --set {}: \"{}\" is no place in a list of {}", room, setting, step, array->size());
    return array->get(place);
  }
  throw InputError("[{}] --set {}: \"{}\" stands below a plain value", room, setting, step);
}

void set(std::string_view room, toml::table& root, const std::string& setting) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0)
    throw InputError("[{}] --set {}: expected KEY=VALUE, such as stages.0.tokens=1000", room, setting);
  const std::string path = setting.substr(0, equals);
  toml::table value = parse_value(room, setting.substr(equals + 1), setting);
  toml::node* node = &root;
  std::size_t begin = 0;
  for (std::size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', begin)) {
    const std::string step = path.substr(begin, dot - begin);
    toml::node* next = child_of(room, *node, step, setting);
    if (next == nullptr) {
      node->as_table()->insert(step, toml::table{});
      next = node->as_table()->get(step);
    }
    node = next;
    begin = dot + 1;
  }
  toml::table* table = node->as_table();
  if (table == nullptr) throw InputError("[{}] --set {}: \"{}\" is not a table", room, setting, path);
  table->insert_or_assign(path.substr(begin), std::move(*value.get("value")));
}

}  // namespace

struct TomlSection::Contents {
  std::string room;
  std::filesystem::path file;
  std::shared_ptr<toml::table> root;  // keeps `table` alive
  const toml::table* table = nullptr;
  std::string path;  // "stages[0]."
  std::set<std::string, std::less<>> asked;

  std::string place(const toml::node* node) const {
    const auto line = node == nullptr ? 0 : node->source().begin.line;
    return line == 0 ? file.string() : fmt::format("{}:{}", file.string(), line);
  }
  const toml::node* find(std::string_view key, Need need) {
    asked.emplace(key);
    const toml::node* node = table->get(key);
    if (node == nullptr && need == Need::required)
      throw InputError("[{}] {}: {}{} is missing", room, place(table), path, key);
    return node;
  }
};

TomlSection::TomlSection(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
TomlSection::~TomlSection() = default;
TomlSection::TomlSection(TomlSection&&) noexcept = default;

TomlSection TomlSection::load(std::string_view room, const std::filesystem::path& file,
                              const std::vector<std::string>& settings) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw InputError("[{}] cannot read {}", room, file.string());
  const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  auto contents = std::make_unique<Contents>();
  contents->room = room;
  contents->file = file;
  try {
    contents->root = std::make_shared<toml::table>(toml::parse(text, file.string()));
  } catch (const toml::parse_error& error) {
    throw InputError("[{}] {}:{}: {}", room, file.string(), error.source().begin.line, error.description());
  }
  for (const std::string& setting : settings) set(room, *contents->root, setting);
  contents->table = contents->root.get();
  return TomlSection(std::move(contents));
}

void TomlSection::refuse(std::string_view key, const std::string& what) const {
  throw InputError("[{}] {}: {}{} {}", contents_->room, contents_->place(contents_->table->get(key)), contents_->path,
                   key, what);
}

void TomlSection::refuse_word(std::string_view key, std::string_view word,
                              const std::vector<std::string_view>& names) const {
  refuse(key, fmt::format("is \"{}\", expected one of: {}", word, fmt::join(names, ", ")));
}

void TomlSection::read(std::string_view key, std::int64_t& value, std::int64_t least, std::int64_t most, Need need) {
  const toml::node* node = contents_->find(key, need);
  if (node == nullptr) return;
  const auto found = node->value_exact<std::int64_t>();
  if (!found) refuse(key, "is no whole number");
  if (*found < least || *found > most) refuse(key, fmt::format("is {}, expected {} to {}", *found, least, most));
  value = *found;
}

void TomlSection::read(std::string_view key, double& value, double least, double most, Need need) {
  const toml::node* node = contents_->find(key, need);
  if (node == nullptr) return;
  const std::optional<double> found = node->is_number() ? node->value<double>() : std::nullopt;
  if (!found) refuse(key, "is no number");
  if (!(*found >= least && *found <= most)) refuse(key, fmt::format("is {}, expected {} to {}", *found, least, most));
  value = *found;
}

void TomlSection::read(std::string_view key, bool& value) {
  const toml::node* node = contents_->find(key, Need::optional);
  if (node == nullptr) return;
  const auto found = node->value_exact<bool>();
  if (!found) refuse(key, "is neither true nor false");
  value = *found;
}

void TomlSection::read(std::string_view key, std::string& value, Need need) {
  const toml::node* node = contents_->find(key, need);
  if (node == nullptr) return;
  const auto found = node->value_exact<std::string>();
  if (!found) refuse(key, "is no text in quotes");
  value = *found;
}

void TomlSection::read(std::string_view key, std::filesystem::path& value, Need need) {
  std::string text;
  read(key, text, need);
  if (!text.empty()) value = contents_->file.parent_path() / text;
}

bool TomlSection::has(std::string_view key) const { return contents_->table->get(key) != nullptr; }

TomlSection TomlSection::section(std::string_view key) {
  const toml::node* node = contents_->find(key, Need::optional);
  if (node != nullptr && !node->is_table()) refuse(key, "is no table");
  auto contents = std::make_unique<Contents>();
  contents->room = contents_->room;
  contents->file = contents_->file;
  contents->path = fmt::format("{}{}.", contents_->path, key);
  contents->root = node == nullptr ? std::make_shared<toml::table>() : contents_->root;
  contents->table = node == nullptr ? contents->root.get() : node->as_table();
  return TomlSection(std::move(contents));
}

std::vector<TomlSection> TomlSection::sections(std::string_view key, Need need) {
  const toml::node* node = contents_->find(key, need);
  std::vector<TomlSection> result;
  if (node == nullptr) return result;
  const toml::array* array = node->as_array();
  if (array == nullptr) refuse(key, "is no list of tables");
  for (std::size_t place = 0; place < array->size(); ++place) {
    if (!array->get(place)->is_table()) refuse(key, fmt::format("[{}] is no table", place));
    auto contents = std::make_unique<Contents>();
    contents->room = contents_->room;
    contents->file = contents_->file;
    contents->path = fmt::format("{}{}[{}].", contents_->path, key, place);
    contents->root = contents_->root;
    contents->table = array->get(place)->as_table();
    result.push_back(TomlSection(std::move(contents)));
  }
  if (result.empty() && need == Need::required) refuse(key, "is empty");
  return result;
}

void TomlSection::finish() const {
  for (const auto& [key, node] : *contents_->table)
    if (!contents_->asked.contains(std::string_view(key)))
      throw InputError("[{}] {}: unknown key {}{}; known here: {}", contents_->room, contents_->place(&node),
                       contents_->path, std::string_view(key), fmt::join(contents_->asked, ", "));
}

}  // namespace fathom
