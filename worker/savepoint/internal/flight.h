// Rows in flight: what stood in a channel at the cut, between what its reader was done with and
// what its writer had written.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/streamml/savepoint/v1/savepoint.pb.h"
#include "worker/data/schema.h"
#include "worker/log/log.h"
#include "worker/savepoint/savepoint_store.h"

namespace streamml::savepoint {

// The transactions that one lane begins its next incarnation with. Used by one thread.
class OutgoingRows {
 public:
  // Objects of the savepoint `name` and what it holds of them are written into `lane`.
  OutgoingRows(SavepointStore& store, const std::string& name, size_t transaction_bytes,
               v1::Lane& lane)
      : store_(store), name_(name), transaction_bytes_(transaction_bytes), lane_(lane) {}

  // Rows of one partition in the order in which they are to come there.
  absl::Status Add(const log::ChannelId& channel, std::string_view rows, uint32_t num_rows);
  // The last transaction, with a frame for each of `partitions` and the lane's watermark: readers
  // know then how far all of it goes. There is always one.
  absl::Status Finish(const std::vector<log::Frame>& partitions, int64_t watermark);

 private:
  absl::Status Flush(int64_t watermark);

  SavepointStore& store_;
  const std::string& name_;
  const size_t transaction_bytes_;
  v1::Lane& lane_;
  std::vector<log::Frame> frames_;
  size_t size_ = 0;
};

// A transaction as an object's bytes.
std::string EncodeTransaction(const std::vector<log::Frame>& frames, int64_t watermark);
// DATA_LOSS for other bytes.
absl::StatusOr<log::Transaction> DecodeTransaction(std::string_view bytes);

// A channel as one or several readers left it.
struct Flight {
  log::ChannelId channel;
  log::Position from;    // the oldest transaction that a reader is not done with
  uint64_t last = 0;     // that the writer had written
  uint64_t read_to = 0;  // transactions before this one had been read, and their rows are held
  // Null: all rows count. Else only those that are not older than the frontier; the schema is
  // theirs.
  std::shared_ptr<const data::Schema> schema = nullptr;
  int64_t frontier = 0;
};

// Copies the rows; gives the number of those that had been read. UNAVAILABLE when they do not come;
// DATA_LOSS when they are not there any more.
absl::StatusOr<uint64_t> CopyRows(log::Log& log, const Flight& flight, OutgoingRows& out);

}  // namespace streamml::savepoint
