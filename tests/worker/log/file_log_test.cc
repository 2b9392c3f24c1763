#include "worker/log/file/file_log.h"

#include <optional>

#include "base/posix_disk.h"
#include "tests/support/random.h"
#include "tests/support/temporary_folder.h"
#include "tests/worker/log/log_fixture.h"

namespace streamml::log {
namespace {

using support::DiskAction;
using support::DiskOperation;

TEST_F(FileLogTest, JournalsAreReadBackInOrderAfterReopening) {
  ASSERT_TRUE(Write(1, 5).ok());
  ASSERT_TRUE(Write(6, 7).ok());
  const auto log = Open();
  ASSERT_TRUE(log.ok()) << log.status();
  ExpectJournal(**log, 7);
  EXPECT_TRUE(notes_.empty());
  const auto other = ReadJournal(**log, 1);
  ASSERT_TRUE(other.ok());
  EXPECT_TRUE(other->empty());
}

TEST_F(FileLogTest, AChannelShowsTheFramesOfItsPartitionOnly) {
  ASSERT_TRUE(Write(1, 7).ok());
  const auto log = Open();
  ASSERT_TRUE(log.ok());
  const auto reader = (*log)->OpenChannel({"rows", 1, 0}, Position{});
  ASSERT_TRUE(reader.ok()) << reader.status();
  for (const uint64_t sequence : {3, 6}) {
    const auto frame = (*reader)->Next();
    ASSERT_TRUE(frame.ok() && frame->has_value());
    EXPECT_EQ((*frame)->sequence, sequence);
    EXPECT_EQ((*frame)->rows, absl::StrCat("one of ", sequence));
    EXPECT_EQ((*frame)->num_rows, 1);
    EXPECT_EQ((*frame)->watermark, static_cast<int64_t>(sequence * 10));
    EXPECT_EQ((*frame)->next.sequence, sequence + 1);
  }
  EXPECT_FALSE((*(*reader)->Next()).has_value());
}

TEST_F(FileLogTest, SegmentsRollAndReadersCrossThem) {
  options_.segment_bytes = 300;
  ASSERT_TRUE(Write(1, 20).ok());
  EXPECT_GT(Segments().size(), 4);
  const auto log = Open();
  ASSERT_TRUE(log.ok()) << log.status();
  ExpectJournal(**log, 20);
  // From every position on, also from those at the end of a segment.
  const auto entries = ReadJournal(**log, 0);
  for (const JournalEntry& entry : *entries) {
    const auto reader = (*log)->OpenChannel({"rows", 0, 0}, entry.next);
    ASSERT_TRUE(reader.ok()) << reader.status();
    const auto frame = (*reader)->Next();
    ASSERT_TRUE(frame.ok()) << frame.status();
    if (entry.sequence == 20) {
      EXPECT_FALSE(frame->has_value());
    } else {
      EXPECT_EQ((*frame)->sequence, entry.sequence + 1);
    }
  }
}

TEST_F(FileLogTest, ReadersSeeWhatIsCommittedWhileTheyAreOpenAndNothingElse) {
  const auto log = Open();
  ASSERT_TRUE(log.ok());
  const auto reader = (*log)->OpenChannel({"rows", 0, 0}, Position{});
  ASSERT_TRUE(reader.ok());
  EXPECT_FALSE((*(*reader)->Next()).has_value());
  const auto writer = (*log)->OpenLane(0);
  const uint64_t version = (*log)->version();
  ASSERT_TRUE((*writer)->Commit(MakeTransaction(1)).ok());
  EXPECT_NE((*log)->version(), version);
  const auto frame = (*reader)->Next();
  ASSERT_TRUE(frame.ok()) << frame.status();
  ASSERT_TRUE(frame->has_value());
  EXPECT_EQ((*frame)->rows, "two rows of 1");
  EXPECT_FALSE((*(*reader)->Next()).has_value());
}

TEST_F(FileLogTest, AFailedCommitIsNotSeenAndTheLaneKeepsSayingWhyUntilTheLogIsOpenedAnew) {
  const auto log = Open();
  ASSERT_TRUE(log.ok());
  const auto writer = (*log)->OpenLane(0);
  ASSERT_TRUE((*writer)->Commit(MakeTransaction(1)).ok());
  disk_.SetHook([](const DiskOperation& operation) {
    return operation.name == "append" ? DiskAction::kFull : DiskAction::kProceed;
  });
  const absl::Status first = (*writer)->Commit(MakeTransaction(2));
  EXPECT_TRUE(absl::IsResourceExhausted(first)) << first;
  disk_.SetHook(nullptr);
  EXPECT_EQ((*writer)->Commit(MakeTransaction(2)), first);
  EXPECT_EQ((*(*log)->OpenLane(0))->Commit(MakeTransaction(2)), first);
  ExpectJournal(**log, 1);
}

// What an incomplete list of the folder would lead to: a first segment, although there is one.
TEST_F(FileLogTest, ASegmentIsNotBegunInAFileThatHasBytes) {
  const auto log = Open();
  ASSERT_TRUE(log.ok());
  const std::string path = "log/lane-0/00000000000000000000.log";
  const auto file = disk_.OpenForAppend(path);
  ASSERT_TRUE((*file)->Append("what another wrote").ok());
  const absl::Status status = (*(*log)->OpenLane(0))->Commit(MakeTransaction(1));
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find(path), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("way out"), absl::string_view::npos) << status;
  EXPECT_EQ(Content(path), "what another wrote");
}

TEST_F(FileLogTest, AFolderThatCannotBeListedIsAnErrorAndNothingIsTouched) {
  ASSERT_TRUE(Write(1, 2).ok());
  const std::string content = Content(Segments().front());
  disk_.FailLists("/lane-0");
  const absl::Status status = Write(3, 3);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(Content(Segments().front()), content);
  disk_.FailLists("");
  EXPECT_TRUE(Write(3, 3).ok());
}

TEST_F(FileLogTest, AsManySegmentsAsThereAreAFewFilesAreOpen) {
  const support::TemporaryFolder folder;
  const auto disk = MakePosixDisk();
  options_.segment_bytes = 1;
  auto log = OpenFileLog(*disk, folder.path(), kNumLanes, options_, notes_);
  ASSERT_TRUE(log.ok()) << log.status();
  const auto writer = (*log)->OpenLane(0);
  for (uint64_t i = 1; i <= 60; ++i) ASSERT_TRUE((*writer)->Commit(MakeTransaction(i)).ok());
  EXPECT_EQ(disk->List(folder.path() + "/lane-0")->size(), 60);
  const size_t before = disk->List("/proc/self/fd")->size();
  ExpectJournal(**log, 60);
  EXPECT_LE(disk->List("/proc/self/fd")->size(), before + 4);
}

TEST_F(FileLogTest, ATransactionThatIsTooLargeIsTheUsersToMend) {
  options_.max_transaction_bytes = 100;
  auto log = Open();
  ASSERT_TRUE(log.ok());
  const auto writer = (*log)->OpenLane(0);
  Transaction transaction = MakeTransaction(1);
  transaction.watermark = 1'770'000'000'000'000;
  transaction.frames[0].rows.assign(200, 'x');
  absl::Status status = (*writer)->Commit(transaction);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("2026-02-02T02:40:00+00:00; way out"), absl::string_view::npos)
      << status;
  transaction.frames[0].rows.clear();
  transaction.frames[0].topic.assign(17 << 20, 'x');
  status = (*writer)->Commit(transaction);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_TRUE((*writer)->Commit(MakeTransaction(1)).ok());
}

TEST_F(FileLogTest, ASecondOpenerIsRefusedUntilTheFirstIsGone) {
  auto log = Open();
  ASSERT_TRUE(log.ok());
  const absl::Status second = Open().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
  log->reset();
  EXPECT_TRUE(Open().ok());
}

TEST_F(FileLogTest, APositionBeyondTheEndIsRefusedAndTheEndIsNot) {
  ASSERT_TRUE(Write(1, 3).ok());
  const auto log = Open();
  ASSERT_TRUE(log.ok());
  const Position end = ReadJournal(**log, 0)->back().next;
  EXPECT_TRUE((*log)->OpenChannel({"rows", 0, 0}, end).ok());
  for (const Position beyond :
       {Position{end.sequence + 1, end.bytes}, Position{end.sequence, end.bytes + 1}}) {
    const absl::Status status = (*log)->OpenChannel({"rows", 0, 0}, beyond).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_NE(status.message().find("way out"), absl::string_view::npos) << status;
  }
}

TEST_F(FileLogTest, APositionBetweenTransactionsIsRefusedWhenRead) {
  ASSERT_TRUE(Write(1, 3).ok());
  const auto log = Open();
  ASSERT_TRUE(log.ok());
  const Position second = ReadJournal(**log, 0)->front().next;
  const auto reader = (*log)->OpenChannel({"rows", 0, 0}, {second.sequence, second.bytes + 1});
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(absl::IsDataLoss((*reader)->Next().status()));
}

TEST_F(FileLogTest, ALaneThatIsNotThereIsRefused) {
  const auto log = Open();
  ASSERT_TRUE(log.ok());
  EXPECT_TRUE(absl::IsInternal((*log)->OpenLane(kNumLanes).status()));
}

// Every operation of every commit may be the last one: what was acknowledged is there, and at most
// the one under way besides.
TEST_F(FileLogTest, ACrashAnywhereLosesNothingAcknowledged) {
  for (uint64_t fatal = 0; fatal < 60; ++fatal) {
    support::ModelDisk disk;
    support::Random random(fatal);
    FileLogOptions options;
    options.segment_bytes = 300;
    std::vector<std::string> notes;
    uint64_t acknowledged = 0;
    disk.FailAfter(fatal);
    {
      const auto log = OpenFileLog(disk, "log", kNumLanes, options, notes);
      if (log.ok()) {
        const auto writer = (*log)->OpenLane(0);
        while ((*writer)->Commit(MakeTransaction(acknowledged + 1)).ok()) ++acknowledged;
      }
    }
    disk.Crash(random);
    const auto log = OpenFileLog(disk, "log", kNumLanes, options, notes);
    ASSERT_TRUE(log.ok()) << "fatal " << fatal << ": " << log.status();
    const auto entries = ReadJournal(**log, 0);
    ASSERT_TRUE(entries.ok()) << "fatal " << fatal << ": " << entries.status();
    EXPECT_GE(entries->size(), acknowledged) << "fatal " << fatal;
    EXPECT_LE(entries->size(), acknowledged + 1) << "fatal " << fatal;
    ExpectJournal(**log, entries->size());
    const auto writer = (*log)->OpenLane(0);
    EXPECT_TRUE((*writer)->Commit(MakeTransaction(entries->size() + 1)).ok());
    ExpectJournal(**log, entries->size() + 1);
  }
}

}  // namespace
}  // namespace streamml::log
