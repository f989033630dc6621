#include "fathom/corpus/special_tokens.h"

#include <array>
#include <string_view>

namespace fathom {
namespace {

constexpr std::array<std::string_view, 3> kSpecial = {"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>",
                                                      "<｜▁pad▁｜>"};

constexpr std::array<std::string_view, 44> kNormalized = {
    "<｜fim▁hole｜>",
    "<｜fim▁begin｜>",
    "<｜fim▁end｜>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<|EOT|>",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁calls▁end｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁outputs▁begin｜>",
    "<｜tool▁outputs▁end｜>",
    "<｜tool▁output▁begin｜>",
    "<｜tool▁output▁end｜>",
    "<｜tool▁sep｜>",
    "<｜begin▁of▁repo▁name｜>",
    "<｜end▁of▁repo▁name｜>",
    "<｜begin▁of▁file▁name｜>",
    "<｜end▁of▁file▁name｜>",
    "<｜begin▁of▁file｜>",
    "<｜end▁of▁file｜>",
    "<think>",
    "</think>",
    "｜DSML｜",
    "<｜begin▁sys｜>",
    "<｜end▁sys｜>",
    "<｜latest_reminder｜>",
    "<｜action｜>",
    "<｜query｜>",
    "<｜authority｜>",
    "<｜domain｜>",
    "<｜task｜>",
    "<｜political｜>",
    "<｜entity｜>",
    "<｜title｜>",
    "<｜safety｜>",
    "<｜answer｜>",
    "<｜search｜>",
    "<dsml:",
    "</dsml:",
    "<｜search▁begin｜>",
    "<｜search▁end｜>",
    "<｜extracted_url｜>",
    "<｜read_url｜>",
};

}  // namespace

std::vector<AddedToken> small_vocabulary_tokens() {
  std::vector<AddedToken> tokens;
  const auto append = [&](std::string_view content, bool special) {
    tokens.push_back({.id = static_cast<std::int32_t>(tokens.size()),
                      .content = std::string(content),
                      .normalized = !special,
                      .special = special});
  };
  for (const std::string_view content : kSpecial) append(content, true);
  for (const std::string_view content : kNormalized) append(content, false);
  return tokens;
}

}  // namespace fathom
