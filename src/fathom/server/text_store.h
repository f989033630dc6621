// Texts of requests and answers, where the operator's switch says so (--store-texts): FOLDER/2026-04-24.jsonl, a line
// an answer, by the day in UTC on which its request came, for the owner of the files alone. Without the switch there is
// no TextStore, and nothing else writes a text.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace fathom::server {

struct StoredText {
  std::int64_t at = 0;       // when it came, seconds since 1970
  std::string id = {};       // the answer's trace id: the ledger's and the log's
  std::string account = {};  // empty where nobody has keys
  std::string key = {};      // id; never what opens
  std::string surface = {};
  std::string model = {};
  std::string finish = {};
  std::string request = {};  // its body, which is JSON
  std::string answer = {};   // all that the model said, as it said it: reasoning, text, calls
};

// One line, without the line break.
std::string text_line(const StoredText& text);

class TextStore {
 public:
  // InputError for a folder that cannot be made. `on_fault`: a line could not be written; on the store's thread.
  TextStore(std::filesystem::path folder, std::function<void(const std::string& fault)> on_fault);
  // Writes what is queued.
  ~TextStore();
  TextStore(const TextStore&) = delete;
  TextStore& operator=(const TextStore&) = delete;

  // Any thread; does not wait for the disk.
  void put(const StoredText& text);

 private:
  struct Line {
    std::int64_t day = 0;
    std::string text;
  };
  void serve();
  void write(const Line& line) const;

  const std::filesystem::path folder_;
  const std::function<void(const std::string& fault)> on_fault_;
  std::mutex mutex_;
  std::condition_variable event_;
  std::deque<Line> queue_;
  std::size_t queued_bytes_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fathom::server
