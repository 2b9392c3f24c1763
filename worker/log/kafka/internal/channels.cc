#include "worker/log/kafka/internal/channels.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::log::internal {

void PartitionChannels::DropPieces(Channel& channel) {
  waiting_bytes_ -= channel.pieces.rows.size();
  channel.bytes -= channel.pieces.rows.size();
  channel.pieces = {};
}

void PartitionChannels::Clear(Channel& channel) {
  DropPieces(channel);
  waiting_bytes_ -= channel.bytes;
  channel.bytes = 0;
  channel.rows = 0;
  channel.waiting.clear();
}

absl::Status PartitionChannels::Rewind(uint64_t offset) {
  if (stream_ == nullptr) {
    // Nothing was skipped yet: it begins where the first of all channels does.
    for (const auto& [producer, channel] : channels_) {
      if (channel.started) offset = std::min(offset, channel.next.bytes);
    }
    ASSIGN_OR_RETURN(stream_, transport_.OpenStream(topic_, partition_, offset));
  } else {
    RETURN_IF_ERROR(stream_->Seek(offset));
  }
  first_ = offset;
  offset_ = offset;
  rows_ = 0;
  for (auto& [producer, channel] : channels_) {
    if (!channel.started) {
      Clear(channel);
      channel.next = {1, offset};
      channel.skipped = false;
    } else if (channel.next.bytes >= offset) {
      channel.skipped = false;
    }
  }
  return absl::OkStatus();
}

void PartitionChannels::Start(uint32_t producer, const Position& start) {
  Channel& channel = channels_[producer];
  // What came before anyone asked for the channel serves as well, if nothing is missing.
  const bool usable =
      stream_ != nullptr && start.bytes >= first_ && !channel.skipped && !channel.started;
  channel.started = true;
  if (usable) {
    while (!channel.waiting.empty() && channel.waiting.front().frame.sequence < start.sequence) {
      const size_t bytes = channel.waiting.front().frame.rows.size();
      channel.bytes -= bytes;
      channel.rows -= channel.waiting.front().frame.num_rows;
      waiting_bytes_ -= bytes;
      channel.waiting.pop_front();
    }
    if (channel.pieces.sequence < start.sequence) DropPieces(channel);
    if (channel.waiting.empty()) channel.next = start;
    return;
  }
  Clear(channel);
  channel.next = start;
  channel.skipped = stream_ != nullptr && start.bytes < offset_;
}

absl::Status PartitionChannels::Accept(const InMessage& message) {
  const uint64_t offset = message.offset;
  offset_ = offset + 1;
  ASSIGN_OR_RETURN(const WireFrame wire, DecodeFrame(message.value));
  if (wire.piece == 0) rows_ += wire.num_rows;
  time_us_ = message.time_us;
  const auto [entry, added] = channels_.try_emplace(wire.producer);
  Channel& channel = entry->second;
  if (added) channel.next = {1, first_};
  if (channel.skipped || offset < channel.next.bytes) return absl::OkStatus();
  if (wire.sequence < channel.next.sequence) {
    return absl::DataLossError(absl::StrCat("lane ", wire.producer, " wrote transaction ",
                                            wire.sequence, " after transaction ",
                                            channel.next.sequence - 1));
  }
  if (wire.num_pieces > 1) return AcceptPiece(channel, wire, message);
  DropPieces(channel);
  AddWaiting(channel, {{wire.sequence,
                        wire.watermark,
                        wire.num_rows,
                        std::string(wire.rows),
                        {wire.sequence + 1, offset + 1},
                        message.time_us},
                       offset});
  return absl::OkStatus();
}

void PartitionChannels::AddWaiting(Channel& channel, Waiting waiting) {
  channel.next = waiting.frame.next;
  channel.rows += waiting.frame.num_rows;
  channel.bytes += waiting.frame.rows.size();
  waiting_bytes_ += waiting.frame.rows.size();
  channel.waiting.push_back(std::move(waiting));
}

absl::Status PartitionChannels::AcceptPiece(Channel& channel, const WireFrame& wire,
                                            const InMessage& message) {
  const uint64_t offset = message.offset;
  Pieces& pieces = channel.pieces;
  if (offset < pieces.next) return absl::OkStatus();  // read again for another channel
  if (wire.piece == 0) {
    DropPieces(channel);
    pieces.sequence = wire.sequence;
    pieces.offset = offset;
  } else if (pieces.num_read != wire.piece || pieces.sequence != wire.sequence) {
    // The stream began behind the first piece: who starts the channel later goes back for it.
    if (!channel.started && pieces.num_read == 0) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("lane ", wire.producer, " wrote piece ", wire.piece + 1,
                                            " of ", wire.num_pieces, " of transaction ",
                                            wire.sequence, " after piece ", pieces.num_read,
                                            " of transaction ", pieces.sequence));
  }
  ++pieces.num_read;
  pieces.next = offset + 1;
  pieces.rows.append(wire.rows);
  channel.bytes += wire.rows.size();
  waiting_bytes_ += wire.rows.size();
  if (pieces.num_read < wire.num_pieces) return absl::OkStatus();
  Waiting whole{{wire.sequence,
                 wire.watermark,
                 wire.num_rows,
                 pieces.rows,
                 {wire.sequence + 1, offset + 1},
                 message.time_us},
                pieces.offset};
  DropPieces(channel);
  AddWaiting(channel, std::move(whole));
  return absl::OkStatus();
}

bool PartitionChannels::MustKeep(uint32_t producer, uint32_t asked) const {
  return producer == asked || producer == rewound_for_;
}

// Lets go of what is furthest ahead; it is read again when its turn comes.
void PartitionChannels::MakeRoom(uint32_t asked) {
  const auto bytes = [this, asked](const auto& entry) {
    return MustKeep(entry.first, asked) ? 0 : entry.second.bytes;
  };
  while (waiting_bytes_ > max_waiting_bytes_) {
    const auto largest =
        std::max_element(channels_.begin(), channels_.end(),
                         [&bytes](const auto& a, const auto& b) { return bytes(a) < bytes(b); });
    Channel& channel = largest->second;
    if (bytes(*largest) == 0) return;
    if (!channel.waiting.empty()) {
      channel.next = {channel.waiting.front().frame.sequence, channel.waiting.front().offset};
    }
    // After a rewind for another channel the stream may still have it before itself: to go there at
    // once would pass by what others have to get.
    channel.skipped = channel.next.bytes < offset_;
    Clear(channel);
  }
}

absl::StatusOr<std::optional<FetchedFrame>> PartitionChannels::Next(uint32_t producer) {
  Channel& channel = channels_[producer];
  if (stream_ == nullptr || (channel.skipped && channel.waiting.empty())) {
    RETURN_IF_ERROR(Rewind(channel.next.bytes));
    rewound_for_ = producer;
  }
  while (channel.waiting.empty()) {
    ASSIGN_OR_RETURN(const std::optional<InMessage> message, stream_->Next());
    if (!message.has_value()) return std::nullopt;
    RETURN_IF_ERROR(
        Annotate(Accept(*message), absl::StrCat("partition ", partition_, " of topic '", topic_,
                                                "', offset ", message->offset)));
    MakeRoom(producer);
  }
  if (rewound_for_ == producer) rewound_for_.reset();
  FetchedFrame frame = std::move(channel.waiting.front().frame);
  channel.waiting.pop_front();
  channel.bytes -= frame.rows.size();
  channel.rows -= frame.num_rows;
  waiting_bytes_ -= frame.rows.size();
  return frame;
}

bool PartitionChannels::at_end(uint32_t producer) const {
  const auto found = channels_.find(producer);
  return stream_ != nullptr && stream_->has_passed_start() && found != channels_.end() &&
         !found->second.skipped && found->second.waiting.empty();
}

std::optional<Backlog> PartitionChannels::backlog(uint32_t producer) const {
  const auto found = channels_.find(producer);
  if (found == channels_.end() || stream_ == nullptr) return std::nullopt;
  const Channel& channel = found->second;
  const std::optional<uint64_t> unread = stream_->num_unread();
  if (!unread.has_value()) return std::nullopt;
  // What was dropped for want of room is read once more.
  const uint64_t again = channel.skipped ? offset_ - std::min(offset_, channel.next.bytes) : 0;
  Backlog backlog{channel.rows, 0};
  if (const uint64_t offsets = *unread + again; offsets > 0) {
    if (offset_ <= first_) return std::nullopt;  // nothing was read that would tell rows by offset
    const auto num_started =
        static_cast<double>(std::count_if(channels_.begin(), channels_.end(),
                                          [](const auto& entry) { return entry.second.started; }));
    const double rows_by_offset =
        static_cast<double>(rows_) / static_cast<double>(offset_ - first_);
    backlog.rows += static_cast<uint64_t>(
        std::ceil(static_cast<double>(offsets) * rows_by_offset / std::max(num_started, 1.0)));
  }
  if (backlog.rows > 0) {
    // What the stream still holds is not older than what it gave last.
    backlog.oldest_us = channel.waiting.empty() ? time_us_ : channel.waiting.front().frame.time_us;
  }
  return backlog;
}

}  // namespace streamml::log::internal
