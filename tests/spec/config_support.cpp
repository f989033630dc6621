#include "tests/spec/config_support.h"

#include <nlohmann/json.hpp>

#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"

namespace fathom::testing {

std::string tiny_flash_config() { return read_text_file(FATHOM_TEST_DATA "/tiny-flash/config.json"); }

std::string with_field(const std::string& config, std::string_view field, std::string_view value) {
  nlohmann::json file = nlohmann::json::parse(config);
  std::string pointer = "/" + std::string(field);
  for (char& character : pointer)
    if (character == '.') character = '/';
  const nlohmann::json::json_pointer place(pointer);
  if (value.empty()) {
    file.at(place.parent_pointer()).erase(place.back());
  } else {
    file[place] = nlohmann::json::parse(value);
  }
  return file.dump();
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace fathom::testing
