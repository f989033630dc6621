#include "fathom/apps/interrupt.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

namespace fathom::testing {
namespace {

TEST(Interrupt, ASignalIsAQuestionUntilItIsCleared) {
  Interrupt interrupt;
  EXPECT_FALSE(interrupt.requested());
  std::raise(SIGINT);
  EXPECT_TRUE(interrupt.requested());
  EXPECT_TRUE(interrupt.requested()) << "asking does not answer it";
  interrupt.clear();
  EXPECT_FALSE(interrupt.requested());
  std::raise(SIGINT);
  EXPECT_TRUE(interrupt.requested());
}

// So that who polls before reading misses no signal, even one that came before, or on another thread.
TEST(Interrupt, TheDescriptorIsReadableWhileItIsAsked) {
  Interrupt interrupt;
  const auto readable = [&] {
    pollfd asked{.fd = interrupt.descriptor(), .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, 0) == 1;
  };
  EXPECT_FALSE(readable());
  std::thread([] { std::raise(SIGINT); }).join();
  EXPECT_TRUE(readable());
  for (int again = 0; again < 100000; ++again) std::raise(SIGINT);  // more than a pipe holds
  EXPECT_TRUE(readable());
  interrupt.clear();
  EXPECT_FALSE(readable());
  std::raise(SIGINT);
  EXPECT_TRUE(readable());
}

TEST(Interrupt, ANewOneBeginsUnasked) {
  {
    const Interrupt first;
    std::raise(SIGINT);
  }
  EXPECT_FALSE(Interrupt().requested());
}

TEST(Interrupt, TheHandlerBeforeItComesBack) {
  struct sigaction mine {};
  mine.sa_handler = SIG_IGN;
  struct sigaction before {};
  sigaction(SIGINT, &mine, &before);
  {
    const Interrupt interrupt;
    struct sigaction now {};
    sigaction(SIGINT, nullptr, &now);
    EXPECT_NE(now.sa_handler, SIG_IGN);
    EXPECT_EQ(now.sa_flags & SA_RESTART, 0);
  }
  struct sigaction after {};
  sigaction(SIGINT, &before, &after);
  EXPECT_EQ(after.sa_handler, SIG_IGN);
}

TEST(Interrupt, AWaitingReadReturns) {
  const Interrupt interrupt;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::atomic<bool> returned{false};
  // Again and again: the first may come before the read waits.
  std::thread sender([&, reader = ::pthread_self()] {
    while (!returned) {
      ::pthread_kill(reader, SIGINT);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  char byte = 0;
  const auto count = ::read(ends[0], &byte, 1);
  const int error = errno;
  returned = true;
  sender.join();
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_EQ(count, -1);
  EXPECT_EQ(error, EINTR);
  EXPECT_TRUE(interrupt.requested());
}

}  // namespace
}  // namespace fathom::testing
