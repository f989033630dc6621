// For tests: an HttpServer whose handler does what its path says.
//
//   /echo      the body comes back          /stream?N  N events from another thread     /alarm  two words, by alarms
//   /open      begins and never ends        /silent    never says a word                /throw  fails
//   /flood     64 MiB in pieces             /large     32 MiB at once                   others  404 with the path
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fathom/server/http_server.h"
#include "tests/server/http_client_support.h"

namespace fathom::testing {

inline constexpr std::chrono::seconds kHttpPatience{20};

// Any free port, 1 MiB of body, 4 KiB of headers.
server::HttpConfig config_for_tests();

class HttpFixture {
 public:
  explicit HttpFixture(const server::HttpConfig& config = config_for_tests());
  ~HttpFixture();
  HttpFixture(const HttpFixture&) = delete;
  HttpFixture& operator=(const HttpFixture&) = delete;

  int port() const { return server_.port(); }
  server::HttpServer& server() { return server_; }
  int gone() const { return gone_; }        // clients that left before their answer was whole
  int written() const { return written_; }  // pieces whose time was told
  std::string internal_error();
  bool wait_for_gone(int count) {
    return wait_for([&] { return gone_ >= count; });
  }
  template <typename Condition>
  bool wait_for(Condition condition) {
    const auto until = server::Clock::now() + kHttpPatience;
    while (!condition() && server::Clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return condition();
  }

 private:
  void handle(const std::shared_ptr<server::Exchange>& exchange);
  void stream(const std::shared_ptr<server::Exchange>& exchange);

  std::atomic<int> gone_{0};
  std::atomic<int> written_{0};
  std::mutex mutex_;
  std::string internal_error_;
  std::vector<std::thread> threads_;
  server::HttpServer server_;
};

}  // namespace fathom::testing
