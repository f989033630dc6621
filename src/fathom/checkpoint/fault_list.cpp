#include "fathom/checkpoint/fault_list.h"

#include "fathom/base/error.h"

namespace fathom {

std::string printable(std::string_view name) {
  constexpr std::size_t kMost = 120;
  std::string text(name.substr(0, kMost));
  for (char& character : text)
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f) character = '?';
  if (name.size() > kMost) text += "...";
  return text;
}

std::string shape_text(const std::vector<std::int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

void FaultList::add(std::string text) {
  ++count_;
  if (count_ <= kTold) told_.push_back(std::move(text));
}

void FaultList::throw_if_any(std::string_view place, std::string_view subject) const {
  if (count_ == 0) return;
  if (count_ == 1) throw InputError("[{}] {}: {}", place, subject, told_.front());
  const std::string more = count_ > kTold ? fmt::format("; and {} more", count_ - kTold) : "";
  throw InputError("[{}] {}: {} faults: {}{}", place, subject, count_, fmt::join(told_, "; "), more);
}

}  // namespace fathom
