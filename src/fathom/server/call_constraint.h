// From a Call to what narrows its answer: its format, its tools, what it says of calling them.
#pragma once

#include <memory>

#include "fathom/api/call.h"
#include "fathom/engine/token_constraint.h"
#include "fathom/server/hosted_model.h"

namespace fathom::server {

// Null where every token may come, as in completions. `in_thinking`: the answer begins inside its reasoning.
// api::ApiError (400) names the place in the schema that cannot be obeyed.
std::shared_ptr<TokenConstraint> constrain(const api::Call& call, const HostedModel& model, bool in_thinking);

}  // namespace fathom::server
