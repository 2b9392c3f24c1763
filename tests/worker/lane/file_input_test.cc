#include "worker/lane/file_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tests/support/random.h"
#include "tests/worker/lane/rows.h"

namespace streamml::lane {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TextSource final : public connectors::ByteSource {
 public:
  explicit TextSource(const std::string& text) : text_(text) {}
  const std::string& path() const override { return path_; }
  uint64_t size() const override { return text_.size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t position, char* out, size_t capacity) override {
    const size_t size = std::min<size_t>(capacity, text_.size() - position);
    std::memcpy(out, text_.data() + position, size);
    return size;
  }

 private:
  const std::string path_ = "events.jsonl";
  const std::string& text_;
};

// One record for each time; -1 is a broken one.
std::string MakeText(const std::vector<int64_t>& times) {
  std::string text;
  for (size_t i = 0; i < times.size(); ++i) {
    if (times[i] < 0) {
      text += "broken\n";
    } else {
      absl::StrAppend(&text, "{\"name\":\"r", i, "\",\"at\":", times[i], "}\n");
    }
  }
  return text;
}

class FileInputTest : public testing::Test {
 protected:
  std::unique_ptr<Input> Open(const std::string& text) {
    text_ = text;
    FileInputSpec spec;
    spec.rules.source_name = "events";
    spec.rules.description.columns = {
        {"name", data::Type::kText, "", {}},
        {"at", data::Type::kTimestamp, "", data::TimeUnit::kMicroseconds}};
    spec.rules.description.schema = std::make_shared<const data::Schema>(
        std::vector<data::Field>{{"name", data::Type::kText}, {"at", data::Type::kTimestamp}},
        has_time_ ? 1 : data::Schema::kNoTime);
    spec.path = "events.jsonl";
    spec.rules.delay_us = delay_us_;
    spec.rules.on_error = on_error_;
    spec.block_records = 4;
    spec.open = [this]() -> absl::StatusOr<std::unique_ptr<connectors::ByteSource>> {
      return std::make_unique<TextSource>(text_);
    };
    return MakeFileInput(std::move(spec));
  }
  static Block Read(Input& input, uint64_t limit = kNoLimit) {
    auto block = input.Read(limit);
    EXPECT_TRUE(block.ok()) << block.status();
    return block.ok() && block->has_value() ? **std::move(block) : Block{};
  }

  int64_t delay_us_ = 10;
  OnError on_error_ = OnError::kDeadLetter;
  bool has_time_ = true;
  std::string text_;
};

TEST_F(FileInputTest, ARowIsLateBehindTheGreatestTimeBeforeItLessTheDelay) {
  const auto input = Open(MakeText({100, 90, 89, 200, 189, 190}));
  EXPECT_EQ(input->watermark(), data::kMinTime);
  const Block first = Read(*input);
  EXPECT_THAT(Texts(first.rows), ElementsAre("100/0/0/0 r0", "90/0/0/1 r1", "200/0/0/3 r3"));
  EXPECT_THAT(Texts(first.late), ElementsAre("89/0/0/2 r2"));
  EXPECT_EQ(first.num_records, 4);
  EXPECT_EQ(input->watermark(), 190);
  const Block second = Read(*input);
  EXPECT_THAT(Texts(second.rows), ElementsAre("190/0/0/5 r5"));
  EXPECT_THAT(Texts(second.late), ElementsAre("189/0/0/4 r4"));
}

TEST_F(FileInputTest, TheEndIsABlockOfItsOwn) {
  for (const size_t num_records : {0, 1, 3, 4, 5, 8}) {
    const auto input = Open(MakeText(std::vector<int64_t>(num_records, 5)));
    uint64_t seen = 0;
    while (true) {
      const Block block = Read(*input);
      seen += block.num_records;
      EXPECT_EQ(block.end.ended, block.num_records == 0) << num_records;
      if (block.end.ended) break;
      EXPECT_LT(input->watermark(), data::kMaxTime);
    }
    EXPECT_EQ(seen, num_records);
    EXPECT_EQ(input->watermark(), data::kMaxTime);
    EXPECT_FALSE((*input->Read(kNoLimit)).has_value());
  }
}

TEST_F(FileInputTest, BlocksEndAtFixedOrdinalsAndAtTheLimit) {
  const auto input = Open(MakeText({1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(Read(*input, 3).end.ordinal, 3);
  EXPECT_FALSE((*input->Read(3)).has_value());
  EXPECT_EQ(Read(*input).end.ordinal, 4);
  EXPECT_EQ(Read(*input).end.ordinal, 8);
}

TEST_F(FileInputTest, ABrokenRecordIsALineWithItsPlace) {
  const auto input = Open(MakeText({1, -1, 2}));
  const Block block = Read(*input);
  EXPECT_THAT(Texts(block.rows), ElementsAre("1/0/0/0 r0", "2/0/0/2 r2"));
  ASSERT_EQ(block.dead.size(), 1);
  EXPECT_EQ(block.dead[0].ordinal, 1);
  EXPECT_THAT(block.dead[0].json, HasSubstr("events.jsonl"));
  EXPECT_THAT(block.dead[0].json, HasSubstr("broken"));
  EXPECT_EQ(block.dead[0].json.find('\n'), std::string::npos);
  EXPECT_EQ(block.num_records, 3);
}

TEST_F(FileInputTest, ASkippedRecordIsCountedWithoutALine) {
  on_error_ = OnError::kSkip;
  const auto input = Open(MakeText({1, -1, 2}));
  const Block block = Read(*input);
  ASSERT_EQ(block.dead.size(), 1);
  EXPECT_TRUE(block.dead[0].json.empty());
  EXPECT_EQ(block.num_records, 3);
}

TEST_F(FileInputTest, WithPolicyFailABrokenRecordStopsWithItsPlaceAfterWhatStandsBeforeIt) {
  on_error_ = OnError::kFail;
  const auto input = Open(MakeText({1, -1, 2}));
  const Block before = Read(*input);
  EXPECT_EQ(before.rows.num_rows(), 1);
  EXPECT_EQ(before.end.ordinal, 1);
  const absl::Status status = input->Read(kNoLimit).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("events[0] (events.jsonl): record 1 at byte"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("deadLetter or skip"));
}

TEST_F(FileInputTest, WithPolicyFailABrokenRecordStopsAgainFromAnyPointBeforeIt) {
  on_error_ = OnError::kFail;
  const auto input = Open(MakeText({1, 2, 3, 4, 5, 6, -1, 8}) + "\n");
  EXPECT_EQ(Read(*input).num_records, 4);
  const InputPoint middle = input->position();
  EXPECT_EQ(Read(*input).num_records, 2);
  const InputPoint last = input->position();
  const absl::Status status = input->Read(kNoLimit).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(input->position(), last);
  for (const InputPoint& point : {InputPoint{}, middle, last}) {
    ASSERT_TRUE(input->Seek(point).ok());
    while (input->position().ordinal < 6) ASSERT_GT(Read(*input, 6).num_records, 0);
    EXPECT_EQ(input->position(), last);
    EXPECT_EQ(input->Read(kNoLimit).status(), status);
  }
}

TEST_F(FileInputTest, WithoutEventTimeNothingIsLateAndThereIsNoWatermarkBeforeTheEnd) {
  has_time_ = false;
  const auto input = Open(MakeText({9, 1, 5}));
  const Block block = Read(*input);
  EXPECT_EQ(block.rows.num_rows(), 3);
  EXPECT_EQ(block.late.num_rows(), 0);
  EXPECT_EQ(input->watermark(), data::kMinTime);
  Read(*input);
  EXPECT_EQ(input->watermark(), data::kMaxTime);
}

TEST_F(FileInputTest, AHugeDelayDoesNotWrapAround) {
  delay_us_ = data::kMaxTime;
  const auto input = Open(MakeText({5, 1}));
  const Block block = Read(*input);
  EXPECT_EQ(block.late.num_rows(), 0);
  EXPECT_LT(input->watermark(), 0);
  EXPECT_GT(input->watermark(), data::kMinTime);
}

// Wherever it is cut and wherever reading starts again: the same rows, late rows and dead records.
TEST_F(FileInputTest, ReadingIsAFunctionOfThePosition) {
  std::vector<int64_t> times;
  support::Random rows(7);
  for (int i = 0; i < 40; ++i) times.push_back(rows.OneIn(6) ? -1 : rows.Between(i, i + 30));
  std::vector<std::string> expected;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    support::Random random(seed);
    auto input = Open(MakeText(times));
    std::vector<std::string> seen;
    while (!input->position().ended) {
      const InputPoint before = input->position();
      const uint64_t limit = seed == 0 ? kNoLimit : before.ordinal + 1 + random.Below(6);
      if (random.OneIn(3)) {  // a new life
        input = Open(MakeText(times));
        ASSERT_TRUE(input->Seek(before).ok());
      }
      const Block block = Read(*input, limit);
      for (const std::string& text : Texts(block.rows)) seen.push_back("row " + text);
      for (const std::string& text : Texts(block.late)) seen.push_back("late " + text);
      for (const DeadRecord& dead : block.dead) seen.push_back("dead " + dead.json);
    }
    std::sort(seen.begin(), seen.end());
    if (seed == 0) expected = seen;
    EXPECT_EQ(seen, expected) << "seed " << seed;
  }
  EXPECT_EQ(expected.size(), times.size());
}

}  // namespace
}  // namespace streamml::lane
