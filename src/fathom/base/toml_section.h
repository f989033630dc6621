// One table of a TOML file, read key by key; what nobody asked for is an error that names it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fathom {

class TomlSection {
 public:
  // InputError names the file, the line and the fault, and opens with [room]. `settings` are "stages.0.tokens=1000":
  // the value of a key, in TOML or as a bare word, in place of the file's; a place in an array is its number.
  static TomlSection load(std::string_view room, const std::filesystem::path& file,
                          const std::vector<std::string>& settings = {});
  ~TomlSection();
  TomlSection(TomlSection&&) noexcept;

  // Each leaves `value` as it is when the key is missing, unless it says `required`.
  enum class Need : std::uint8_t { optional, required };
  void read(std::string_view key, std::int64_t& value, std::int64_t least, std::int64_t most,
            Need need = Need::optional);
  void read(std::string_view key, double& value, double least, double most, Need need = Need::optional);
  void read(std::string_view key, bool& value);
  void read(std::string_view key, std::string& value, Need need = Need::optional);
  // A file's path, relative to the TOML file's folder.
  void read(std::string_view key, std::filesystem::path& value, Need need = Need::optional);
  // One word of a list.
  template <typename Value>
  void read(std::string_view key, Value& value, const std::vector<std::pair<std::string_view, Value>>& words) {
    std::string word;
    read(key, word);
    if (word.empty()) return;
    for (const auto& [name, meaning] : words)
      if (name == word) {
        value = meaning;
        return;
      }
    std::vector<std::string_view> names;
    for (const auto& entry : words) names.push_back(entry.first);
    refuse_word(key, word, names);
  }
  bool has(std::string_view key) const;
  // A table, empty when missing; and an array of tables.
  TomlSection section(std::string_view key);
  std::vector<TomlSection> sections(std::string_view key, Need need = Need::optional);

  // InputError when the table has keys that were not asked for.
  void finish() const;
  [[noreturn]] void refuse(std::string_view key, const std::string& what) const;

 private:
  struct Contents;
  explicit TomlSection(std::unique_ptr<Contents> contents);
  [[noreturn]] void refuse_word(std::string_view key, std::string_view word,
                                const std::vector<std::string_view>& names) const;
  std::unique_ptr<Contents> contents_;
};

}  // namespace fathom
