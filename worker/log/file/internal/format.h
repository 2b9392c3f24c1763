// Bytes of a lane's file: segment header and transactions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/log/log.h"

namespace streamml::log::internal {

inline constexpr size_t kSegmentHeaderSize = 40;
inline constexpr size_t kCommitPrefixSize = 8;  // magic and header size
inline constexpr uint32_t kMinHeaderSize = 56;  // without frames
inline constexpr uint32_t kMaxHeaderSize = 16 << 20;
inline constexpr uint32_t kFormatVersion = 1;

struct SegmentHeader {
  uint32_t lane = 0;
  uint64_t base = 0;            // place of this segment's first byte in the lane's storage
  uint64_t first_sequence = 0;  // of the first transaction in it
};
std::string EncodeSegmentHeader(const SegmentHeader& header);
// nullopt when the bytes are not a whole, undamaged header of this build's version.
std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);
// The version of a whole, undamaged header, also of one that this build does not read: all versions
// begin with these 40 bytes, the last 8 a hash of those before.
std::optional<uint32_t> SegmentVersion(std::string_view bytes);

struct FrameEntry {
  std::string topic;
  uint32_t partition = 0;
  uint32_t num_rows = 0;
  uint32_t size = 0;
  uint64_t hash = 0;
};
struct CommitHeader {
  uint64_t sequence = 0;
  int64_t watermark = 0;
  uint64_t previous_hash = 0;  // of the header before it; 0 for the first
  uint32_t journal_size = 0;
  uint64_t journal_hash = 0;
  std::vector<FrameEntry> frames;
  // Not stored as such:
  uint32_t header_size = 0;
  uint64_t hash = 0;

  uint64_t body_size() const;
  uint64_t total_size() const { return header_size + body_size(); }
};

// As many bytes as the transaction's header may take, or a few more.
uint64_t HeaderSizeBound(const Transaction& transaction);
// Appends the whole transaction to `out` and returns the hash of its header, which must not be
// larger than kMaxHeaderSize.
uint64_t EncodeCommit(const Transaction& transaction, uint64_t sequence, uint64_t previous_hash,
                      std::string& out);
// Size of the header that starts with these bytes (at least kCommitPrefixSize), or nullopt.
std::optional<uint32_t> CommitHeaderSize(std::string_view prefix);
// nullopt when the bytes are not a whole, undamaged header.
std::optional<CommitHeader> DecodeCommitHeader(std::string_view bytes);

}  // namespace streamml::log::internal
