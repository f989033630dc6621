// The figures of /metrics, in Prometheus' text format. Any thread may record.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fathom/engine/generator.h"
#include "fathom/server/http_server.h"
#include "fathom/server/request_record.h"

namespace fathom::server {

struct ModelLoad {
  std::string model;  // as it is loaded: the ids that share it, joined by a comma
  GeneratorLoad load;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void request(const RequestRecord& record);
  // Seconds between two tokens of one answer, and from a token's sampling until the socket had its bytes.
  void between_tokens(double seconds);
  void token_written(double seconds);

  // `http` may be null: a server that does not listen yet.
  std::string write(const std::vector<ModelLoad>& models, const HttpFigures* http);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fathom::server
