#include "base/mutex.h"

#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace streamml {
namespace {

constexpr int64_t kLongUs = 60'000'000;

TEST(Mutex, AllowsOneThreadAtATime) {
  Mutex mutex;
  int64_t count = 0;
  const auto add = [&] {
    for (int i = 0; i < 10'000; ++i) {
      MutexLock lock(mutex);
      ++count;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(add);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 40'000);
}

TEST(ConditionVariable, WaitingThreadSeesWhatWasWrittenBeforeTheNotice) {
  Mutex mutex;
  ConditionVariable changed;
  int value = 0;
  std::thread writer([&] {
    MutexLock lock(mutex);
    value = 7;
    changed.NotifyAll();
  });
  {
    MutexLock lock(mutex);
    while (value == 0) changed.WaitFor(mutex, kLongUs);
    EXPECT_EQ(value, 7);
  }
  writer.join();
}

TEST(ConditionVariable, HoldsTheMutexAgainWhenTheTimeIsUp) {
  Mutex mutex;
  ConditionVariable changed;
  int value = 0;
  MutexLock lock(mutex);
  while (changed.WaitFor(mutex, 0)) {  // it may wake up for no reason
  }
  std::thread other([&] {
    MutexLock other_lock(mutex);
    value = 1;
  });
  EXPECT_EQ(value, 0);  // under tsan this is a race unless the lock is held
  mutex.Unlock();
  other.join();
  mutex.Lock();
  EXPECT_EQ(value, 1);
}

TEST(Notification, IsSeenByAWaitingThreadWithWhatWasWrittenBefore) {
  Notification done;
  int value = 0;
  std::thread writer([&] {
    value = 7;
    done.Notify();
  });
  EXPECT_TRUE(done.WaitFor(kLongUs));
  EXPECT_EQ(value, 7);
  writer.join();
}

TEST(Notification, ThatDidNotHappenIsWaitedForUntilTheTimeIsUp) {
  Notification done;
  EXPECT_FALSE(done.WaitFor(0));
  EXPECT_FALSE(done.HasBeenNotified());
  done.Notify();
  EXPECT_TRUE(done.WaitFor(0));
  EXPECT_TRUE(done.HasBeenNotified());
}

}  // namespace
}  // namespace streamml
