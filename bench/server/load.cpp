// Load on a running server, polite and rude, and what it did to it:
//
//   server_load PORT STREAMS SECONDS [PID]
//
// Each of STREAMS threads asks again and again for a streamed chat completion. Of a hundred clients 80 read to the end,
// 8 vanish in the middle, 4 do not read, 4 send garbage and 4 half a request. Prints, from /metrics before and after,
// tokens a second and the share of tokens whose bytes the socket had within 20 ms; with the server's PID its memory
// over time.
#include <fmt/format.h>

#include <atomic>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include "tests/server/http_client_support.h"

namespace {

using namespace std::chrono_literals;
using fathom::testing::HttpClient;
using fathom::testing::request_text;
using Clock = std::chrono::steady_clock;

struct Counts {
  std::atomic<std::int64_t> whole{0};
  std::atomic<std::int64_t> broken{0};  // ended before [DONE], or not at all
  std::atomic<std::int64_t> refused{0};
  std::atomic<std::int64_t> rude{0};
};

const std::string kBody =
    R"({"model": "deepseek-v4-flash", "stream": true, "max_tokens": 200, "thinking": {"type": "disabled"},)"
    R"( "messages": [{"role": "user", "content": "Tell me a story."}]})";

void be_polite(int port, Counts& counts) {
  HttpClient client(port);
  client.send(request_text("POST", "/v1/chat/completions", kBody));
  const auto answer = client.read_answer();
  if (answer.status == 429 || answer.status == 503) {
    ++counts.refused;
  } else if (answer.whole && answer.body.ends_with("data: [DONE]\n\n")) {
    ++counts.whole;
  } else {
    ++counts.broken;
  }
}

void be_rude(int port, int how, std::mt19937& random) {
  HttpClient client(port, how < 12 && how >= 8 ? 4096 : 0);
  if (how < 8) {
    client.send(request_text("POST", "/v1/chat/completions", kBody));
    client.wait_for("data: ");
    client.vanish();
  } else if (how < 12) {
    client.send(request_text("POST", "/v1/chat/completions", kBody));
    std::this_thread::sleep_for(2s);
  } else if (how < 16) {
    std::string garbage(1 + random() % 3000, '\0');
    for (char& byte : garbage) byte = static_cast<char>(random());
    client.try_send(garbage);
  } else {
    client.try_send("POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 4000\r\n\r\n{\"model\"");
    std::this_thread::sleep_for(500ms);
  }
}

void run(int port, Clock::time_point until, unsigned seed, Counts& counts) {
  std::mt19937 random(seed);
  while (Clock::now() < until) {
    const int kind = static_cast<int>(random() % 100);
    try {
      if (kind < 80) {
        be_polite(port, counts);
      } else {
        ++counts.rude;
        be_rude(port, kind - 80, random);
      }
    } catch (const std::exception&) {
      if (kind < 80) ++counts.broken;
    }
  }
}

std::map<std::string, double> metrics(int port) {
  std::map<std::string, double> all;
  std::istringstream text(fathom::testing::ask(port, "GET", "/metrics").body);
  for (std::string line; std::getline(text, line);) {
    const std::size_t space = line.rfind(' ');
    if (line.empty() || line[0] == '#' || space == std::string::npos) continue;
    all[line.substr(0, space)] = std::strtod(line.c_str() + space, nullptr);
  }
  return all;
}

std::int64_t resident_kilobytes(const std::string& pid) {
  std::ifstream status("/proc/" + pid + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  return 0;
}

void report(const std::map<std::string, double>& before, const std::map<std::string, double>& after, double seconds) {
  const auto grown = [&](const std::string& name) {
    const auto was = before.find(name);
    const auto is = after.find(name);
    return (is == after.end() ? 0.0 : is->second) - (was == before.end() ? 0.0 : was->second);
  };
  const double written = grown("fathom_token_written_seconds_count");
  fmt::print("tokens sampled a second: {:.0f}\n", grown("fathom_between_tokens_seconds_count") / seconds);
  for (const char* bound : {"0.001", "0.005", "0.01", "0.02", "0.05"})
    fmt::print("written within {} s: {:.3f} %\n", bound,
               100.0 * grown(fmt::format("fathom_token_written_seconds_bucket{{le=\"{}\"}}", bound)) / written);
  for (const auto& [name, value] : after)
    if (name.starts_with("fathom_answers_total") || name.starts_with("fathom_http"))
      fmt::print("{} {:.0f}\n", name, value);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: server_load PORT STREAMS SECONDS [PID]\n";
    return 2;
  }
  const int port = std::stoi(argv[1]);
  const double seconds = std::stod(argv[3]);
  const auto start = Clock::now();
  const auto until = start + std::chrono::milliseconds(static_cast<std::int64_t>(1e3 * seconds));
  const auto before = metrics(port);
  Counts counts;
  std::vector<std::thread> threads;
  for (int i = 0; i < std::stoi(argv[2]); ++i)
    threads.emplace_back(run, port, until, static_cast<unsigned>(i), std::ref(counts));
  while (argc > 4 && Clock::now() < until) {
    fmt::print("{:.0f} s: {} MiB resident, {} whole, {} broken, {} refused, {} rude\n",
               std::chrono::duration<double>(Clock::now() - start).count(), resident_kilobytes(argv[4]) / 1024,
               counts.whole.load(), counts.broken.load(), counts.refused.load(), counts.rude.load());
    std::fflush(stdout);
    std::this_thread::sleep_until(std::min(until, Clock::now() + 10s));
  }
  for (std::thread& thread : threads) thread.join();
  report(before, metrics(port), seconds);
  fmt::print("{} whole, {} broken, {} refused, {} rude\n", counts.whole.load(), counts.broken.load(),
             counts.refused.load(), counts.rude.load());
  return counts.broken == 0 ? 0 : 1;
}
