#include "fathom/api/api_error.h"

#include "fathom/api/json_object.h"

namespace fathom::api {

std::string error_body(const ApiError& error, bool anthropic) {
  JsonObject inner;
  inner.text("message", error.what()).text("type", error.type()).null("param").text("code", error.code());
  if (!error.details.empty()) inner.json("details", error.details);
  JsonObject body;
  if (anthropic) body.text("type", "error");
  return body.json("error", inner.close()).close();
}

}  // namespace fathom::api
