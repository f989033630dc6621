// Pages of other origins may ask too, as with the hosted API, if the operator lets them. No cookie means anything here,
// so that letting an origin ask gives it nothing that it could not ask by itself but the way to this machine.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fathom/server/http_message.h"

namespace fathom::server {

// Headers of an answer to this request; of a preflight with what it asks for.
std::vector<HttpHeader> cors_headers(const HttpRequest& request, std::span<const std::string> origins);

}  // namespace fathom::server
