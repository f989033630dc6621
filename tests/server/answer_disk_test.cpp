// Answers behind a restart: right or not there, whatever a kill, a disk and other people did to the folder.
#include "fathom/server/answer_disk.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>

#include "fathom/base/digest.h"
#include "fathom/server/answer_memory.h"
#include "tests/store/store_support.h"

namespace fathom::server {
namespace {

using store::BlobStore;
using store::StoreOptions;
using testing::Heard;
using testing::small_store;
using testing::TemporaryDirectory;

// A message and its tokens, which follow from its number.
ChatMessage message_of(std::int64_t number) {
  ChatMessage message;
  message.role = Role::assistant;
  message.reasoning_content = "Why " + std::to_string(number);
  message.content = "So " + std::to_string(number);
  if (number % 2 == 0)
    message.tool_calls.push_back({.id = "call_" + std::to_string(number), .name = "clock", .arguments = "{}"});
  return message;
}

SampledAnswer answer_of(std::int64_t number, std::size_t most = 60) {
  std::mt19937_64 random(static_cast<std::uint64_t>(number) * 977 + 13);
  SampledAnswer answer{.reasoning = std::vector<std::int32_t>(1 + random() % most),
                       .said = std::vector<std::int32_t>(random() % most)};
  for (std::int32_t& id : answer.reasoning) id = static_cast<std::int32_t>(random() % 100'000);
  for (std::int32_t& id : answer.said) id = static_cast<std::int32_t>(random() % 100'000);
  return answer;
}

// A memory as a server has after its start.
struct Started {
  explicit Started(const StoreOptions& options, AnswerMemory::Limits limits = {})
      : heard(std::make_unique<Heard>()),
        store(std::make_shared<BlobStore>(options)),
        disk(std::make_shared<AnswerDisk>(store, heard->listener())),
        memory(std::make_unique<AnswerMemory>(limits, disk)) {}

  void remember(std::int64_t number, std::string_view scope = "a") {
    memory->remember(scope, message_of(number), answer_of(number));
  }
  // Whether it is found. It must be the one that was remembered.
  bool finds(std::int64_t number, std::string_view scope = "a") {
    const auto found = memory->find(scope, message_of(number));
    for (const auto& answer : found) EXPECT_EQ(*answer, answer_of(number)) << number;
    return !found.empty();
  }

  std::unique_ptr<Heard> heard;
  std::shared_ptr<BlobStore> store;
  std::shared_ptr<AnswerDisk> disk;
  std::unique_ptr<AnswerMemory> memory;
};

TEST(AnswerDisk, ARestartFindsWhatWasRemembered) {
  const TemporaryDirectory directory;
  const StoreOptions options = small_store(directory / "answers");
  for (int start = 0; start < 3; ++start) {
    Started server(options);
    for (std::int64_t number = 0; number < 50; ++number) {
      if (start == 0) server.remember(number);
      EXPECT_TRUE(server.finds(number)) << number;
    }
    EXPECT_FALSE(server.finds(1000));
    EXPECT_EQ(server.heard->all(), "");
  }
}

TEST(AnswerDisk, EveryKeyLeadsThere) {
  const TemporaryDirectory directory;
  { Started(small_store(directory / "answers")).remember(2); }
  Started server(small_store(directory / "answers"));
  ChatMessage by_id = message_of(2);
  by_id.reasoning_content = by_id.content = "";
  by_id.tool_calls[0].arguments = R"({"a": 1})";
  ChatMessage by_reasoning = message_of(2);
  by_reasoning.content = "Otherwise.";
  by_reasoning.tool_calls.clear();
  ChatMessage by_words = message_of(2);
  by_words.reasoning_content = "";
  by_words.tool_calls[0].id = "another";
  for (const ChatMessage& sent : {by_id, by_reasoning, by_words}) {
    AnswerMemory fresh({}, server.disk);
    const auto found = fresh.find("a", sent);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(*found.front(), answer_of(2));
  }
  // Found once it is in memory: the store is not asked again for the same answer.
  EXPECT_TRUE(server.finds(2));
  const std::int64_t read = server.store->figures().read_bytes;
  EXPECT_TRUE(server.finds(2));
  EXPECT_EQ(server.store->figures().read_bytes, read);
}

TEST(AnswerDisk, OfTwoThatSayTheSameTheLaterComesBack) {
  const TemporaryDirectory directory;
  {
    Started server(small_store(directory / "answers"));
    ChatMessage earlier = message_of(2);
    earlier.tool_calls[0].id = "call_first";
    server.memory->remember("a", earlier, answer_of(70));
    server.remember(2);
  }
  Started server(small_store(directory / "answers"));
  ChatMessage sent = message_of(2);
  sent.tool_calls[0].id = "";
  EXPECT_EQ(*server.memory->find("a", sent).front(), answer_of(2));
  sent.tool_calls[0].id = "call_first";
  const auto found = server.memory->find("a", sent);
  ASSERT_EQ(found.size(), 2U) << "by its id the one, by its words the other";
  EXPECT_EQ(*found[0], answer_of(70));
  EXPECT_EQ(*found[1], answer_of(2));
}

TEST(AnswerDisk, NobodyFindsWhatIsAnothers) {
  const TemporaryDirectory directory;
  { Started(small_store(directory / "answers")).remember(2, "model 3:one/"); }
  Started server(small_store(directory / "answers"));
  for (const char* scope : {"model 3:two/", "model 3:one/u", "another 3:one/", ""}) {
    const store::StoreFigures before = server.store->figures();
    EXPECT_FALSE(server.finds(2, scope)) << scope;
    EXPECT_EQ(server.store->figures().read_bytes, before.read_bytes) << "nor does a look take a read";
  }
  EXPECT_TRUE(server.finds(2, "model 3:one/"));
}

TEST(AnswerDisk, WithoutADiskOrWithoutMemoryNothingIsKept) {
  const TemporaryDirectory directory;
  { Started(small_store(directory / "answers"), {.bytes = 0}).remember(2); }
  EXPECT_FALSE(Started(small_store(directory / "answers")).finds(2));
}

// Blobs that a store believes, and that are none of ours.
TEST(AnswerDisk, StrangeBlobsAreLeftOutWithAWarning) {
  const TemporaryDirectory directory;
  Started server(small_store(directory / "answers"), {.bytes = 1});  // nothing stays in memory
  const auto place_of = [](const AnswerKey& key, std::string_view scope) {
    Hasher hasher;
    hasher.add("fathom answer's key").add(scope);
    hasher.add(static_cast<std::int64_t>(key.low)).add(static_cast<std::int64_t>(key.high));
    return store::BlobKey{hasher.finish()};
  };
  server.remember(1, "b");
  const BlobStore::Blob others = *server.store->get(place_of(answer_keys("b", message_of(1)).front(), "b"));
  ASSERT_EQ(others.size(), 16 + sizeof(store::BlobKey)) << "what leads to the answer of b";
  BlobStore::Blob later = others;
  later[4] = std::byte{9};  // version
  BlobStore::Blob long_one = others;
  long_one.push_back({});
  for (const BlobStore::Blob& strange :
       {BlobStore::Blob(), BlobStore::Blob(16), BlobStore::Blob(48), later, long_one, others}) {
    server.remember(1);
    EXPECT_TRUE(server.finds(1));
    const std::string before = server.heard->all();
    for (const AnswerKey& key : answer_keys("a", message_of(1))) {
      server.store->erase(place_of(key, "a"));
      server.store->put(place_of(key, "a"), strange);
    }
    EXPECT_FALSE(server.finds(1));
    EXPECT_NE(server.heard->all(), before);
    EXPECT_NE(server.heard->all().find("left out"), std::string::npos);
  }
  EXPECT_TRUE(server.finds(1, "b")) << "it is still whole";
}

TEST(AnswerDisk, AFlippedBitAnywhereGivesNothingWrong) {
  const TemporaryDirectory directory;
  const StoreOptions options = small_store(directory / "answers");
  {
    Started server(options);
    for (std::int64_t number = 0; number < 3; ++number) server.remember(number);
  }
  std::map<std::filesystem::path, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(options.folder))
    files[entry.path()] = testing::read_text(entry.path());
  for (const auto& [file, whole] : files)
    for (std::size_t place = 0; place < whole.size(); place += 13) {  // each bit of a byte in turn
      std::string flipped = whole;
      flipped[place] = static_cast<char>(flipped[place] ^ (1 << (place % 8)));
      testing::write_text(file, flipped);
      {
        Started server(options);
        int found = 0;
        for (std::int64_t number = 0; number < 3; ++number) found += server.finds(number) ? 1 : 0;
        EXPECT_GE(found, 2) << file << " " << place << ": one blob is lost at most";
      }
      for (const auto& entry : std::filesystem::directory_iterator(options.folder))
        std::filesystem::remove(entry.path());
      for (const auto& [other, contents] : files) testing::write_text(other, contents);
    }
}

// A child that remembers until it is killed, and the answers that were on disk by then.
struct Progress {
  std::atomic<std::int64_t> remembered{0};
  std::atomic<std::int64_t> durable{0};
};

TEST(AnswerDisk, KilledAt100PointsNothingDurableIsLost) {
  const TemporaryDirectory directory;
  StoreOptions options = small_store(directory / "answers");
  options.limits.bytes = std::int64_t{1} << 30;
  void* memory = ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* progress = new (memory) Progress;
  std::mt19937_64 random(5);
  for (int kill = 0; kill < 100; ++kill) {
    const std::int64_t first = progress->remembered;
    const pid_t child = ::fork();
    if (child == 0) {
      Started server(options);
      for (std::int64_t number = first;; ++number) {
        server.remember(number);
        progress->remembered = number + 1;
        if (number % 5 != 0) continue;
        server.store->flush();
        progress->durable = number + 1;
      }
    }
    ::usleep(static_cast<useconds_t>(random() % 10'000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    Started server(options);
    for (std::int64_t number = first; number < progress->remembered; ++number) {
      const bool found = server.finds(number);
      EXPECT_TRUE(found || number >= progress->durable) << number << ", kill " << kill;
    }
  }
  EXPECT_GT(progress->durable, 0);
  Started server(options);
  for (std::int64_t number = 0; number < progress->durable; number += 7) server.finds(number);
  ::munmap(memory, sizeof(Progress));
}

// Bounded, and nothing but right: by the store's own limit, and by a disk that is full before it.
TEST(AnswerDisk, WhereThereIsNoRoomTheOldestGo) {
  const TemporaryDirectory directory;
  StoreOptions options = small_store(directory / "answers");
  options.limits.bytes = 256 << 10;
  Started server(options, {.bytes = 1});  // nothing stays in memory
  for (std::int64_t number = 0; number < 2000; ++number) {
    server.remember(number);
    if (number % 50 == 0) server.store->flush();
  }
  server.store->flush();
  EXPECT_LE(server.store->figures().bytes, options.limits.bytes);
  EXPECT_GT(server.store->figures().evicted_blobs, 0);
  std::int64_t found = 0;
  for (std::int64_t number = 0; number < 2000; ++number) found += server.finds(number) ? 1 : 0;
  EXPECT_GT(found, 50);
  EXPECT_LT(found, 1000);
  EXPECT_TRUE(server.finds(1999));
  EXPECT_FALSE(server.finds(0));
}

TEST(AnswerDisk, AFullDiskForgetsAnswersAlone) {
  const TemporaryDirectory directory;
  if (::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=300k") != 0)
    GTEST_SKIP() << "no file system may be mounted here";
  std::int64_t found = 0;
  std::int64_t refused = 0;
  for (int start = 0; start < 2; ++start) {
    Started server(small_store(directory / "answers"), {.bytes = 1});
    for (std::int64_t number = 0; number < 1500; ++number) {
      if (start == 0) server.remember(number);
      if (start == 0) server.store->flush();
      found += server.finds(number) ? 1 : 0;
    }
    refused += server.store->figures().refused_writes + server.store->figures().evicted_segments;
  }
  ::umount2(directory.path().c_str(), MNT_DETACH);
  EXPECT_GT(found, 0);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace fathom::server
