#include "worker/lane/topic_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "tests/worker/lane/fake_topics.h"
#include "worker/lane/executor.h"

namespace streamml::lane {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kDelayUs = 10;

std::string Record(int64_t time) { return absl::StrCat("{\"at\":", time, "}"); }

class TopicInputTest : public testing::Test {
 protected:
  SourceRules Rules() const {
    SourceRules rules;
    rules.source_name = "events";
    rules.description.columns = {{"at", data::Type::kTimestamp, "", data::TimeUnit::kMicroseconds}};
    if (!columns_.empty()) rules.description.columns = columns_;
    rules.description.schema = schema_;
    rules.description.lines = lines_;
    rules.delay_us = kDelayUs;
    rules.on_error = on_error_;
    rules.idle_us = 1;
    return rules;
  }
  std::unique_ptr<Input> Open(uint32_t partition = 0) {
    return MakeTopicInput({Rules(), "events", partition}, topics_);
  }
  static Block Read(Input& input, uint64_t limit = kNoLimit) {
    auto block = input.Read(limit);
    EXPECT_TRUE(block.ok()) << block.status();
    return block.ok() && block->has_value() ? **std::move(block) : Block{};
  }

  // A stage in event order over two partitions, whose rows go to topic "out".
  std::unique_ptr<Executor> MakeExecutor() {
    stage_.name = "events";
    stage_.input_schema = schema_;
    stage_.event_order = true;
    stage_.sinks = {{SinkOutput::kNoRows, "dead"}, {SinkOutput::kNoRows, "late"}, {-1, "out"}};
    stage_.dead_sink = 0;
    stage_.late_sink = 1;
    std::vector<InputFactory> inputs;
    for (uint32_t partition = 0; partition < 2; ++partition) {
      inputs.emplace_back([this, partition]() -> absl::StatusOr<std::unique_ptr<Input>> {
        return Open(partition);
      });
    }
    auto executor = Executor::Make(stage_, inputs);
    EXPECT_TRUE(executor.ok()) << executor.status();
    return *std::move(executor);
  }
  static void AdvanceAll(Executor& executor) {
    while (true) {
      const auto progress = executor.Advance(100);
      ASSERT_TRUE(progress.ok()) << progress.status();
      if (!*progress) return;
    }
  }

  std::shared_ptr<const data::Schema> schema_ = std::make_shared<const data::Schema>(
      std::vector<data::Field>{{"at", data::Type::kTimestamp}}, 0);
  std::vector<connectors::SourceColumn> columns_;  // in place of the usual one
  bool lines_ = false;
  OnError on_error_ = OnError::kDeadLetter;
  FakeTopics topics_;
  StageSpec stage_;
};

TEST_F(TopicInputTest, PointsAreOffsetsAndCountRecords) {
  for (const int64_t time : {100, 101, 102}) topics_.Add(0, Record(time));
  topics_.partition(0).erase(topics_.partition(0).begin() + 1);  // a gap, as markers leave them
  const auto input = Open();
  const Block block = Read(*input);
  EXPECT_EQ(block.rows.num_rows(), 2u);
  EXPECT_EQ(block.rows.origin(1).offset, 2u);
  EXPECT_EQ(input->position().ordinal, 3u);
  EXPECT_EQ(input->position().bytes, 2u);
  EXPECT_FALSE(input->position().ended);
  EXPECT_EQ(input->watermark(), 102 - kDelayUs);
  EXPECT_EQ(Read(*input).num_records, 0u);
  topics_.Add(0, Record(103));
  EXPECT_EQ(Read(*input).rows.num_rows(), 1u);
}

TEST_F(TopicInputTest, ALimitEndsABlockAndReadingGoesOnThere) {
  for (const int64_t time : {100, 101, 102}) topics_.Add(0, Record(time));
  const auto input = Open();
  EXPECT_EQ(Read(*input, 2).num_records, 2u);
  EXPECT_FALSE((*input->Read(2)).has_value());
  EXPECT_EQ(Read(*input).num_records, 1u);
}

TEST_F(TopicInputTest, SeekGoesBackToAPoint) {
  for (const int64_t time : {100, 101, 102}) topics_.Add(0, Record(time));
  const auto input = Open();
  Read(*input, 1);
  const InputPoint point = input->position();
  Read(*input);
  ASSERT_TRUE(input->Seek(point).ok());
  const Block again = Read(*input);
  EXPECT_EQ(again.rows.num_rows(), 2u);
  EXPECT_EQ(again.rows.origin(0).offset, 1u);
}

TEST_F(TopicInputTest, ARecordThatIsNoRowAndATombstoneAreDead) {
  topics_.Add(0, "{broken");
  topics_.Add(0, "");
  topics_.partition(0).back().has_value = false;
  const auto input = Open();
  const Block block = Read(*input);
  ASSERT_EQ(block.dead.size(), 2u);
  EXPECT_THAT(block.dead[0].json,
              HasSubstr("\"topic\":\"events\",\"partition\":0,\"offset\":0,\"rea"));
  EXPECT_THAT(block.dead[1].json, HasSubstr("tombstone"));
}

TEST_F(TopicInputTest, WithPolicyFailWhatStandsBeforeABadRecordIsRead) {
  on_error_ = OnError::kFail;
  topics_.Add(0, Record(100));
  topics_.Add(0, "{broken");
  const auto input = Open();
  EXPECT_EQ(Read(*input).num_records, 1u);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto failed = input->Read(kNoLimit);
    EXPECT_TRUE(absl::IsInvalidArgument(failed.status()));
    EXPECT_THAT(failed.status().message(), HasSubstr("offset 1: "));
  }
  EXPECT_EQ(input->position().ordinal, 1u);
}

TEST_F(TopicInputTest, ARecordOfSeveralLinesHasAnEventInEach) {
  lines_ = true;
  topics_.Add(0, absl::StrCat(Record(100), "\r\n\n{broken\n", Record(100), "\n"));
  topics_.Add(0, " \n");  // none
  topics_.Add(0, Record(101));
  const auto input = Open();
  const Block block = Read(*input);
  EXPECT_EQ(block.num_records, 4u);  // events
  ASSERT_EQ(block.rows.num_rows(), 3u);
  EXPECT_EQ(block.rows.origin(0).event, 0u);
  EXPECT_EQ(block.rows.origin(1).offset, 0u);
  EXPECT_EQ(block.rows.origin(1).event, 2u);
  EXPECT_LT(block.rows.origin(0), block.rows.origin(1));
  EXPECT_LT(block.rows.origin(1), block.rows.origin(2));
  ASSERT_EQ(block.dead.size(), 1u);
  EXPECT_THAT(block.dead[0].json, HasSubstr("\"offset\":0,\"event\":1,"));
  EXPECT_EQ(input->position().ordinal, 3u);
  EXPECT_EQ(input->position().bytes, 3u);  // records
}

TEST_F(TopicInputTest, WithPolicyFailNoEventOfARecordWithABadOneIsRead) {
  lines_ = true;
  on_error_ = OnError::kFail;
  topics_.Add(0, Record(100));
  topics_.Add(0, absl::StrCat(Record(101), "\n{broken"));
  const auto input = Open();
  EXPECT_EQ(Read(*input).rows.num_rows(), 1u);
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_THAT(input->Read(kNoLimit).status().message(), HasSubstr("offset 1, event 1: "));
  }
  EXPECT_EQ(input->position().ordinal, 1u);
}

TEST_F(TopicInputTest, TooManyEventsInARecordAreOneDeadLetter) {
  lines_ = true;
  std::string value;
  for (uint32_t i = 0; i < data::kMaxEvents + 3; ++i) value += "{\"at\":1}\n";
  topics_.Add(0, value);
  const Block block = Read(*Open());
  EXPECT_EQ(block.rows.num_rows(), data::kMaxEvents);
  ASSERT_EQ(block.dead.size(), 1u);
  EXPECT_EQ(block.num_records, data::kMaxEvents + 1u);
}

TEST_F(TopicInputTest, ColumnsHoldWhatARecordSaysBesidesItsValue) {
  using connectors::Metadata;
  using data::Type;
  columns_ = {{"at", Type::kTimestamp, "", std::nullopt, Metadata::kTimestamp},
              {"k", Type::kText, "", std::nullopt, Metadata::kKey},
              {"trace", Type::kText, "trace-id", std::nullopt, Metadata::kHeader},
              {"place", Type::kBigint, "", std::nullopt, Metadata::kOffset},
              {"part", Type::kBigint, "", std::nullopt, Metadata::kPartition},
              {"gone", Type::kBoolean, "", std::nullopt, Metadata::kTombstone},
              {"x", Type::kBigint, "", std::nullopt}};
  schema_ = std::make_shared<const data::Schema>(std::vector<data::Field>{{"at", Type::kTimestamp},
                                                                          {"k", Type::kText},
                                                                          {"trace", Type::kText},
                                                                          {"place", Type::kBigint},
                                                                          {"part", Type::kBigint},
                                                                          {"gone", Type::kBoolean},
                                                                          {"x", Type::kBigint}},
                                                 0);
  topics_.Add(1, "{\"x\":5}");
  topics_.partition(1).back().key = "a";
  topics_.partition(1).back().timestamp_us = 77;
  topics_.partition(1).back().headers = {{"trace-id", "old"}, {"other", "o"}, {"trace-id", "t"}};
  topics_.Add(1, "");
  topics_.partition(1).back().has_value = false;
  topics_.partition(1).back().timestamp_us = 78;
  topics_.Add(1, "{\"x\":5}");  // no time
  topics_.Add(1, "{\"x\":5}");
  topics_.partition(1).back().key = "\xFF";
  topics_.partition(1).back().timestamp_us = 79;
  const Block block = Read(*Open(1));
  ASSERT_EQ(block.rows.num_rows(), 2u);
  EXPECT_EQ(block.rows.origin(0).time, 77);
  EXPECT_EQ(block.rows.column(1).Text(0), "a");
  EXPECT_EQ(block.rows.column(2).Text(0), "t");
  EXPECT_EQ(block.rows.column(3).Integer(0), 0);
  EXPECT_EQ(block.rows.column(4).Integer(0), 1);
  EXPECT_FALSE(block.rows.column(5).Boolean(0));
  EXPECT_EQ(block.rows.column(6).Integer(0), 5);
  EXPECT_TRUE(block.rows.column(1).IsNull(1));
  EXPECT_TRUE(block.rows.column(2).IsNull(1));
  EXPECT_TRUE(block.rows.column(5).Boolean(1));
  EXPECT_TRUE(block.rows.column(6).IsNull(1));
  ASSERT_EQ(block.dead.size(), 2u);
  EXPECT_THAT(block.dead[0].json, HasSubstr("event time is NULL"));
  EXPECT_THAT(block.dead[1].json, HasSubstr("invalid UTF-8 at byte 0 of the key"));
  EXPECT_THAT(block.dead[1].json, HasSubstr("\"keyBase64\":"));
}

TEST_F(TopicInputTest, ARaisedWatermarkMakesOlderRowsLate) {
  topics_.Add(0, Record(100));
  const auto input = Open();
  Read(*input);
  input->Raise(150);
  EXPECT_EQ(input->watermark(), 150);
  for (const int64_t time : {149, 150}) topics_.Add(0, Record(time));
  const Block block = Read(*input);
  EXPECT_EQ(block.late.num_rows(), 1u);
  EXPECT_EQ(block.rows.num_rows(), 1u);
  input->Raise(120);  // never back
  EXPECT_EQ(input->watermark(), 150);
}

TEST_F(TopicInputTest, APartitionWithoutRecordsHoldsBackTimeUntilItIsIdle) {
  topics_.Add(1, Record(200));
  const auto executor = MakeExecutor();
  AdvanceAll(*executor);
  EXPECT_EQ(executor->output().sink_bytes(2), "");
  EXPECT_THAT(executor->was_empty(), ElementsAre(true, true));
  EXPECT_FALSE(*executor->RaiseIdle({true, true}));  // nobody is left to follow
  EXPECT_TRUE(*executor->RaiseIdle({true, false}));
  EXPECT_EQ(executor->watermark(), data::kMinTime);
  topics_.Add(1, Record(300));
  AdvanceAll(*executor);
  EXPECT_FALSE(*executor->RaiseIdle({false, true}));  // it is ahead of the others as it is
  EXPECT_TRUE(*executor->RaiseIdle({true, false}));
  AdvanceAll(*executor);
  EXPECT_THAT(executor->output().sink_bytes(2), HasSubstr("00:00:00.0002"));
  EXPECT_THAT(executor->output().sink_bytes(2), Not(HasSubstr("00:00:00.0003")));
}

TEST_F(TopicInputTest, WhatCameBeforeTheTickIsReadFirst) {
  topics_.Add(1, Record(200));
  const auto executor = MakeExecutor();
  AdvanceAll(*executor);
  topics_.Add(0, Record(150));
  EXPECT_TRUE(*executor->RaiseIdle({true, false}));
  EXPECT_EQ(executor->counters()[1].second, 0u);  // not late
  AdvanceAll(*executor);
  EXPECT_EQ(executor->counters()[0].second, 2u);
}

TEST_F(TopicInputTest, AnInputThatFailsAtATickLeavesWhatWasReadToBeCommitted) {
  on_error_ = OnError::kFail;
  topics_.Add(1, Record(200));
  const auto executor = MakeExecutor();
  AdvanceAll(*executor);
  topics_.Add(0, "{broken");
  EXPECT_FALSE(*executor->RaiseIdle({true, false}));
  EXPECT_TRUE(executor->input_failed());
  EXPECT_TRUE(executor->has_news());
  EXPECT_EQ(executor->counters()[0].second, 1u);
  EXPECT_THAT(executor->Advance(100).status().message(), HasSubstr("offset 0: "));
}

// Ticks between rows: the same verdicts when the journal is executed, and when a snapshot is
// restored whose rows are read again.
TEST_F(TopicInputTest, TicksAreJournalledAndInSnapshots) {
  const auto live = MakeExecutor();
  std::vector<journal::v1::Commit> commits;
  std::string late;
  std::string out;
  const auto commit = [&] {
    commits.emplace_back();
    live->Describe(commits.back());
    late += live->output().sink_bytes(1);
    out += live->output().sink_bytes(2);
    live->MarkCommitted();
  };
  topics_.Add(1, Record(1000));
  AdvanceAll(*live);
  ASSERT_TRUE(*live->RaiseIdle({true, false}));
  commit();
  for (const int64_t time : {980, 995, 1200}) topics_.Add(0, Record(time));  // the first is late
  AdvanceAll(*live);
  commit();
  topics_.Add(0, Record(1190));
  AdvanceAll(*live);
  ASSERT_TRUE(*live->RaiseIdle({false, true}));
  topics_.Add(1, Record(1100));  // late, and only because of the tick
  AdvanceAll(*live);
  commit();
  journal::v1::LaneState state;
  live->Export(state);
  for (const int64_t time : {1500, 1600}) topics_.Add(1, Record(time));
  topics_.Add(0, Record(1700));
  AdvanceAll(*live);
  commit();
  EXPECT_EQ(live->counters()[1].second, 2u);

  const auto replayed = MakeExecutor();
  std::string late_again;
  std::string out_again;
  for (const journal::v1::Commit& one : commits) {
    ASSERT_TRUE(replayed->Apply(one).ok());
    late_again += replayed->output().sink_bytes(1);
    out_again += replayed->output().sink_bytes(2);
    replayed->MarkCommitted();
  }
  EXPECT_EQ(late_again, late);
  EXPECT_EQ(out_again, out);
  EXPECT_EQ(replayed->output().digest(), live->output().digest());

  const auto restored = MakeExecutor();
  ASSERT_TRUE(restored->Import(state).ok());
  ASSERT_TRUE(restored->Apply(commits.back()).ok());
  EXPECT_EQ(restored->output().digest(), live->output().digest());
}

TEST_F(TopicInputTest, ARecordThatIsGoneIsNoticedWhenTheJournalIsExecuted) {
  for (const int64_t time : {100, 101, 102}) topics_.Add(0, Record(time));
  topics_.Add(1, Record(100));
  const auto live = MakeExecutor();
  AdvanceAll(*live);
  journal::v1::Commit commit;
  live->Describe(commit);
  topics_.partition(0).erase(topics_.partition(0).begin() + 1);
  const auto replayed = MakeExecutor();
  const absl::Status status = replayed->Apply(commit);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("the input has changed"));
}

TEST_F(TopicInputTest, TheBacklogIsWhatNobodyHasReadAndAsOldAsItsFirstRecord) {
  for (int64_t i = 0; i < 2000; ++i) {
    topics_.Add(0, Record(100));
    topics_.partition(0).back().timestamp_us = 5000 + i;
  }
  const std::unique_ptr<Input> input = Open();
  EXPECT_FALSE(input->backlog().has_value()) << "nobody has asked the brokers yet";
  EXPECT_EQ(Read(*input, 10).num_records, 10u);
  ASSERT_TRUE(input->backlog().has_value());
  EXPECT_EQ(input->backlog()->rows, 1990u);
  EXPECT_EQ(input->backlog()->oldest_us, 5010);
  EXPECT_EQ(Read(*input).num_records, 1014u);
  EXPECT_EQ(input->backlog()->rows, 976u);
  EXPECT_EQ(input->backlog()->oldest_us, 5000 + 1023) << "the next one is hardly younger";
  EXPECT_EQ(Read(*input).num_records, 976u);
  EXPECT_EQ(input->backlog()->rows, 0u);
  EXPECT_EQ(input->backlog()->oldest_us, 0);
}

// As compaction does where the journal ends.
TEST_F(TopicInputTest, ARecordThatIsGoneBeforeTheEndOfTheJournalIsNoticedToo) {
  for (const int64_t time : {100, 101, 102}) topics_.Add(0, Record(time));
  topics_.Add(1, Record(100));
  const auto live = MakeExecutor();
  AdvanceAll(*live);
  journal::v1::Commit commit;
  live->Describe(commit);
  topics_.Add(0, Record(103));
  topics_.partition(0).erase(topics_.partition(0).begin() + 2);
  const absl::Status status = MakeExecutor()->Apply(commit);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(
      status.message(),
      HasSubstr("up to offset 3 the job has read 3 records, and 2 of them can be read again"));
}

// Inputs that take turns, each read a block, for a lane that does not commit in between.
TEST_F(TopicInputTest, AJournalRecordIsBoundedHoweverLongNothingIsCommitted) {
  const auto executor = MakeExecutor();
  int64_t time = 1'772'323'200'000'000;
  size_t turns = 0;
  for (; turns < 10'000 && !executor->journal_is_full(); ++turns) {
    topics_.Add(turns % 2, Record(++time));
    const auto progress = executor->Advance(1);
    ASSERT_TRUE(progress.ok()) << progress.status();
    executor->output().Clear();  // as if it had been written
  }
  EXPECT_TRUE(executor->journal_is_full());
  topics_.Add(0, Record(++time));
  EXPECT_FALSE(*executor->Advance(1));
  EXPECT_FALSE(*executor->RaiseIdle({true, false}));
  journal::v1::Commit commit;
  executor->Describe(commit);
  EXPECT_LT(commit.ByteSizeLong(), 256u << 10);
  executor->MarkCommitted();
  EXPECT_TRUE(*executor->Advance(1));
}

}  // namespace
}  // namespace streamml::lane
