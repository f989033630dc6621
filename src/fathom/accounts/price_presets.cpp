#include "fathom/accounts/price_presets.h"

#include <algorithm>
#include <cstddef>

// FATHOM_PRICES is the folder's path; the root CMakeLists.txt sets it for this source alone.
__asm__(
    ".section .rodata\n"
    "fathom_prices_usd_begin:\n"
    ".incbin \"" FATHOM_PRICES
    "/hosted-usd.toml\"\n"
    "fathom_prices_usd_end:\n"
    "fathom_prices_cny_begin:\n"
    ".incbin \"" FATHOM_PRICES
    "/hosted-cny.toml\"\n"
    "fathom_prices_cny_end:\n"
    ".byte 0\n"
    ".text\n");

extern "C" {
extern const char fathom_prices_usd_begin[] __attribute__((visibility("hidden")));
extern const char fathom_prices_usd_end[] __attribute__((visibility("hidden")));
extern const char fathom_prices_cny_begin[] __attribute__((visibility("hidden")));
extern const char fathom_prices_cny_end[] __attribute__((visibility("hidden")));
}

namespace fathom::accounts {
namespace {

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

std::optional<std::string_view> price_preset(std::string_view name) {
  if (name == "hosted-usd") return between(fathom_prices_usd_begin, fathom_prices_usd_end);
  if (name == "hosted-cny") return between(fathom_prices_cny_begin, fathom_prices_cny_end);
  return std::nullopt;
}

std::string price_preset_names() { return "hosted-usd, hosted-cny"; }

bool is_currency(std::string_view text) {
  return text.size() == 3 &&
         std::all_of(text.begin(), text.end(), [](char letter) { return letter >= 'A' && letter <= 'Z'; });
}

}  // namespace fathom::accounts
