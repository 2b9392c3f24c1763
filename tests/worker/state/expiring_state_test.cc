#include "worker/state/expiring_state.h"

#include <gtest/gtest.h>

#include <map>

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
  int64_t Bytes(const int64_t&) const { return 100; }
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

// Entries that were saved, and what is wrong with them.
class Saved final : public SavedEntries, public ChangeSink {
 public:
  void Put(std::string_view key, std::string_view value) override {
    values[std::string(key)] = value;
  }
  void Delete(std::string_view key) override { values.erase(std::string(key)); }
  absl::Status Get(std::string_view, std::string_view key, std::string& value) override {
    ++num_asked;
    if (!failure.ok()) return failure;
    value = values.at(std::string(key));
    return absl::OkStatus();
  }
  std::map<std::string, std::string> values;
  absl::Status failure;
  int num_asked = 0;
};

struct SpillFixture : Fixture {
  explicit SpillFixture(int64_t limit) : budget(limit) { set.LeaveMemory(budget, saved); }
  void Save() {
    set.spill()->BeginSave();
    times.TakeChanges(saved);
  }

  MemoryBudget budget;
  Saved saved;
};

// Each value takes 100 bytes.
TEST(ExpiringStateInMemory, OnlyWhatIsSavedLeaves) {
  SpillFixture f(250);
  for (const char* key : {"a", "b", "c", "d"}) f.Touch(key, 5);
  EXPECT_EQ(f.budget.used(), 400);
  EXPECT_FALSE(f.set.KeepToBudget()) << "nothing is saved yet";
  f.Save();
  EXPECT_FALSE(f.set.KeepToBudget()) << "the save is under way";
  EXPECT_EQ(f.budget.used(), 400);
  f.set.spill()->SaveEnded();
  EXPECT_TRUE(f.set.KeepToBudget());
  EXPECT_EQ(f.budget.used(), 200);
  EXPECT_EQ(f.times.num_entries(), 4u);
  for (const char* key : {"a", "b", "c", "d"}) EXPECT_EQ(*f.times.Find(key), 5);
  EXPECT_EQ(f.saved.num_asked, 2);
  EXPECT_EQ(f.budget.used(), 400);
}

TEST(ExpiringStateInMemory, WhatCameToAValueAfterItsTouchCounts) {
  struct Texts {
    static void Encode(const std::string& value, std::string& out) { out += value; }
    static bool Decode(std::string_view bytes, std::string& out) {
      out = bytes;
      return true;
    }
    static int64_t Time(const std::string&) { return 5; }
    static int64_t Bytes(const std::string& value) { return static_cast<int64_t>(value.size()); }
  };
  MemoryBudget budget(0);
  Saved saved;
  StateSet set;
  ExpiringState<std::string, Texts> texts(StateId{"test", "texts", 1}, Texts(), 10, set);
  set.LeaveMemory(budget, saved);
  for (const char* key : {"a", "b", "c"}) texts.At(texts.Touch(key, 5)) += std::string(100, 'x');
  EXPECT_EQ(budget.used(), 200) << "that of the last is seen by the next, or by a save";
  set.spill()->BeginSave();
  texts.TakeChanges(saved);
  set.spill()->SaveEnded();
  EXPECT_TRUE(set.KeepToBudget());
  EXPECT_EQ(budget.used(), 0);
}

TEST(ExpiringStateInMemory, WhereOthersTakeTheMemoryASaveIsNotDue) {
  SpillFixture f(1000);
  f.Touch("a", 5);
  f.budget.Add(5000);
  EXPECT_FALSE(f.set.KeepToBudget()) << "it holds more than a sixteenth";
  f.set.spill()->SaveEnded();
  f.set.spill()->Add(-50);
  EXPECT_TRUE(f.set.KeepToBudget());
}

TEST(ExpiringStateInMemory, WhatChangedSinceItsSaveStays) {
  SpillFixture f(0);
  f.Touch("a", 5);
  f.Save();
  f.Touch("a", 6);
  f.set.spill()->SaveEnded();
  EXPECT_FALSE(f.set.KeepToBudget());
  EXPECT_EQ(*f.times.Find("a"), 6);
  EXPECT_EQ(f.saved.num_asked, 0);
}

TEST(ExpiringStateInMemory, WhatWasUsedLatelyStaysLonger) {
  SpillFixture f(100);
  for (const char* key : {"a", "b", "c"}) f.Touch(key, 5);
  f.Save();
  f.set.spill()->SaveEnded();
  EXPECT_TRUE(f.set.KeepToBudget());
  f.times.Find("b");
  const int asked = f.saved.num_asked;
  f.set.KeepToBudget();
  f.times.Find("b");
  EXPECT_LE(f.saved.num_asked, asked + 1);
}

TEST(ExpiringStateInMemory, WhatIsRestoredBeyondTheBudgetIsNotKept) {
  SpillFixture f(150);
  for (const char* key : {"a", "b", "c"}) {
    f.saved.values[key] = "7";
    ASSERT_TRUE(f.times.Load(key, "7").ok());
  }
  EXPECT_EQ(f.budget.used(), 200) << "the first that is too much is seen by the next";
  EXPECT_EQ(*f.times.Find("c"), 7);
  EXPECT_EQ(f.saved.num_asked, 1);
  f.times.ExpireBefore(100);
  EXPECT_EQ(f.budget.used(), 0);
}

TEST(ExpiringStateInMemory, AValueThatCannotBeReadBackIsAFailureOfAll) {
  SpillFixture f(0);
  f.Touch("a", 5);
  f.Save();
  f.set.spill()->SaveEnded();
  ASSERT_TRUE(f.set.KeepToBudget());
  f.saved.values["a"] = "x";
  f.times.Find("a");
  EXPECT_EQ(f.set.spill()->failure().code(), absl::StatusCode::kDataLoss);
  SpillFixture g(0);
  g.Touch("a", 5);
  g.Save();
  g.set.spill()->SaveEnded();
  ASSERT_TRUE(g.set.KeepToBudget());
  g.saved.failure = absl::UnavailableError("the disk is away");
  g.Touch("a", 6);
  EXPECT_EQ(g.set.spill()->failure().message(), "the disk is away");
}

TEST(ExpiringStateInMemory, ALaneThatEndsGivesItsShareBack) {
  MemoryBudget budget(1000);
  Saved saved;
  {
    Fixture f;
    f.set.LeaveMemory(budget, saved);
    f.Touch("a", 5);
    EXPECT_EQ(budget.used(), 100);
  }
  EXPECT_EQ(budget.used(), 0);
}

}  // namespace
}  // namespace streamml::state
