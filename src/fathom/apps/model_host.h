// Checkpoints behind a server: each loaded once, with an engine and the thread that runs it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fathom/apps/model_session.h"
#include "fathom/server/config.h"
#include "fathom/server/hosted_model.h"
#include "fathom/server/request_log.h"

namespace fathom {

// "DIR" or "NAME=DIR", in order; the ids that each directory answers for.
struct ServedDirectory {
  std::string directory;
  std::vector<std::string> ids;
};
// A directory without a name answers for deepseek-v4-flash and deepseek-v4-pro, as far as no other is named for them.
// InputError for an id that two directories claim, or none at all.
std::vector<ServedDirectory> served_directories(const std::vector<std::string>& models);

class ModelHost {
 public:
  // InputError when a directory holds no model that can be run. What one version kept on disk another does not use.
  explicit ModelHost(const server::ServerConfig& config, const std::string& version = "");
  ~ModelHost();
  ModelHost(const ModelHost&) = delete;
  ModelHost& operator=(const ModelHost&) = delete;

  const std::vector<server::HostedModel>& models() const { return models_; }
  // Where their answers are remembered across restarts; null: nowhere.
  const std::shared_ptr<server::AnswerDisk>& answer_disk() const { return answer_disk_; }

 private:
  struct Loaded;
  std::unique_ptr<server::RequestLog> log_;  // outlives what warns
  std::shared_ptr<server::AnswerDisk> answer_disk_;
  std::vector<std::unique_ptr<Loaded>> loaded_;
  std::vector<server::HostedModel> models_;
};

}  // namespace fathom
