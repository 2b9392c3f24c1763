// The log: internal topics with partitions, and one journal per lane, written in transactions. It
// is the shuffle and the write-ahead log of a job. FileLog (worker/log/file) keeps it in a folder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/log/backlog.h"

namespace streamml::log {

// One writer's rows in one partition of an internal topic. Has its own order and watermark.
struct ChannelId {
  std::string topic;
  uint32_t partition = 0;
  uint32_t producer = 0;  // index of the producing lane
  // Index of the lane that reads. Channels of one partition that a lane reads are read together;
  // another lane's are apart from them, because it may be further or less far.
  uint32_t reader = 0;
  friend auto operator<=>(const ChannelId&, const ChannelId&) = default;
};

// A place between two transactions of a lane: the sequence number of the next one, counted from 1,
// and where it starts in the lane's storage: a byte of
// its files, or an offset of the partition it is read from.
struct Position {
  uint64_t sequence = 1;
  uint64_t bytes = 0;
  friend bool operator==(const Position&, const Position&) = default;
};

// Rows for one partition in one transaction. A frame without rows is a marker: it carries the
// watermark to readers of a partition for which there were none.
struct Frame {
  std::string topic;
  uint32_t partition = 0;
  uint32_t num_rows = 0;
  std::string rows;
};

// A record for a topic that is not the job's own, on the log's cluster. What it points to must stay
// as it is until the commit returns.
struct OutRecord {
  const std::string* topic = nullptr;
  int32_t partition = 0;  // without a key; with one, the key decides as in Kafka's own clients
  bool has_key = false;
  std::string_view key = {};
  std::string_view value = {};
  // Since 1970; 0, what is before, and what is later than the time of writing: the time of writing,
  // because brokers refuse what is more than an hour ahead of them.
  int64_t timestamp_us = 0;
};

struct Transaction {
  uint64_t sequence = 0;           // its number: one more than that of the lane's last, from 1
  int64_t watermark = 0;           // of the lane after this transaction: no later row is older
  std::vector<Frame> frames;       // at most one per (topic, partition)
  std::vector<OutRecord> records;  // a log in files has no place for them
  std::string journal;             // one record
};

struct FetchedFrame {
  uint64_t sequence = 0;
  int64_t watermark = 0;
  uint32_t num_rows = 0;
  std::string rows;
  Position next;        // after this transaction
  int64_t time_us = 0;  // when it was written, microseconds since 1970; 0: not known
};

struct JournalEntry {
  uint64_t sequence = 0;
  std::string record;
  Position next;
};

// What one lane still needs of the log: each place from which on all has to stay.
struct Needs {
  static constexpr Position kNothing{UINT64_MAX, UINT64_MAX};
  struct Channel {
    ChannelId id;
    Position from;
    // Lanes besides the reader that read the same partition. Their needs have to be in `from`,
    // because some logs can only be cut by partition.
    bool is_shared = false;
  };
  uint32_t lane = 0;
  Position journal;  // of its own
  std::vector<Channel> channels;
};

// The write end of one lane. One thread at a time.
class LaneWriter {
 public:
  virtual ~LaneWriter() = default;
  // All or nothing, durable when it returns OK, and only then visible to readers. After an error
  // the outcome is unknown and the writer refuses everything: open the lane again and read the
  // journal; for a log in files open the log anew, its lane is refused with the first error until
  // then. RESOURCE_EXHAUSTED when the disk is full; UNAVAILABLE when brokers cannot be reached
  // or gave up, which may pass; ABORTED when another owner has taken the lane; INVALID_ARGUMENT
  // when a row is larger than the brokers take, or the transaction than a log in files can hold.
  virtual absl::Status Commit(const Transaction& transaction) = 0;
  // Where the next transaction will stand; known after the first one.
  virtual Position end() const = 0;
};

// Both readers show committed transactions only, in order, each once. One thread at a time; must
// not outlive the log. DATA_LOSS, with the place, when stored bytes do not match their checksum;
// OUT_OF_RANGE when what is to be read next has been truncated.
class ChannelReader {
 public:
  virtual ~ChannelReader() = default;
  // The next frame of the channel, or nullopt when there is none yet.
  virtual absl::StatusOr<std::optional<FetchedFrame>> Next() = 0;
  // For who knows that there is a next one, because it was read before: waits a moment for it, as
  // the `attempt`-th time in a row, from 1. False: it is not on its way, or too long.
  virtual bool Await(int /*attempt*/) { return false; }
  // Next() gave nothing because all that was committed before the reader was opened has been given
  // out, and not because it has not come yet.
  virtual bool at_end() const { return true; }
  // Rows of the channel that Next() has not given out, as far as the log last told; where they are
  // not counted yet it is an estimate. Nullopt: not known.
  virtual std::optional<Backlog> backlog() const { return std::nullopt; }
};
class JournalReader {
 public:
  virtual ~JournalReader() = default;
  // Waits for all that was committed when the reader was opened; nullopt after that, until more has
  // come.
  virtual absl::StatusOr<std::optional<JournalEntry>> Next() = 0;
};

// Thread-safe, except as said on what it hands out.
class Log {
 public:
  virtual ~Log() = default;
  // At most one writer per lane at a time in this process. Whoever wrote the lane before is shut
  // out, so that the journal read afterwards is the whole of it.
  virtual absl::StatusOr<std::unique_ptr<LaneWriter>> OpenLane(uint32_t lane) = 0;
  // From `start`; by default from the lane's first transaction that is still kept, whatever its
  // number. Here or from the first Next(), for a `start` that is not kept: OUT_OF_RANGE.
  virtual absl::StatusOr<std::unique_ptr<JournalReader>> OpenJournal(uint32_t lane,
                                                                     const Position& start) = 0;
  absl::StatusOr<std::unique_ptr<JournalReader>> OpenJournal(uint32_t lane) {
    return OpenJournal(lane, Position{});
  }
  // From `start`. DATA_LOSS when the channel's lane has no such position: what stood there is gone.
  // OUT_OF_RANGE, here or from the first Next(), when it was truncated.
  virtual absl::StatusOr<std::unique_ptr<ChannelReader>> OpenChannel(const ChannelId& channel,
                                                                     const Position& start) = 0;
  // The lane's last committed journal record; nullopt while there is none.
  virtual absl::StatusOr<std::optional<JournalEntry>> LastEntry(uint32_t lane) = 0;
  // Removes what no lane needs any more, as far as this lane can say it, and may remove less: files
  // go whole, and only when all their readers have told. What is needed stays whatever happens
  // meanwhile: what is removed is a beginning, in order, and each step of it is durable before the
  // next, so that a crash leaves a log that opens. Readers that stand before what is left get
  // OUT_OF_RANGE. Needs never go back: what a later call names besides is not brought back. Any
  // thread; does not disturb writers. After an error it may be called again.
  virtual absl::Status Truncate(const Needs& needs) = 0;
  // A number that grows when there may be something new to read, and a wait until it differs from
  // `seen` or the time is over.
  virtual uint64_t version() const = 0;
  virtual void WaitForCommit(uint64_t seen, int64_t timeout_us) = 0;
};

}  // namespace streamml::log
