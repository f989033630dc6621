#include "fathom/backends/cpu/instruction_set.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

#include "fathom/backends/cpu/kernels/targets.h"
#include "fathom/base/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/instruction_set.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

std::int64_t ThisTarget() { return HWY_TARGET; }

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {
namespace {

HWY_EXPORT(ThisTarget);

std::string name_of_target(std::int64_t target) {
  if (target == HWY_SCALAR || target == HWY_EMU128) return "scalar";  // which of the two is the compiler's to say
  std::string name = hwy::TargetName(target);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) { return std::tolower(letter); });
  return name;
}

// Best first: Highway numbers them so. Asked once, before one of them is chosen.
const std::vector<std::int64_t>& targets() {
  static const std::vector<std::int64_t> all = [] {
    std::vector<std::int64_t> found;
    for (std::int64_t left = (hwy::SupportedTargets() | HWY_STATIC_TARGET) & HWY_TARGETS; left != 0; left &= left - 1)
      found.push_back(left & -left);
    return found;
  }();
  return all;
}

}  // namespace

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const std::int64_t target : targets()) names.push_back(name_of_target(target));
  return names;
}

std::string instruction_set_in_use() { return name_of_target(HWY_DYNAMIC_DISPATCH(ThisTarget)()); }

void use_instruction_set(std::string_view name) {
  const std::vector<std::int64_t>& all = targets();
  if (name.empty() || name == "best") return hwy::SetSupportedTargetsForTest(0);  // a kernel may know a better one
  std::string known;
  for (const std::int64_t target : all) {
    if (name_of_target(target) == name) return hwy::SetSupportedTargetsForTest(target);
    known += ", " + name_of_target(target);
  }
  throw InputError("[cpu] the instruction set is {}, expected one that this machine has: best{}", name, known);
}

}  // namespace fathom
#endif
