// For tests of the server: minnow's vocabulary as a hosted model without a generator, and calls to it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"
#include "fathom/server/hosted_model.h"

namespace fathom::testing {

std::shared_ptr<const Tokenizer> minnow_tokenizer();
// The same vocabulary, in which that added token is plain text.
std::shared_ptr<const Tokenizer> tokenizer_without(const std::string& added_token);
// What narrows answers in its tokens.
std::shared_ptr<grammar::ConstraintMaker> minnow_constraints();
server::HostedModel hosted_model();
api::Policy policy_of(const server::HostedModel& model);
// One user's message, thinking on.
api::Call chat_call(const std::string& content);

}  // namespace fathom::testing
