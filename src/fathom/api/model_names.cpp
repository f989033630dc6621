#include "fathom/api/model_names.h"

#include <fmt/format.h>

#include "fathom/api/hosted_errors.h"
#include "fathom/base/error.h"

namespace fathom::api {
namespace {

constexpr std::string_view kFlash = "deepseek-v4-flash";
constexpr std::string_view kPro = "deepseek-v4-pro";
constexpr std::string_view kChat = "deepseek-chat";
constexpr std::string_view kReasoner = "deepseek-reasoner";

bool serves(const Policy& policy, std::string_view id) {
  for (const ServedModel& model : policy.models)
    if (model.id == id) return true;
  return false;
}

std::string stand_in(const Policy& policy, std::string_view id) {
  return serves(policy, id) ? std::string(id) : policy.models.front().id;
}

ApiError retired(const Policy& policy, std::string_view name, std::string_view passed) {
  return invalid_request(
      fmt::format("{} {} was retired on 2026-07-24; it stood for {} with \"thinking\": {{\"type\": \"{}\"}}.",
                  unknown_model(policy, passed).what(), name, kFlash, name == kChat ? "disabled" : "enabled"));
}

}  // namespace

ModelChoice choose_model(std::string_view name, Surface surface, const Policy& policy, std::int64_t now) {
  check(!policy.models.empty(), "a server serves at least one model");
  constexpr std::string_view kLongContext = "[1m]";
  const std::string_view passed = name;
  if (name.ends_with(kLongContext)) name.remove_suffix(kLongContext.size());
  if (serves(policy, name)) return {.id = std::string(name)};
  const bool old_name = name == kChat || name == kReasoner;
  if (old_name && (policy.keep_old_names || now < kOldNamesUntil))
    return {.id = stand_in(policy, kFlash),
            .thinking = name == kChat ? NamedThinking::off_at_first : NamedThinking::on};
  if (old_name) throw retired(policy, name, passed);
  if (surface != Surface::anthropic) throw unknown_model(policy, passed);
  const bool opus = name.starts_with("claude") && name.find("opus") != std::string_view::npos;
  return {.id = stand_in(policy, opus ? kPro : kFlash)};
}

const ServedModel& served_model(const Policy& policy, std::string_view id) {
  for (const ServedModel& model : policy.models)
    if (model.id == id) return model;
  throw InternalError("[api] no model {} is served", id);
}

}  // namespace fathom::api
