#include "fathom/api/model_list.h"

#include <fmt/chrono.h>

#include "fathom/api/json_object.h"

namespace fathom::api {
namespace {

std::string model_json(const ServedModel& model) {
  JsonObject json;
  json.text("id", model.id)
      .text("object", "model")
      .number("created", model.created)
      .text("owned_by", "deepseek")
      .number("context_window", model.context_tokens)
      .number("max_output_tokens", model.max_output_tokens);
  if (!model.price.empty()) json.json("price", model.price);
  return json.close();
}

std::string anthropic_model_json(const ServedModel& model) {
  return JsonObject()
      .text("type", "model")
      .text("id", model.id)
      .text("display_name", model.id)
      .text("created_at", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(model.created))))
      .number("max_input_tokens", model.context_tokens)
      .number("max_tokens", model.max_output_tokens)
      .close();
}

JsonObject& text_or_null(JsonObject& object, std::string_view key, const ServedModel* model) {
  return model != nullptr ? object.text(key, model->id) : object.null(key);
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

std::string anthropic_models_body(const Policy& policy) {
  JsonArray data;
  for (const ServedModel& model : policy.models) data.add(anthropic_model_json(model));
  const bool none = policy.models.empty();
  JsonObject body;
  body.json("data", data.close()).truth("has_more", false);
  text_or_null(body, "first_id", none ? nullptr : &policy.models.front());
  text_or_null(body, "last_id", none ? nullptr : &policy.models.back());
  return body.close();
}

std::optional<std::string> anthropic_model_body(const Policy& policy, std::string_view id) {
  for (const ServedModel& model : policy.models)
    if (model.id == id) return anthropic_model_json(model);
  return std::nullopt;
}

}  // namespace fathom::api
