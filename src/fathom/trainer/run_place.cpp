#include "fathom/trainer/run_place.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fathom/base/error.h"

namespace fathom::train {

std::string RunPlace::text() const {
  const nlohmann::ordered_json json{{"step", step},
                                    {"stage", stage},
                                    {"stage_step", stage_step},
                                    {"rows", rows},
                                    {"targets", targets},
                                    {"seconds", seconds},
                                    {"anticipated", anticipated},
                                    {"curve_bytes", lengths.curve},
                                    {"held_out_bytes", lengths.held_out},
                                    {"identity", identity},
                                    {"config", config},
                                    {"threads", threads}};
  return json.dump();
}

RunPlace RunPlace::parse(const std::string& text, const std::string& place) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    RunPlace result;
    json.at("step").get_to(result.step);
    json.at("stage").get_to(result.stage);
    json.at("stage_step").get_to(result.stage_step);
    json.at("rows").get_to(result.rows);
    json.at("targets").get_to(result.targets);
    json.at("seconds").get_to(result.seconds);
    json.at("anticipated").get_to(result.anticipated);
    json.at("curve_bytes").get_to(result.lengths.curve);
    json.at("held_out_bytes").get_to(result.lengths.held_out);
    json.at("identity").get_to(result.identity);
    json.at("config").get_to(result.config);
    json.at("threads").get_to(result.threads);
    return result;
  } catch (const nlohmann::json::exception& error) {
    throw InputError("[state] {}: {}", place, error.what());
  }
}

void check_same_recipe(const RunPlace& saved, const std::vector<std::string>& identity) {
  const std::size_t lines = std::max(saved.identity.size(), identity.size());
  for (std::size_t place = 0; place < lines; ++place) {
    const std::string before = place < saved.identity.size() ? saved.identity[place] : "(nothing)";
    const std::string now = place < identity.size() ? identity[place] : "(nothing)";
    if (before != now)
      throw InputError(
          "[train] the recipe is not the one this run began with: it says \"{}\", the state has \"{}\"; "
          "--accept-changes goes on all the same, another --out begins anew",
          now, before);
  }
}

}  // namespace fathom::train
