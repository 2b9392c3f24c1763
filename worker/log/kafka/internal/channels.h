// The channels of one partition of an internal topic: one stream of messages, told apart by their
// producers.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/log/kafka/internal/frame.h"
#include "worker/log/kafka/internal/transport.h"
#include "worker/log/log.h"

namespace streamml::log::internal {

// One lane's thread at a time. What one channel is ahead of the others waits in memory up to a
// bound; beyond it, it is dropped and read again when its turn comes.
class PartitionChannels {
 public:
  PartitionChannels(Transport& transport, std::string topic, uint32_t partition,
                    size_t max_waiting_bytes)
      : transport_(transport),
        topic_(std::move(topic)),
        partition_(partition),
        max_waiting_bytes_(max_waiting_bytes) {}

  // (Re)starts the channel of a producer at a position.
  void Start(uint32_t producer, const Position& start);
  // The next frame of a started channel, or nullopt when it is not there yet. DATA_LOSS with the
  // place for a message that is not what a lane wrote.
  absl::StatusOr<std::optional<FetchedFrame>> Next(uint32_t producer);
  // Next() of it gave nothing, and nothing is still to come that was committed when its stream
  // began.
  bool at_end(uint32_t producer) const;
  // Rows of a started channel that were not given out: those that wait here, and its share of what
  // the stream still holds, judged by what it gave so far. Nullopt: not known.
  std::optional<Backlog> backlog(uint32_t producer) const;

 private:
  struct Waiting {
    FetchedFrame frame;
    uint64_t offset = 0;  // of its first message
  };
  // The beginning of a frame whose other messages are still to come.
  struct Pieces {
    uint32_t num_read = 0;
    uint64_t sequence = 0;
    uint64_t offset = 0;  // of the first
    uint64_t next = 0;    // of the message behind the last
    std::string rows;
  };
  struct Channel {
    // Frames before it were given out or wait; all from it on are still to come, unless `skipped`.
    Position next;
    std::deque<Waiting> waiting;
    Pieces pieces;
    size_t bytes = 0;      // of rows in `waiting` and `pieces`
    uint64_t rows = 0;     // in `waiting`
    bool started = false;  // frames of a channel that nobody asked for yet wait too
    bool skipped = false;  // the stream has passed frames from `next` on: it must go back for them
  };

  absl::Status Rewind(uint64_t offset);
  absl::Status Accept(const InMessage& message);
  absl::Status AcceptPiece(Channel& channel, const WireFrame& wire, const InMessage& message);
  void AddWaiting(Channel& channel, Waiting waiting);
  bool MustKeep(uint32_t producer, uint32_t asked) const;
  void MakeRoom(uint32_t asked);
  void DropPieces(Channel& channel);
  void Clear(Channel& channel);

  Transport& transport_;
  const std::string topic_;
  const uint32_t partition_;
  const size_t max_waiting_bytes_;
  std::unique_ptr<MessageStream> stream_;
  uint64_t first_ = 0;   // where the stream began
  uint64_t offset_ = 0;  // of its next message
  uint64_t rows_ = 0;    // that it has given since it began
  int64_t time_us_ = 0;  // when its last message was written; 0: not known
  std::map<uint32_t, Channel> channels_;
  size_t waiting_bytes_ = 0;
  // The stream went back for this producer, who has got nothing yet: what comes for it is not
  // dropped while others are served, or it would never get it.
  std::optional<uint32_t> rewound_for_;
};

}  // namespace streamml::log::internal
