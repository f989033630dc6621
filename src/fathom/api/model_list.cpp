#include "fathom/api/model_list.h"

#include "fathom/api/json_object.h"

namespace fathom::api {
namespace {

std::string model_json(const ServedModel& model) {
  return JsonObject()
      .text("id", model.id)
      .text("object", "model")
      .number("created", model.created)
      .text("owned_by", "deepseek")
      .number("context_window", model.context_tokens)
      .number("max_output_tokens", model.max_output_tokens)
      .close();
}

}  // namespace

std::string models_body(const Policy& policy) {
  JsonArray data;
  for (const ServedModel& model : policy.models) data.add(model_json(model));
  return JsonObject().text("object", "list").json("data", data.close()).close();
}

std::optional<std::string> model_body(const Policy& policy, std::string_view id) {
  for (const ServedModel& model : policy.models)
    if (model.id == id) return model_json(model);
  return std::nullopt;
}

}  // namespace fathom::api
