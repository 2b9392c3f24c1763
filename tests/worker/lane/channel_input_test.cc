#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/model_disk.h"
#include "tests/worker/lane/rows.h"
#include "worker/data/row_codec.h"
#include "worker/lane/input.h"
#include "worker/log/file/file_log.h"

namespace streamml::lane {
namespace {

using testing::ElementsAre;

class ChannelInputTest : public testing::Test {
 protected:
  ChannelInputTest() {
    auto log = log::OpenFileLog(disk_, "log", 1, {}, notes_);
    log_ = *std::move(log);
    writer_ = *log_->OpenLane(0);
    input_ = MakeChannelInput(*log_, {"topic", 0, 0}, TestSchema());
  }
  void Commit(int64_t watermark, const std::vector<TestRow>& rows, const std::string& extra = "") {
    log::Transaction transaction;
    transaction.sequence = writer_->end().sequence;
    transaction.watermark = watermark;
    log::Frame frame{"topic", 0, static_cast<uint32_t>(rows.size()), ""};
    const data::Batch batch = MakeBatch(rows);
    for (size_t row = 0; row < rows.size(); ++row) data::EncodeRow(batch, row, frame.rows);
    frame.rows += extra;
    transaction.frames.push_back(frame);
    ASSERT_TRUE(writer_->Commit(transaction).ok());
  }
  Block Read() {
    auto block = input_->Read(kNoLimit);
    EXPECT_TRUE(block.ok() && block->has_value()) << block.status();
    return block.ok() && block->has_value() ? **std::move(block) : Block{};
  }

  support::ModelDisk disk_;
  std::vector<std::string> notes_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<log::LaneWriter> writer_;
  std::unique_ptr<Input> input_;
};

TEST_F(ChannelInputTest, EachTransactionIsABlockWithItsWatermark) {
  EXPECT_EQ(input_->watermark(), data::kMinTime);
  EXPECT_FALSE((*input_->Read(kNoLimit)).has_value());
  Commit(10, {{{10, 0, 0, 0}, "a"}, {{12, 0, 0, 1}, "b"}});
  Commit(20, {});  // a marker
  const Block first = Read();
  EXPECT_THAT(Texts(first.rows), ElementsAre("10/0/0/0 a", "12/0/0/1 b"));
  EXPECT_EQ(first.num_records, 2);
  EXPECT_EQ(input_->watermark(), 10);
  const Block marker = Read();
  EXPECT_EQ(marker.rows.num_rows(), 0);
  EXPECT_EQ(input_->watermark(), 20);
  EXPECT_EQ(input_->position().ordinal, 3);
  EXPECT_FALSE((*input_->Read(kNoLimit)).has_value());
}

TEST_F(ChannelInputTest, TheLastWatermarkEndsTheInput) {
  Commit(data::kMaxTime, {{{1, 0, 0, 0}, "a"}});
  EXPECT_TRUE(Read().end.ended);
  EXPECT_TRUE(input_->position().ended);
  Commit(data::kMaxTime, {{{2, 0, 0, 1}, "b"}});
  EXPECT_FALSE((*input_->Read(kNoLimit)).has_value());
}

TEST_F(ChannelInputTest, NothingBeyondTheLimitIsReadAndNothingIsLost) {
  Commit(1, {{{1, 0, 0, 0}, "a"}});
  Commit(2, {{{2, 0, 0, 1}, "b"}});
  ASSERT_TRUE((*input_->Read(2)).has_value());
  EXPECT_FALSE((*input_->Read(2)).has_value());
  EXPECT_EQ(input_->position().ordinal, 2);
  EXPECT_THAT(Texts(Read().rows), ElementsAre("2/0/0/1 b"));
}

TEST_F(ChannelInputTest, SeekingBackGivesTheSameBlocks) {
  Commit(1, {{{1, 0, 0, 0}, "a"}});
  Commit(2, {{{2, 0, 0, 1}, "b"}});
  Commit(3, {{{3, 0, 0, 2}, "c"}});
  Read();
  const InputPoint point = input_->position();
  const Block second = Read();
  Read();
  ASSERT_TRUE(input_->Seek(point).ok());
  EXPECT_EQ(input_->watermark(), 1);
  const Block again = Read();
  EXPECT_EQ(Texts(again.rows), Texts(second.rows));
  EXPECT_EQ(again.end, second.end);
}

TEST_F(ChannelInputTest, BytesThatAreNoRowsAreRefused) {
  Commit(1, {{{1, 0, 0, 0}, "a"}}, "more");
  const absl::Status status = input_->Read(kNoLimit).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find("topic[0] from lane 0, transaction 1"), absl::string_view::npos)
      << status;
}

// At once, before the producer commits on beyond the cut.
TEST_F(ChannelInputTest, APositionThatIsGoneIsRefusedWhenItIsSought) {
  Commit(1, {{{1, 0, 0, 0}, "a"}});
  EXPECT_TRUE(absl::IsDataLoss(input_->Seek({5, 1000, false, 0})));
}

}  // namespace
}  // namespace streamml::lane
