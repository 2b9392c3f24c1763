// What a message of an internal topic and of the journal looks like. Little-endian; the version is
// part of the magic number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "worker/log/log.h"

namespace streamml::log::internal {

struct WireFrame {
  uint32_t producer = 0;
  uint64_t sequence = 0;
  int64_t watermark = 0;
  uint32_t num_rows = 0;  // of the whole frame
  std::string_view rows;  // of this piece
  // A frame in several messages: they stand in order, among those of others, in one transaction.
  uint32_t piece = 0;
  uint32_t num_pieces = 1;
};

// The message of one frame or of a piece of it, or of one journal record.
std::string EncodeFrame(const WireFrame& frame);
std::string EncodeJournal(uint64_t sequence, std::string_view record);

// DATA_LOSS without a place when the bytes are not what we wrote. Views point into `message`.
absl::StatusOr<WireFrame> DecodeFrame(std::string_view message);
struct WireJournal {
  uint64_t sequence = 0;
  std::string_view record;
};
absl::StatusOr<WireJournal> DecodeJournal(std::string_view message);

}  // namespace streamml::log::internal
