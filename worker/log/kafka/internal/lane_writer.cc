#include "worker/log/kafka/internal/lane_writer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/log/kafka/internal/frame.h"

namespace streamml::log::internal {

Graveyard::~Graveyard() {
  const MutexLock lock(mutex_);
  for (auto& [lane, thread] : threads_) thread.join();
}

void Graveyard::Bury(uint32_t lane, std::unique_ptr<Producer> producer) {
  WaitFor(lane);
  const MutexLock lock(mutex_);
  threads_[lane] = std::thread([dead = std::move(producer)]() mutable { dead.reset(); });
}

void Graveyard::WaitFor(uint32_t lane) {
  std::thread thread;
  {
    const MutexLock lock(mutex_);
    const auto found = threads_.find(lane);
    if (found == threads_.end()) return;
    thread = std::move(found->second);
    threads_.erase(found);
  }
  thread.join();
}

KafkaLaneWriter::~KafkaLaneWriter() {
  if (producer_ != nullptr) graveyard_.Bury(lane_, std::move(producer_));
}

absl::Status KafkaLaneWriter::Commit(const Transaction& transaction) {
  if (producer_ == nullptr) {
    return absl::FailedPreconditionError("an earlier transaction failed; open the lane again");
  }
  ASSIGN_OR_RETURN(const std::vector<OutMessage> messages, Messages(transaction));
  absl::Status status = producer_->Commit(messages);
  if (!status.ok()) {
    graveyard_.Bury(lane_, std::move(producer_));
    return status;
  }
  end_ = {transaction.sequence + 1, producer_->journal_offset() + 1};
  transport_.bell().Ring();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<OutMessage>> KafkaLaneWriter::Messages(const Transaction& transaction) {
  bytes_.clear();
  std::vector<OutMessage> messages;
  messages.reserve(transaction.frames.size() + transaction.records.size() + 1);
  for (const Frame& frame : transaction.frames) {
    const auto name = names_.topics.find(frame.topic);
    if (name == names_.topics.end()) {
      return absl::InternalError(absl::StrCat("topic '", frame.topic, "' is not in the log"));
    }
    AddPieces(frame, transaction, name->second, messages);
  }
  for (const OutRecord& record : transaction.records) {
    messages.push_back({.topic = record.topic,
                        .partition = record.has_key ? OutMessage::kByKey : record.partition,
                        .has_key = record.has_key,
                        .key = record.key,
                        .value = record.value,
                        .timestamp_ms = std::max<int64_t>(record.timestamp_us, 0) / 1000});
  }
  bytes_.push_back(EncodeJournal(transaction.sequence, transaction.journal));
  messages.push_back({.topic = &names_.journal,
                      .partition = static_cast<int32_t>(lane_),
                      .value = bytes_.back(),
                      .is_journal = true});
  return messages;
}

void KafkaLaneWriter::AddPieces(const Frame& frame, const Transaction& transaction,
                                const std::string& topic, std::vector<OutMessage>& messages) {
  WireFrame wire{lane_, transaction.sequence, transaction.watermark, frame.num_rows, {}};
  const size_t num_pieces = (frame.rows.size() + max_piece_bytes_ - 1) / max_piece_bytes_;
  wire.num_pieces = std::max<uint32_t>(1, static_cast<uint32_t>(num_pieces));
  for (; wire.piece < wire.num_pieces; ++wire.piece) {
    wire.rows =
        std::string_view(frame.rows).substr(wire.piece * max_piece_bytes_, max_piece_bytes_);
    bytes_.push_back(EncodeFrame(wire));
    messages.push_back({.topic = &topic,
                        .partition = static_cast<int32_t>(frame.partition),
                        .value = bytes_.back()});
  }
}

}  // namespace streamml::log::internal
