// For tests: the oracles' config.json as text, with fields changed, and the message of an InputError.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace fathom::testing {

// tests/data/tiny-flash/config.json.
std::string tiny_flash_config();

// `config` with `field` set to the JSON `value`; "rope_scaling.factor" reaches inside. An empty value removes the
// field.
std::string with_field(const std::string& config, std::string_view field, std::string_view value);

// What the InputError said; empty when nothing was thrown. Any other exception passes through.
std::string error_of(const std::function<void()>& action);

}  // namespace fathom::testing
