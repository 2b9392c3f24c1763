#include "worker/log/file/internal/format.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace streamml::log::internal {
namespace {

constexpr uint64_t kSegmentMagic = 0x31474F4C4C4D5353;  // "SSMLLOG1"
constexpr uint32_t kCommitMagic = 0x31434D53;           // "SMC1"

}  // namespace

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.U64(kSegmentMagic);
  writer.U32(kFormatVersion);
  writer.U32(header.lane);
  writer.U64(header.base);
  writer.U64(header.first_sequence);
  writer.U64(Hash64(bytes));
  return bytes;
}

std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  if (SegmentVersion(bytes) != kFormatVersion) return std::nullopt;
  ByteReader reader(bytes.substr(sizeof kSegmentMagic + sizeof kFormatVersion));
  SegmentHeader header;
  header.lane = reader.U32();
  header.base = reader.U64();
  header.first_sequence = reader.U64();
  return header;
}

std::optional<uint32_t> SegmentVersion(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderSize) return std::nullopt;
  const std::string_view hashed = bytes.substr(0, kSegmentHeaderSize - sizeof(uint64_t));
  ByteReader hash(bytes.substr(hashed.size(), sizeof(uint64_t)));
  ByteReader reader(hashed);
  if (reader.U64() != kSegmentMagic || hash.U64() != Hash64(hashed)) return std::nullopt;
  return reader.U32();
}

uint64_t CommitHeader::body_size() const {
  uint64_t size = journal_size;
  for (const FrameEntry& frame : frames) size += frame.size;
  return size;
}

uint64_t HeaderSizeBound(const Transaction& transaction) {
  uint64_t size = kMinHeaderSize;
  for (const Frame& frame : transaction.frames)
    size += frame.topic.size() + 30;  // text and numbers
  return size;
}

uint64_t EncodeCommit(const Transaction& transaction, uint64_t sequence, uint64_t previous_hash,
                      std::string& out) {
  std::string table;
  ByteWriter entries(table);
  for (const Frame& frame : transaction.frames) {
    entries.Text(frame.topic);
    entries.U32(frame.partition);
    entries.U32(frame.num_rows);
    entries.U32(static_cast<uint32_t>(frame.rows.size()));
    entries.U64(Hash64(frame.rows));
  }
  std::string header;
  ByteWriter writer(header);
  writer.U32(kCommitMagic);
  writer.U32(0);  // the header's size, once known
  writer.U64(sequence);
  writer.I64(transaction.watermark);
  writer.U64(previous_hash);
  writer.U32(static_cast<uint32_t>(transaction.journal.size()));
  writer.U64(Hash64(transaction.journal));
  writer.U32(static_cast<uint32_t>(transaction.frames.size()));
  header += table;
  const auto header_size = static_cast<uint32_t>(header.size() + sizeof(uint64_t));
  std::memcpy(header.data() + sizeof(uint32_t), &header_size, sizeof header_size);
  const uint64_t hash = Hash64(header);
  writer.U64(hash);
  out += header;
  out += transaction.journal;
  for (const Frame& frame : transaction.frames) out += frame.rows;
  return hash;
}

std::optional<uint32_t> CommitHeaderSize(std::string_view prefix) {
  ByteReader reader(prefix);
  const uint32_t magic = reader.U32();
  const uint32_t size = reader.U32();
  if (!reader.ok() || magic != kCommitMagic || size < kMinHeaderSize || size > kMaxHeaderSize)
    return std::nullopt;
  return size;
}

std::optional<CommitHeader> DecodeCommitHeader(std::string_view bytes) {
  const std::optional<uint32_t> size = CommitHeaderSize(bytes);
  if (!size.has_value() || bytes.size() < *size) return std::nullopt;
  const std::string_view hashed = bytes.substr(0, *size - sizeof(uint64_t));
  CommitHeader header;
  header.header_size = *size;
  header.hash = ByteReader(bytes.substr(hashed.size(), sizeof(uint64_t))).U64();
  if (header.hash != Hash64(hashed)) return std::nullopt;
  ByteReader reader(hashed.substr(kCommitPrefixSize));
  header.sequence = reader.U64();
  header.watermark = reader.I64();
  header.previous_hash = reader.U64();
  header.journal_size = reader.U32();
  header.journal_hash = reader.U64();
  const uint32_t num_frames = reader.U32();
  for (uint32_t i = 0; i < num_frames && reader.ok(); ++i) {
    FrameEntry frame;
    frame.topic = std::string(reader.Text());
    frame.partition = reader.U32();
    frame.num_rows = reader.U32();
    frame.size = reader.U32();
    frame.hash = reader.U64();
    header.frames.push_back(std::move(frame));
  }
  if (!reader.AtEnd()) return std::nullopt;
  return header;
}

}  // namespace streamml::log::internal
