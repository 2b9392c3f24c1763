#include "worker/savepoint/internal/flight.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/status.h"
#include "worker/data/batch.h"
#include "worker/data/row_codec.h"

namespace streamml::savepoint {
namespace {

struct Kept {
  std::string rows;
  uint32_t num_rows = 0;
};

absl::StatusOr<Kept> Unfinished(const log::FetchedFrame& frame, const Flight& flight) {
  if (flight.schema == nullptr) return Kept{frame.rows, frame.num_rows};
  Kept kept;
  data::BatchBuilder builder(flight.schema);
  std::string_view rest = frame.rows;
  for (uint32_t row = 0; row < frame.num_rows; ++row) {
    const std::string_view before = rest;
    RETURN_IF_ERROR(data::DecodeRow(rest, *flight.schema, builder));
    if (builder.Finish().origin(0).time < flight.frontier) continue;
    kept.rows.append(before.substr(0, before.size() - rest.size()));
    ++kept.num_rows;
  }
  return kept;
}

// The next frame, or nullopt when all that was committed has been read.
absl::StatusOr<std::optional<log::FetchedFrame>> Next(log::ChannelReader& reader) {
  for (int attempt = 1;; ++attempt) {
    ASSIGN_OR_RETURN(std::optional<log::FetchedFrame> frame, reader.Next());
    if (frame.has_value() || reader.at_end()) return frame;
    if (!reader.Await(attempt)) {
      return absl::UnavailableError("the rows in flight do not come: brokers do not answer");
    }
  }
}

}  // namespace

absl::Status OutgoingRows::Add(const log::ChannelId& channel, std::string_view rows,
                               uint32_t num_rows) {
  if (num_rows == 0) return absl::OkStatus();
  lane_.set_rows_in_flight(lane_.rows_in_flight() + num_rows);
  if (frames_.empty() || frames_.back().topic != channel.topic ||
      frames_.back().partition != channel.partition) {
    frames_.push_back({channel.topic, channel.partition, 0, ""});
  }
  frames_.back().num_rows += num_rows;
  frames_.back().rows.append(rows);
  size_ += rows.size();
  return size_ < transaction_bytes_ ? absl::OkStatus() : Flush(data::kMinTime);
}

absl::Status OutgoingRows::Flush(int64_t watermark) {
  ASSIGN_OR_RETURN(*lane_.add_transactions(),
                   store_.Put(name_, EncodeTransaction(frames_, watermark)));
  frames_.clear();
  size_ = 0;
  return absl::OkStatus();
}

absl::Status OutgoingRows::Finish(const std::vector<log::Frame>& partitions, int64_t watermark) {
  for (const log::Frame& marker : partitions) {
    bool is_there = false;
    for (const log::Frame& frame : frames_) {
      is_there = is_there || (frame.topic == marker.topic && frame.partition == marker.partition);
    }
    if (!is_there) frames_.push_back(marker);
  }
  return Flush(watermark);
}

std::string EncodeTransaction(const std::vector<log::Frame>& frames, int64_t watermark) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.I64(watermark);
  writer.Varint(frames.size());
  for (const log::Frame& frame : frames) {
    writer.Text(frame.topic);
    writer.U32(frame.partition);
    writer.U32(frame.num_rows);
    writer.Text(frame.rows);
  }
  return bytes;
}

absl::StatusOr<log::Transaction> DecodeTransaction(std::string_view bytes) {
  log::Transaction transaction;
  ByteReader reader(bytes);
  transaction.watermark = reader.I64();
  const uint64_t num_frames = reader.Varint();
  for (uint64_t i = 0; i < num_frames && reader.ok(); ++i) {
    log::Frame& frame = transaction.frames.emplace_back();
    frame.topic = std::string(reader.Text());
    frame.partition = reader.U32();
    frame.num_rows = reader.U32();
    frame.rows = std::string(reader.Text());
  }
  if (reader.AtEnd()) return transaction;
  return absl::DataLossError("rows in flight are not such bytes");
}

absl::StatusOr<uint64_t> CopyRows(log::Log& log, const Flight& flight, OutgoingRows& out) {
  uint64_t num_read = 0;
  if (flight.from.sequence > flight.last) return num_read;
  ASSIGN_OR_RETURN(const std::unique_ptr<log::ChannelReader> reader,
                   log.OpenChannel(flight.channel, flight.from));
  while (true) {
    const absl::StatusOr<std::optional<log::FetchedFrame>> next = Next(*reader);
    if (absl::IsOutOfRange(next.status())) {
      return absl::UnavailableError(
          "rows in flight were removed before they were copied, because spec.replay.keep is "
          "shorter "
          "than the savepoint takes; take it again, or keep more");
    }
    RETURN_IF_ERROR(next.status());
    const std::optional<log::FetchedFrame>& frame = *next;
    if (!frame.has_value() || frame->sequence > flight.last) return num_read;
    ASSIGN_OR_RETURN(const Kept kept, Unfinished(*frame, flight));
    if (frame->sequence < flight.read_to) num_read += kept.num_rows;
    RETURN_IF_ERROR(out.Add(flight.channel, kept.rows, kept.num_rows));
  }
}

}  // namespace streamml::savepoint
