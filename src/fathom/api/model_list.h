// GET /models and /models/ID (api.md 2), with the limits that later editions of the hosted API tell; and the same as
// Anthropic's clients read it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fathom/api/policy.h"

namespace fathom::api {

std::string models_body(const Policy& policy);
// None: no such model.
std::optional<std::string> model_body(const Policy& policy, std::string_view id);

// One page that has them all.
std::string anthropic_models_body(const Policy& policy);
std::optional<std::string> anthropic_model_body(const Policy& policy, std::string_view id);

}  // namespace fathom::api
