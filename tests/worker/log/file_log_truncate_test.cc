// Truncation of a log in files: what goes, what stays, and what a crash on the way leaves.
#include <gmock/gmock.h>

#include "tests/worker/log/log_fixture.h"

namespace streamml::log {
namespace {

using support::Random;

class FileLogTruncateTest : public FileLogTest {
 protected:
  void SetUp() override {
    options_.segment_bytes = 300;
    options_.readers = {{0, {1}}, {1, {}}};  // lane 1 reads lane 0's rows
    ASSERT_TRUE(Write(1, 30).ok());
    num_segments_ = Segments().size();
    ASSERT_GE(num_segments_, 6);
  }
  // Behind transaction `number` of lane 0.
  static Position Behind(Log& log, uint64_t number) {
    const auto entries = ReadJournal(log, 0);
    for (const JournalEntry& entry : *entries) {
      if (entry.sequence == number) return entry.next;
    }
    ADD_FAILURE() << "no transaction " << number;
    return {};
  }
  static absl::Status OwnNeeds(Log& log, const Position& journal) {
    return log.Truncate({0, journal, {}});
  }
  static absl::Status ReaderNeeds(Log& log, const Position& rows) {
    return log.Truncate({1, Position{}, {{{"rows", 0, 0, 1}, rows}}});
  }
  static uint64_t First(Log& log) { return ReadJournal(log, 0)->front().sequence; }

  size_t num_segments_ = 0;
};

TEST_F(FileLogTruncateTest, FilesGoWhenAllReadersHaveSaidThatTheyDoNotNeedThem) {
  const auto log = Open();
  ASSERT_TRUE(log.ok()) << log.status();
  const Position journal = Behind(**log, 20);
  const Position rows = Behind(**log, 10);
  ASSERT_TRUE(OwnNeeds(**log, journal).ok());
  EXPECT_EQ(Segments().size(), num_segments_);  // the reader has not told
  ASSERT_TRUE(ReaderNeeds(**log, rows).ok());
  EXPECT_LT(Segments().size(), num_segments_);
  const uint64_t first = First(**log);
  EXPECT_GT(first, 1);
  EXPECT_LE(first, 11);  // files go whole
  ASSERT_TRUE(ReaderNeeds(**log, Needs::kNothing).ok());
  EXPECT_GT(First(**log), first);
  EXPECT_LE(First(**log), 21);
}

TEST_F(FileLogTruncateTest, WhatIsNeededCanBeReadAndWhatIsGoneSaysSo) {
  const auto log = Open();
  const Position place = Behind(**log, 20);
  ASSERT_TRUE(OwnNeeds(**log, place).ok());
  ASSERT_TRUE(ReaderNeeds(**log, place).ok());
  const auto journal = (*log)->OpenJournal(0, place);
  ASSERT_TRUE(journal.ok()) << journal.status();
  EXPECT_EQ((*(*journal)->Next())->sequence, 21);
  const auto channel = (*log)->OpenChannel({"rows", 0, 0, 1}, place);
  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_EQ((*(*channel)->Next())->sequence, 21);
  EXPECT_TRUE(absl::IsOutOfRange((*log)->OpenJournal(0, {3, 200}).status()));
  EXPECT_TRUE(absl::IsOutOfRange((*log)->OpenChannel({"rows", 0, 0, 1}, Position{}).status()));
  EXPECT_EQ((**(*log)->LastEntry(0)).sequence, 30);
  EXPECT_FALSE((*log)->LastEntry(1)->has_value());
}

TEST_F(FileLogTruncateTest, AReaderThatStandsBeforeWhatIsLeftIsTold) {
  const auto log = Open();
  const auto reader = (*log)->OpenJournal(0);
  ASSERT_EQ((*(*reader)->Next())->sequence, 1);
  const Position place = Behind(**log, 20);
  ASSERT_TRUE(OwnNeeds(**log, place).ok());
  ASSERT_TRUE(ReaderNeeds(**log, place).ok());
  EXPECT_TRUE(absl::IsOutOfRange((*reader)->Next().status()));
}

TEST_F(FileLogTruncateTest, TheNewestFileStaysAndTheLaneGoesOn) {
  {
    const auto log = Open();
    const Position place = Behind(**log, 30);
    ASSERT_TRUE(OwnNeeds(**log, place).ok());
    ASSERT_TRUE(ReaderNeeds(**log, place).ok());
  }
  EXPECT_EQ(Segments().size(), 1);
  ASSERT_TRUE(Write(31, 60).ok());
  const auto log = Open();
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(ReadJournal(**log, 0)->back().sequence, 60);
}

TEST_F(FileLogTruncateTest, ACrashAnywhereOnTheWayLeavesALogWithoutGaps) {
  for (uint64_t operations = 0; operations < 2 * num_segments_; ++operations) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
      SCOPED_TRACE(absl::StrCat(operations, " operations, seed ", seed));
      support::ModelDisk disk;
      std::vector<std::string> notes;
      {
        const auto log = OpenFileLog(disk, "log", kNumLanes, options_, notes);
        const auto writer = (*log)->OpenLane(0);
        for (uint64_t i = 1; i <= 30; ++i) {
          ASSERT_TRUE((*writer)->Commit(MakeTransaction(i)).ok());
        }
        const Position place = Behind(**log, 20);
        disk.FailAfter(operations);
        OwnNeeds(**log, place).IgnoreError();
        ReaderNeeds(**log, place).IgnoreError();
      }
      Random random(seed);
      disk.Crash(random);
      const auto log = OpenFileLog(disk, "log", kNumLanes, options_, notes);
      ASSERT_TRUE(log.ok()) << log.status();
      const auto entries = ReadJournal(**log, 0);
      ASSERT_TRUE(entries.ok()) << entries.status();
      EXPECT_LE(entries->front().sequence, 21);
      EXPECT_EQ(entries->back().sequence, 30);
      EXPECT_EQ(entries->size(), 31 - entries->front().sequence);
    }
  }
}

}  // namespace
}  // namespace streamml::log
