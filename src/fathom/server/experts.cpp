#include "fathom/server/experts.h"

#include "fathom/api/json_object.h"

namespace fathom::server {

std::string write_experts(const std::vector<ModelExperts>& models) {
  api::JsonArray all;
  for (const ModelExperts& model : models) {
    api::JsonArray layers;
    std::int64_t layer = 0;
    for (const BlockChoices& block : model.blocks) {
      api::JsonArray chosen;
      for (const std::int64_t times : block.times) chosen.add(std::to_string(times));
      layers.add(api::JsonObject()
                     .number("layer", layer++)
                     .truth("by_hash", block.by_hash)
                     .truth("mtp", block.mtp)
                     .json("chosen", chosen.close())
                     .close());
    }
    all.add(api::JsonObject()
                .text("model", model.model)
                .truth("counted", !model.blocks.empty())
                .json("layers", layers.close())
                .close());
  }
  return api::JsonObject().json("models", all.close()).close() + "\n";
}

}  // namespace fathom::server
