#include "worker/state/expiring_state.h"

#include <gtest/gtest.h>

#include "tests/worker/state/change_recorder.h"

namespace streamml::state {
namespace {

using Lines = std::vector<std::string>;

// The value is the time of the last touch, as text.
struct TimeCodec {
  void Encode(const int64_t& value, std::string& out) const { out += std::to_string(value); }
  bool Decode(std::string_view bytes, int64_t& out) const {
    if (bytes.empty() || bytes == "x") return false;
    out = std::stoll(std::string(bytes));
    return true;
  }
  int64_t Time(const int64_t& value) const { return value; }
};
using Times = ExpiringState<int64_t, TimeCodec>;

struct Fixture {
  StateSet set;
  Times times{{"v", "t", 0}, TimeCodec(), 10, set};

  void Touch(std::string_view key, int64_t time) { times.At(times.Touch(key, time)) = time; }
};

TEST(ExpiringState, ErasesWholeBucketsBeforeTheHorizon) {
  Fixture f;
  f.Touch("a", -1);
  f.Touch("b", 0);
  f.Touch("c", 9);
  f.Touch("d", 10);
  f.times.ExpireBefore(9);
  EXPECT_EQ(f.times.Find("a"), nullptr);
  EXPECT_NE(f.times.Find("b"), nullptr);
  f.times.ExpireBefore(10);
  EXPECT_EQ(f.times.Find("b"), nullptr);
  EXPECT_EQ(f.times.Find("c"), nullptr);
  EXPECT_NE(f.times.Find("d"), nullptr);
  EXPECT_EQ(f.times.num_entries(), 1u);
}

TEST(ExpiringState, ATouchedKeyLivesOn) {
  Fixture f;
  f.Touch("a", 0);
  f.Touch("b", 0);
  f.Touch("a", 35);
  f.times.ExpireBefore(20);
  EXPECT_EQ(*f.times.Find("a"), 35);
  EXPECT_EQ(f.times.Find("b"), nullptr);
  f.times.ExpireBefore(39);
  EXPECT_NE(f.times.Find("a"), nullptr);
  f.times.ExpireBefore(40);
  EXPECT_EQ(f.times.num_entries(), 0u);
}

TEST(ExpiringState, TellsTheStoreOnlyOfEntriesItHas) {
  Fixture f;
  f.Touch("stored", 0);
  EXPECT_EQ(Changes(f.times), Lines{"put stored=0"});
  f.Touch("never stored", 1);
  f.times.ExpireBefore(100);
  EXPECT_EQ(Changes(f.times), Lines{"delete stored"});
  EXPECT_EQ(Changes(f.times), Lines{});
}

TEST(ExpiringState, AKeyThatComesBackStartsEmptyAndReplacesTheStoredOne) {
  Fixture f;
  f.Touch("a", 5);
  Changes(f.times);
  f.times.ExpireBefore(100);
  EXPECT_EQ(f.times.At(f.times.Touch("a", 105)), 0);
  f.Touch("a", 105);
  EXPECT_EQ(Changes(f.times), Lines{"put a=105"});
  f.times.ExpireBefore(200);
  EXPECT_EQ(Changes(f.times), Lines{"delete a"});
}

TEST(ExpiringState, AKeyThatComesAndGoesTwiceBetweenSavesIsDeletedOnce) {
  Fixture f;
  f.Touch("a", 5);
  Changes(f.times);
  f.times.ExpireBefore(100);
  f.Touch("a", 105);
  f.times.ExpireBefore(200);
  EXPECT_EQ(Changes(f.times), Lines{"delete a"});
}

TEST(ExpiringState, ReusedPlacesDoNotMixUpKeys) {
  Fixture f;
  for (int round = 0; round < 50; ++round) {
    const int64_t time = int64_t{100} * round;
    f.times.ExpireBefore(time);
    for (int key = 0; key < 20; ++key) f.Touch("k" + std::to_string(round % 3 + key), time + key);
    EXPECT_EQ(f.times.num_entries(), 20u);
    EXPECT_EQ(*f.times.Find("k" + std::to_string(round % 3 + 7)), time + 7);
    if (round % 4 == 0) {
      EXPECT_FALSE(Changes(f.times).empty());
    }
  }
}

TEST(ExpiringState, WhatExpiresIsTheSameAfterALoad) {
  Fixture going_on, loaded;
  for (int64_t time = 0; time < 100; time += 7) going_on.Touch("k" + std::to_string(time), time);
  going_on.times.ExpireBefore(30);
  for (int64_t time = 98; time >= 0; time -= 7) {
    const std::string key = "k" + std::to_string(time);
    if (going_on.times.Find(key) == nullptr) continue;
    ASSERT_TRUE(loaded.times.Load(key, std::to_string(time)).ok());
  }
  EXPECT_EQ(loaded.times.num_entries(), going_on.times.num_entries());
  EXPECT_EQ(Changes(loaded.times), Lines{});
  for (int64_t horizon = 30; horizon < 120; horizon += 3) {
    going_on.times.ExpireBefore(horizon);
    loaded.times.ExpireBefore(horizon);
    for (int64_t time = 0; time < 100; time += 7) {
      const std::string key = "k" + std::to_string(time);
      EXPECT_EQ(loaded.times.Find(key) == nullptr, going_on.times.Find(key) == nullptr) << key;
    }
  }
  EXPECT_EQ(loaded.times.num_entries(), 0u);
}

TEST(ExpiringState, RefusesBytesThatAreNotItsOwnAndKeysStoredTwice) {
  Fixture f;
  EXPECT_EQ(f.times.Load("a", "x").code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(f.times.num_entries(), 0u);
  ASSERT_TRUE(f.times.Load("a", "1").ok());
  EXPECT_EQ(f.times.Load("a", "1").code(), absl::StatusCode::kDataLoss);
}

TEST(ExpiringState, StandsTheEndsOfTime) {
  Fixture f;
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  f.Touch("first", kLeast);
  f.times.ExpireBefore(kLeast);
  EXPECT_NE(f.times.Find("first"), nullptr);
  f.Touch("last", kMost);
  f.times.ExpireBefore(kMost);
  EXPECT_EQ(f.times.Find("first"), nullptr);
  EXPECT_NE(f.times.Find("last"), nullptr);
}

}  // namespace
}  // namespace streamml::state
