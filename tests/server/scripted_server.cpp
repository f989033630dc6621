// The server with a script in the model's place, for programs of real clients and for load:
//
//   scripted_server FILE [setting=value ...]     prints "listening at http://127.0.0.1:PORT", ends with its standard
//   input
//
// FILE has scripts (scripted_generator_support.h); settings are those of `fathom serve`, and context_tokens. With a
// model the engine reads and caches for real, and samples what the script says (forced_generator_support.h).
#include <unistd.h>

#include <cstdio>

#include "fathom/apps/model_host.h"
#include "fathom/base/mapped_file.h"
#include "fathom/server/config.h"
#include "tests/server/forced_generator_support.h"
#include "tests/server/model_support.h"
#include "tests/server/scripted_generator_support.h"

namespace {

using namespace fathom;

server::ServerConfig config_of(int argc, char** argv) {
  server::GivenSettings given;
  given.flags["port"] = "0";
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const std::size_t equals = std::min(word.find('='), word.size());
    given.flags[word.substr(0, equals)] = word.substr(std::min(equals + 1, word.size()));
  }
  return server::read_config(given);
}

int wait_for_end(server::ServerParts parts) {
  const server::Server server(std::move(parts));
  std::printf("listening at %s\n", server.url().c_str());
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

int serve_engine(const server::ServerConfig& config, std::vector<testing::Script> scripts) {
  const ModelHost host(config);
  server::ServerParts parts = server::parts_of(config);
  parts.models = host.models();
  parts.answer_disk = host.answer_disk();
  const auto generator = std::make_shared<testing::ForcedGenerator>(parts.models.front(), std::move(scripts));
  for (server::HostedModel& model : parts.models) model.generator = generator;
  return wait_for_end(std::move(parts));
}

int serve_script(const server::ServerConfig& config, std::vector<testing::Script> scripts) {
  server::ServerParts parts = server::parts_of(config);
  const auto tokenizer = testing::minnow_tokenizer();
  const auto generator = std::make_shared<testing::ScriptedGenerator>(tokenizer, 1, std::move(scripts));
  for (const char* id : {"deepseek-v4-flash", "deepseek-v4-pro"}) {
    server::HostedModel model = testing::hosted_model();
    model.id = id;
    model.generator = generator;
    model.context_tokens = config.context_tokens > 0 ? config.context_tokens : 1 << 20;
    model.max_output_tokens = config.max_output_tokens;
    parts.models.push_back(model);
  }
  wait_for_end(std::move(parts));
  const std::string violation = generator->violation();
  if (!violation.empty()) std::fprintf(stderr, "scripted_server: %s\n", violation.c_str());
  return violation.empty() ? 0 : 1;
}

int serve(int argc, char** argv) {
  const server::ServerConfig config = config_of(argc, argv);
  std::vector<testing::Script> scripts = testing::read_scripts(read_text_file(argv[1]));
  return config.models.empty() ? serve_script(config, std::move(scripts)) : serve_engine(config, std::move(scripts));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: scripted_server FILE [setting=value ...]\n");
    return 2;
  }
  try {
    return serve(argc, argv);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "scripted_server: %s\n", fault.what());
    return 1;
  }
}
