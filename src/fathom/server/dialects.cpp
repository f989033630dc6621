#include "fathom/server/dialects.h"

#include "fathom/api/anthropic_body.h"
#include "fathom/api/anthropic_writer.h"
#include "fathom/api/balance.h"
#include "fathom/api/chat_body.h"
#include "fathom/api/chat_writer.h"
#include "fathom/api/completion_body.h"
#include "fathom/api/completion_writer.h"
#include "fathom/api/model_list.h"
#include "fathom/api/responses_body.h"
#include "fathom/api/responses_writer.h"

namespace fathom::server {

Dialects api_dialects() {
  return {.chat = {.read = api::read_chat, .writer = api::write_chat},
          .completions = {.read = api::read_completion, .writer = api::write_completion},
          .anthropic = {.read = api::read_anthropic, .writer = api::write_anthropic},
          .responses = {.read = api::read_responses, .writer = api::write_responses},
          .models = {.all = api::models_body, .one = api::model_body},
          .anthropic_models = {.all = api::anthropic_models_body, .one = api::anthropic_model_body},
          .balance = [] { return api::balance_body(); },
          .token_count = api::anthropic_token_count};
}

}  // namespace fathom::server
