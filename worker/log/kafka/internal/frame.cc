#include "worker/log/kafka/internal/frame.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status.h"

namespace streamml::log::internal {
namespace {

constexpr uint32_t kFrameMagic = 0x31464D53;    // "SMF1": a whole frame
constexpr uint32_t kPieceMagic = 0x32464D53;    // "SMF2": a piece, with its number
constexpr uint32_t kJournalMagic = 0x314A4D53;  // "SMJ1"
constexpr size_t kHashBytes = 8;

// Ends a message with the hash of all before.
void Seal(std::string& message) { ByteWriter(message).U64(Hash64(message)); }

// The message without its hash.
absl::StatusOr<std::string_view> Unseal(std::string_view message, uint32_t magic) {
  if (message.size() < kHashBytes + sizeof magic) {
    return absl::DataLossError("the message is too short to be one of StreamML's");
  }
  const std::string_view body = message.substr(0, message.size() - kHashBytes);
  if (ByteReader(body).U32() != magic) {
    return absl::DataLossError("the message was not written by this version of StreamML");
  }
  if (ByteReader(message.substr(body.size())).U64() != Hash64(body)) {
    return absl::DataLossError("the message does not match its checksum");
  }
  return body.substr(sizeof magic);
}

}  // namespace

std::string EncodeFrame(const WireFrame& frame) {
  std::string message;
  message.reserve(frame.rows.size() + 48);
  const bool is_piece = frame.num_pieces > 1;
  ByteWriter writer(message);
  writer.U32(is_piece ? kPieceMagic : kFrameMagic);
  writer.U32(frame.producer);
  writer.U64(frame.sequence);
  writer.I64(frame.watermark);
  writer.U32(frame.num_rows);
  if (is_piece) {
    writer.U32(frame.piece);
    writer.U32(frame.num_pieces);
  }
  message.append(frame.rows);
  Seal(message);
  return message;
}

std::string EncodeJournal(uint64_t sequence, std::string_view record) {
  std::string message;
  ByteWriter writer(message);
  writer.U32(kJournalMagic);
  writer.U64(sequence);
  message.append(record);
  Seal(message);
  return message;
}

absl::StatusOr<WireFrame> DecodeFrame(std::string_view message) {
  const bool is_piece =
      message.size() >= sizeof kPieceMagic && ByteReader(message).U32() == kPieceMagic;
  ASSIGN_OR_RETURN(const std::string_view body,
                   Unseal(message, is_piece ? kPieceMagic : kFrameMagic));
  ByteReader reader(body);
  WireFrame frame;
  frame.producer = reader.U32();
  frame.sequence = reader.U64();
  frame.watermark = reader.I64();
  frame.num_rows = reader.U32();
  if (is_piece) {
    frame.piece = reader.U32();
    frame.num_pieces = reader.U32();
  }
  frame.rows = reader.Raw(reader.remaining());
  if (!reader.ok()) return absl::DataLossError("the message is cut");
  return frame;
}

absl::StatusOr<WireJournal> DecodeJournal(std::string_view message) {
  ASSIGN_OR_RETURN(const std::string_view body, Unseal(message, kJournalMagic));
  ByteReader reader(body);
  WireJournal journal;
  journal.sequence = reader.U64();
  journal.record = reader.Raw(reader.remaining());
  if (!reader.ok()) return absl::DataLossError("the message is cut");
  return journal;
}

}  // namespace streamml::log::internal
