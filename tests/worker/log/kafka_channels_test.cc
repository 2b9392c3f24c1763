// The channels of one partition on Kafka, over a partition in memory.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "worker/log/kafka/internal/channels.h"
#include "worker/log/kafka/internal/frame.h"
#include "worker/log/kafka/internal/transport.h"

namespace streamml::log::internal {
namespace {

class FakeStream final : public MessageStream {
 public:
  FakeStream(const std::vector<std::string>& messages, uint64_t offset)
      : messages_(messages), offset_(offset) {}
  absl::StatusOr<std::optional<InMessage>> Next() override {
    if (std::exchange(has_sought_, false)) return std::nullopt;  // brokers are asked first
    if (offset_ >= messages_.size()) return std::nullopt;
    const uint64_t offset = offset_++;
    return InMessage{offset, messages_[offset], TimeOf(offset)};
  }
  static int64_t TimeOf(uint64_t offset) { return 1'000'000 + static_cast<int64_t>(offset); }
  std::optional<uint64_t> num_unread() const override { return messages_.size() - offset_; }
  absl::StatusOr<std::optional<InMessage>> Wait(int) override { return Next(); }
  bool at_end() const override { return offset_ >= messages_.size(); }
  absl::Status Seek(uint64_t offset) override {
    offset_ = offset;
    has_sought_ = true;
    return absl::OkStatus();
  }

 private:
  const std::vector<std::string>& messages_;
  uint64_t offset_;
  bool has_sought_ = false;
};

class FakeTransport final : public Transport {
 public:
  std::vector<std::string> messages;  // of the one partition, by offset

  absl::StatusOr<std::unique_ptr<Producer>> OpenProducer(const ProducerSpec&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::unique_ptr<MessageStream>> OpenStream(const std::string&, uint32_t,
                                                            uint64_t offset) override {
    return std::make_unique<FakeStream>(messages, offset);
  }
  absl::StatusOr<TopicDescription> Describe(const std::string&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<int> CountBrokers() override { return 1; }
  absl::StatusOr<std::vector<std::string>> ReadSettings(const std::string&,
                                                        const std::vector<std::string>&) override {
    return absl::UnimplementedError("");
  }
  absl::Status CreateTopic(const std::string&, uint32_t, int, const Settings&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<KeptOffsets> FindOffsets(const std::string&, uint32_t) override {
    return absl::UnimplementedError("");
  }
  absl::Status DeleteBefore(const std::vector<PartitionCut>&) override {
    return absl::UnimplementedError("");
  }
  CommitBell& bell() override { return bell_; }
  int timeout_ms() const override { return 0; }
  void WaitForMessages(int) override {}
  absl::Status Explain(const absl::Status& status) const override { return status; }

 private:
  CommitBell bell_;
};

class PartitionChannelsTest : public testing::Test {
 protected:
  // Two producers in turn: transactions 1, 2, ... of each.
  void SetUp() override {
    for (uint64_t sequence = 1; sequence <= kTransactions; ++sequence) {
      for (uint32_t producer = 0; producer < 2; ++producer) {
        transport_.messages.push_back(
            EncodeFrame({producer, sequence, 0, 1, std::string(kRowBytes, 'x')}));
      }
    }
  }
  static Position Before(uint32_t producer, uint64_t sequence) {
    return {sequence, 2 * (sequence - 1) + producer};
  }
  // Sequence numbers of all frames that the channel still gives.
  static std::vector<uint64_t> Rest(PartitionChannels& channels, uint32_t producer) {
    std::vector<uint64_t> sequences;
    for (int looks = 0; looks < 2;) {
      const auto frame = channels.Next(producer);
      EXPECT_TRUE(frame.ok()) << frame.status();
      if (!frame.ok()) return sequences;
      looks = frame->has_value() ? 0 : looks + 1;
      if (frame->has_value()) sequences.push_back((*frame)->sequence);
    }
    return sequences;
  }

  static constexpr uint64_t kTransactions = 6;
  static constexpr size_t kRowBytes = 100;
  FakeTransport transport_;
  const std::vector<uint64_t> from_2_ = {2, 3, 4, 5, 6};
  const std::vector<uint64_t> from_5_ = {5, 6};
};

// A recovery puts all inputs at their places before it reads the first.
TEST_F(PartitionChannelsTest, AChannelFurtherBehindLosesNothingWhenAnotherIsReadFirst) {
  PartitionChannels channels(transport_, "topic", 0, 1 << 20);
  channels.Start(0, Before(0, 2));
  channels.Start(1, Before(1, 5));
  EXPECT_EQ(Rest(channels, 1), from_5_);
  EXPECT_EQ(Rest(channels, 0), from_2_);
}

TEST_F(PartitionChannelsTest, AChannelThatIsStartedFurtherBehindLaterGivesAllOfIt) {
  PartitionChannels channels(transport_, "topic", 0, 1 << 20);
  channels.Start(1, Before(1, 5));
  EXPECT_EQ(Rest(channels, 1), from_5_);
  channels.Start(0, Before(0, 2));
  EXPECT_EQ(Rest(channels, 0), from_2_);
  EXPECT_EQ(Rest(channels, 1), std::vector<uint64_t>());
}

TEST_F(PartitionChannelsTest, WhatHasNoRoomIsReadAgain) {
  PartitionChannels channels(transport_, "topic", 0, 2 * kRowBytes);
  channels.Start(0, Before(0, 2));
  channels.Start(1, Before(1, 2));
  EXPECT_EQ(Rest(channels, 0), from_2_);
  EXPECT_EQ(Rest(channels, 1), from_2_);
}

// As a lane that answers on arrival asks: each in turn, whoever is behind.
TEST_F(PartitionChannelsTest, AChannelThatTheStreamWentBackForIsNotStarvedByOthers) {
  PartitionChannels channels(transport_, "topic", 0, 1);
  channels.Start(0, Before(0, 1));
  channels.Start(1, Before(1, 1));
  std::vector<uint64_t> given[2];
  for (int round = 0; round < 40; ++round) {
    for (const uint32_t producer : {0u, 1u}) {
      const auto frame = channels.Next(producer);
      ASSERT_TRUE(frame.ok()) << frame.status();
      if (frame->has_value()) given[producer].push_back((*frame)->sequence);
    }
  }
  const std::vector<uint64_t> all = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(given[0], all);
  EXPECT_EQ(given[1], all);
}

TEST_F(PartitionChannelsTest, TheBacklogIsWhatWaitsAndAShareOfWhatTheStreamHolds) {
  PartitionChannels channels(transport_, "topic", 0, 1 << 20);
  channels.Start(0, Before(0, 1));
  channels.Start(1, Before(1, 1));
  EXPECT_FALSE(channels.backlog(0).has_value()) << "nobody has asked the stream yet";
  // The second channel's frame makes the stream pass one of the first's.
  ASSERT_TRUE(channels.Next(1)->has_value());
  // Offset 0 waits; 10 frames of a row each are still to come, 5 for each.
  ASSERT_TRUE(channels.backlog(0).has_value());
  EXPECT_EQ(channels.backlog(0)->rows, 6u);
  EXPECT_EQ(channels.backlog(0)->oldest_us, FakeStream::TimeOf(0));
  EXPECT_EQ(channels.backlog(1)->rows, 5u);
  EXPECT_EQ(channels.backlog(1)->oldest_us, FakeStream::TimeOf(1)) << "of the last that was read";
  EXPECT_EQ(Rest(channels, 1).size(), 5u);
  EXPECT_EQ(channels.backlog(0)->rows, 6u) << "now they are counted";
  EXPECT_EQ(channels.backlog(1)->rows, 0u);
  EXPECT_EQ(channels.backlog(1)->oldest_us, 0);
  EXPECT_EQ(Rest(channels, 0).size(), 6u);
  EXPECT_EQ(channels.backlog(0)->rows, 0u);
}

TEST_F(PartitionChannelsTest, WhatWasDroppedForWantOfRoomIsInTheBacklog) {
  PartitionChannels channels(transport_, "topic", 0, 2 * kRowBytes);
  channels.Start(0, Before(0, 1));
  channels.Start(1, Before(1, 1));
  EXPECT_EQ(Rest(channels, 0).size(), 6u);
  EXPECT_GE(channels.backlog(1)->rows, 1u);
  EXPECT_EQ(Rest(channels, 1).size(), 6u);
  EXPECT_EQ(channels.backlog(1)->rows, 0u);
}

TEST_F(PartitionChannelsTest, AChannelStartedAgainGivesItsFramesAgain) {
  PartitionChannels channels(transport_, "topic", 0, 1 << 20);
  channels.Start(0, Before(0, 2));
  channels.Start(1, Before(1, 2));
  EXPECT_EQ(Rest(channels, 0), from_2_);
  channels.Start(0, Before(0, 5));
  EXPECT_EQ(Rest(channels, 0), from_5_);
  EXPECT_EQ(Rest(channels, 1), from_2_);
}

// Two producers whose frames are in three pieces each, the pieces of one among those of the other.
class PiecesTest : public PartitionChannelsTest {
 protected:
  static constexpr uint64_t kFrames = 4;
  static constexpr uint32_t kPieces = 3;
  void SetUp() override {
    for (uint64_t sequence = 1; sequence <= kFrames; ++sequence) {
      for (uint32_t piece = 0; piece < kPieces; ++piece) {
        for (uint32_t producer = 0; producer < 2; ++producer) {
          const std::string rows(kRowBytes, static_cast<char>('a' + piece));
          transport_.messages.push_back(
              EncodeFrame({producer, sequence, 0, 7, rows, piece, kPieces}));
        }
      }
    }
  }
  static Position Before(uint32_t producer, uint64_t sequence) {
    return {sequence, uint64_t{2} * kPieces * (sequence - 1) + producer};
  }
  // As Rest, and each frame is whole.
  static std::vector<uint64_t> Rest(PartitionChannels& channels, uint32_t producer) {
    std::vector<uint64_t> sequences;
    for (int looks = 0; looks < 2;) {
      const auto frame = channels.Next(producer);
      EXPECT_TRUE(frame.ok()) << frame.status();
      if (!frame.ok()) return sequences;
      looks = frame->has_value() ? 0 : looks + 1;
      if (!frame->has_value()) continue;
      sequences.push_back((*frame)->sequence);
      EXPECT_EQ((*frame)->num_rows, 7u);
      EXPECT_EQ((*frame)->rows, std::string(kRowBytes, 'a') + std::string(kRowBytes, 'b') +
                                    std::string(kRowBytes, 'c'));
      EXPECT_EQ((*frame)->next.bytes,
                Before(producer, (*frame)->sequence).bytes + uint64_t{2} * kPieces - 1);
    }
    return sequences;
  }
  const std::vector<uint64_t> all_ = {1, 2, 3, 4};
  const std::vector<uint64_t> from_3_ = {3, 4};
};

TEST_F(PiecesTest, AFrameInPiecesIsOneFrame) {
  PartitionChannels channels(transport_, "topic", 0, 1 << 20);
  channels.Start(0, Before(0, 1));
  channels.Start(1, Before(1, 1));
  EXPECT_EQ(Rest(channels, 0), all_);
  EXPECT_EQ(Rest(channels, 1), all_);
}

TEST_F(PiecesTest, AChannelThatIsStartedBehindItsFirstPieceGoesBackForIt) {
  PartitionChannels channels(transport_, "topic", 0, 1 << 20);
  channels.Start(1, Before(1, 3));  // the stream begins within frame 3 of the other
  EXPECT_EQ(Rest(channels, 1), from_3_);
  channels.Start(0, Before(0, 3));
  EXPECT_EQ(Rest(channels, 0), from_3_);
}

TEST_F(PiecesTest, PiecesThatHaveNoRoomAreReadAgain) {
  for (const size_t room : {kRowBytes / 2, kRowBytes, 2 * kRowBytes, 4 * kRowBytes}) {
    PartitionChannels channels(transport_, "topic", 0, room);
    channels.Start(0, Before(0, 1));
    channels.Start(1, Before(1, 1));
    EXPECT_EQ(Rest(channels, 0), all_) << room;
    EXPECT_EQ(Rest(channels, 1), all_) << room;
  }
}

TEST_F(PiecesTest, ThoseOfAnUnfinishedFrameWaitForTheRest) {
  const std::string last = transport_.messages.back();
  transport_.messages.pop_back();
  PartitionChannels channels(transport_, "topic", 0, 1 << 20);
  channels.Start(1, Before(1, 3));
  EXPECT_EQ(Rest(channels, 1), std::vector<uint64_t>({3}));
  channels.Start(0, Before(0, 1));  // goes back; what was read of the other is not read twice
  EXPECT_EQ(Rest(channels, 0), all_);
  transport_.messages.push_back(last);
  EXPECT_EQ(Rest(channels, 1), std::vector<uint64_t>({4}));
}

TEST_F(PiecesTest, GoingBackIntoAFrameDoesNotReadItsPiecesTwice) {
  const std::vector<std::string> rest(transport_.messages.end() - 2, transport_.messages.end());
  transport_.messages.resize(transport_.messages.size() - 2);
  // No room for two unfinished frames: that of channel 1 is let go.
  PartitionChannels channels(transport_, "topic", 0, 7 * kRowBytes / 2);
  channels.Start(0, Before(0, 4));
  EXPECT_EQ(Rest(channels, 0), std::vector<uint64_t>());
  channels.Start(1, Before(1, 4));
  EXPECT_EQ(Rest(channels, 1), std::vector<uint64_t>());  // behind the first piece of channel 0
  transport_.messages.insert(transport_.messages.end(), rest.begin(), rest.end());
  EXPECT_EQ(Rest(channels, 0), std::vector<uint64_t>({4}));
  EXPECT_EQ(Rest(channels, 1), std::vector<uint64_t>({4}));
}

TEST_F(PiecesTest, AMissingPieceIsDataLoss) {
  transport_.messages.erase(transport_.messages.begin() + 2);
  PartitionChannels channels(transport_, "topic", 0, 1 << 20);
  channels.Start(0, Before(0, 1));
  EXPECT_TRUE(absl::IsDataLoss(channels.Next(0).status()));
}

}  // namespace
}  // namespace streamml::log::internal
