// What a lane reads: files, and channels of internal topics, behind one face.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/data/batch.h"
#include "worker/log/backlog.h"
#include "worker/log/log.h"

namespace streamml::lane {

// A place in an input, and what must be known there to go on from it. For a file: ordinal and
// uncompressed byte of the next record; for a channel: sequence number and byte of the producer's
// next transaction.
struct InputPoint {
  uint64_t ordinal = 0;
  uint64_t bytes = 0;
  bool ended = false;
  // A file: greatest event time before the point, from which lateness is judged. A channel: its
  // watermark.
  int64_t time = data::kMinTime;
  friend bool operator==(const InputPoint&, const InputPoint&) = default;
};

// A record that could not become a row.
struct DeadRecord {
  uint64_t ordinal = 0;
  std::string json;  // the dead-letter line, without line end; empty when it is only to be counted
};

struct Block {
  data::Batch rows;              // good and on time
  data::Batch late;              // behind the input's own watermark
  std::vector<DeadRecord> dead;  // in order
  uint64_t num_records = 0;      // rows, late and dead
  InputPoint start;
  InputPoint end;
  int64_t watermark = data::kMinTime;  // at `end`
};

// Belongs to one lane. A pure function of its position: reading again from a point gives the same
// blocks, up to where they are cut.
class Input {
 public:
  virtual ~Input() = default;
  virtual const InputPoint& position() const = 0;
  // No later row is older; kMaxTime once ended; kMinTime while unknown or without event time.
  virtual int64_t watermark() const = 0;
  // Reads one block that ends at or before ordinal `limit`, or nothing while there is none. A file
  // cuts its blocks at fixed ordinals, so which blocks there are does not depend on when they are
  // read. An ended input gives nothing. After an error only Seek is of use.
  virtual absl::StatusOr<std::optional<Block>> Read(uint64_t limit) = 0;
  // Goes to a point that position() gave before, in this process or an earlier one.
  virtual absl::Status Seek(const InputPoint& point) = 0;
  // It has no end, and nothing to read now does not mean that nothing will come: whoever reads
  // several goes on with another one. Which one that was must then be journalled.
  virtual bool live() const { return false; }
  // How long it may have nothing before it no longer holds back time, by the clock of whoever runs
  // the lane; 0: for ever. Only live inputs.
  virtual int64_t idle_us() const { return 0; }
  // From here on the watermark is at least this. To be journalled with the position. Only live
  // inputs.
  virtual void Raise(int64_t /*watermark*/) {}
  // What was read up to its position is committed. For people's tools; nothing depends on it.
  virtual void NoteCommitted() {}
  // For who knows that there is more, because it was read before: waits a moment for it, as the
  // `attempt`-th time in a row, from 1. False: it is not on its way, or too long.
  virtual bool Await(int /*attempt*/) { return false; }
  // What is there and was not read: records of a topic of others, rows of a channel. Nullopt: not
  // known. Nothing that is computed may depend on it.
  virtual std::optional<log::Backlog> backlog() const { return std::nullopt; }
  // For messages: "payments[2] (data/b.jsonl)".
  virtual std::string name() const = 0;
};

inline constexpr uint64_t kNoLimit = UINT64_MAX;

// A channel of an internal topic whose rows have `schema`; event times and the watermark are given
// `lag_us` (>= 0) later than they are. The log must outlive it.
std::unique_ptr<Input> MakeChannelInput(log::Log& log, log::ChannelId channel,
                                        std::shared_ptr<const data::Schema> schema,
                                        int64_t lag_us = 0);

}  // namespace streamml::lane
