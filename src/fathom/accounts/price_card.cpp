#include "fathom/accounts/price_card.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "fathom/accounts/calendar.h"
#include "fathom/accounts/price_presets.h"
#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"

namespace fathom::accounts {
namespace {

constexpr int kPriceDecimals = 6;  // of a million tokens: a token's price is a whole number of Money's parts
constexpr std::int64_t kMillion = 1'000'000;
constexpr std::int64_t kMostPeak = 100;
constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

class Reader {
 public:
  Reader(const toml::table& table, std::string place) : table_(table), place_(std::move(place)) {}

  void allow(std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, node] : table_)
      if (std::find(keys.begin(), keys.end(), key.str()) == keys.end())
        refuse(node, fmt::format("{} is no key here", key.str()));
  }
  std::string text(std::string_view key) const {
    const toml::node& node = at(key);
    if (!node.is_string()) refuse(node, fmt::format("{} must be a text in quotes", key));
    return node.as_string()->get();
  }
  Money price(std::string_view key) const {
    const Money money = Money::parse(text(key), place_of(at(key)), kPriceDecimals);
    if (money < Money()) refuse(at(key), fmt::format("{} is below zero", key));
    return money;
  }
  std::int64_t moment(std::string_view key) const {
    const toml::node& node = at(key);
    if (!node.is_date_time()) refuse(node, fmt::format("{} must be like 2026-04-24T00:00:00Z", key));
    const toml::date_time& time = node.as_date_time()->get();
    if (!time.offset || time.offset->minutes != 0) refuse(node, fmt::format("{} must end in Z: UTC", key));
    return day_start(time.date.year, time.date.month, time.date.day) + time.time.hour * 3600 + time.time.minute * 60 +
           time.time.second;
  }
  std::int64_t number(std::string_view key, std::int64_t otherwise, std::int64_t most) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return otherwise;
    const auto* found = node->as_integer();
    if (found == nullptr || found->get() < 1 || found->get() > most)
      refuse(*node, fmt::format("{} must be a number from 1 to {}", key, most));
    return found->get();
  }
  std::vector<std::string> texts(std::string_view key) const {
    const toml::node& node = at(key);
    std::vector<std::string> all;
    if (const auto* array = node.as_array())
      for (const toml::node& element : *array)
        if (const auto* word = element.as_string()) all.push_back(word->get());
    if (!node.is_array() || all.size() != node.as_array()->size())
      refuse(node, fmt::format("{} must be a list of texts", key));
    return all;
  }
  [[noreturn]] void refuse(const toml::node& node, const std::string& what) const {
    throw InputError("[{}] {}", place_of(node), what);
  }
  const toml::node& at(std::string_view key) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) throw InputError("[{}] {} is missing", place_of(table_), key);
    return *node;
  }

 private:
  std::string place_of(const toml::node& node) const {
    return fmt::format("{} line {}", place_, node.source().begin.line);
  }
  const toml::table& table_;
  std::string place_;
};

// "01:30" as seconds; "24:00" is the day's end.
std::optional<std::int64_t> time_of_day(std::string_view text) {
  const auto two = [](std::string_view digits) {
    int value = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() ? value : -1;
  };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const int hour = two(text.substr(0, 2));
  const int minute = two(text.substr(3));
  const bool whole_day = hour == 24 && minute == 0;
  if (!whole_day && (hour < 0 || hour > 23 || minute < 0 || minute > 59)) return std::nullopt;
  return hour * 3600 + minute * 60;
}

std::pair<std::int64_t, std::int64_t> hours_of(const Reader& reader, std::string_view text) {
  const std::size_t dash = std::min(text.find('-'), text.size());
  const auto begin = time_of_day(text.substr(0, dash));
  const auto end = dash < text.size() ? time_of_day(text.substr(dash + 1)) : std::nullopt;
  if (!begin || !end || *begin >= *end)
    reader.refuse(reader.at("hours"), fmt::format("hours has {}, expected such as 01:00-04:00", text));
  return {*begin, *end};
}

Price price_of(const Reader& reader) {
  reader.allow({"model", "from", "hit", "miss", "output", "peak"});
  return {.model = reader.text("model"),
          .from = reader.moment("from"),
          .hit = reader.price("hit"),
          .miss = reader.price("miss"),
          .output = reader.price("output"),
          .peak = reader.number("peak", 1, kMostPeak)};
}

}  // namespace

PriceCard PriceCard::parse(std::string_view toml, std::string_view place) {
  toml::table whole;
  try {
    whole = toml::parse(toml, place);
  } catch (const toml::parse_error& error) {
    throw InputError("[{} line {}] {}", place, error.source().begin.line, error.description());
  }
  const Reader top(whole, std::string(place));
  top.allow({"currency", "peak", "price"});
  PriceCard card;
  card.currency_ = top.text("currency");
  if (!is_currency(card.currency_))
    top.refuse(top.at("currency"), fmt::format("currency is {}, expected three capitals", card.currency_));
  if (const toml::table* peak = whole["peak"].as_table()) {
    const Reader reader(*peak, std::string(place));
    reader.allow({"days", "hours"});
    for (const std::string& day : reader.texts("days")) {
      const auto found = std::find(kDays.begin(), kDays.end(), day);
      if (found == kDays.end()) reader.refuse(reader.at("days"), fmt::format("days has {}, expected mon to sun", day));
      card.peak_days_[static_cast<std::size_t>(found - kDays.begin())] = true;
    }
    for (const std::string& hours : reader.texts("hours")) card.peak_hours_.push_back(hours_of(reader, hours));
  }
  const toml::node& rows = top.at("price");
  if (!rows.is_array_of_tables()) top.refuse(rows, "price must be tables: [[price]]");
  for (const toml::node& row : *rows.as_array())
    card.prices_.push_back(price_of(Reader(*row.as_table(), std::string(place))));
  std::stable_sort(card.prices_.begin(), card.prices_.end(),
                   [](const Price& a, const Price& b) { return a.from < b.from; });
  return card;
}

PriceCard PriceCard::load(const std::string& name) {
  const std::size_t at = name.rfind('@');
  if (const auto preset = price_preset(name)) return parse(*preset, name);
  const auto base = at == std::string::npos ? std::nullopt : price_preset(name.substr(0, at));
  if (base) return parse(*base, name).pinned(parse_day(name.substr(at + 1), "price card") + kDaySeconds - 1);
  if (name.find('/') == std::string::npos && name.find('.') == std::string::npos)
    throw InputError("[price card] {} is no preset, expected {} or a file", name, price_preset_names());
  return parse(read_text_file(name), name);
}

bool PriceCard::knows(std::string_view model) const {
  return std::any_of(prices_.begin(), prices_.end(), [&](const Price& price) { return price.model == model; });
}

bool PriceCard::is_peak(std::int64_t seconds) const {
  constexpr std::int64_t kThursday = 4;  // 1970-01-01
  const std::int64_t day = day_of(seconds);
  const std::int64_t second = seconds - day * kDaySeconds;
  if (!peak_days_[static_cast<std::size_t>(((day + kThursday) % 7 + 7) % 7)]) return false;
  return std::any_of(peak_hours_.begin(), peak_hours_.end(),
                     [&](const auto& hours) { return second >= hours.first && second < hours.second; });
}

const Price* PriceCard::price_at(std::string_view model, std::int64_t seconds) const {
  const Price* found = nullptr;
  for (const Price& price : prices_)
    if (price.model == model && price.from <= seconds) found = &price;
  return found;
}

Money PriceCard::cost(std::string_view model, std::int64_t seconds, const TokenCounts& tokens) const {
  const Price* price = price_at(model, seconds);
  if (price == nullptr) return {};
  const Int128 sum = price->hit.parts() / kMillion * tokens.hit + price->miss.parts() / kMillion * tokens.miss +
                     price->output.parts() / kMillion * tokens.output;
  return Money::of_parts(sum * (is_peak(seconds) ? price->peak : 1));
}

PriceCard PriceCard::pinned(std::int64_t seconds) const {
  PriceCard card = *this;
  card.prices_.clear();
  for (const Price& price : prices_) {
    if (price_at(price.model, seconds) != &price) continue;
    card.prices_.push_back(price);
    card.prices_.back().from = std::numeric_limits<std::int64_t>::min();
  }
  if (card.prices_.empty()) throw InputError("[price card] has no price on {} yet", write_day(day_of(seconds)));
  return card;
}

}  // namespace fathom::accounts
