// The price cards of data/prices, built in: the hosted service's launch card and its later versions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fathom::accounts {

// As TOML (price_card.h); none of that name.
std::optional<std::string_view> price_preset(std::string_view name);
std::string price_preset_names();  // joined by a comma
// Three capital letters.
bool is_currency(std::string_view text);

}  // namespace fathom::accounts
