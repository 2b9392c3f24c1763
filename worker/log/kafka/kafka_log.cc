#include "worker/log/kafka/kafka_log.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/status.h"
#include "worker/log/kafka/internal/channels.h"
#include "worker/log/kafka/internal/frame.h"
#include "worker/log/kafka/internal/job_topics.h"
#include "worker/log/kafka/internal/kafka_transport.h"
#include "worker/log/kafka/internal/lane_writer.h"
#include "worker/log/kafka/internal/transport.h"

namespace streamml::log {
namespace {

using internal::InMessage;
using internal::MessageStream;
using internal::PartitionChannels;
using internal::Producer;
using internal::Transport;

// What is said where a topic of the job's own does not hold any more what it has to (I8).
absl::Status Lost(const absl::Status& status, std::string_view place) {
  if (!absl::IsDataLoss(status) && !absl::IsNotFound(status)) return status;
  return absl::DataLossError(
      absl::StrCat(place, ": ", std::string(status.message()),
                   "; this topic is the job's own, and what it held is gone; way out: start over "
                   "under another name (metadata.name or spec.identity)"));
}

class KafkaJournalReader final : public JournalReader {
 public:
  static constexpr uint64_t kAny = 0;  // of the first record
  KafkaJournalReader(Transport& transport, std::string name, uint32_t lane,
                     std::unique_ptr<MessageStream> stream, uint64_t first)
      : transport_(transport),
        name_(std::move(name)),
        lane_(lane),
        stream_(std::move(stream)),
        expected_(first) {}

  absl::StatusOr<std::optional<JournalEntry>> Next() override {
    absl::StatusOr<std::optional<InMessage>> next = stream_->Next();
    if (!next.ok()) return Lost(next.status(), Place());
    if (next->has_value()) return Decode(**next);
    if (stream_->at_end()) return std::nullopt;
    for (int waited = 0; waited < transport_.timeout_ms() && !transport_.gives_up();
         waited += kStepMs) {
      next = stream_->Wait(kStepMs);
      if (!next.ok()) return Lost(next.status(), Place());
      if (next->has_value()) return Decode(**next);
      if (stream_->at_end()) return std::nullopt;
    }
    return transport_.Explain(absl::UnavailableError(
        absl::StrCat("journal '", name_, "', partition ", lane_, ": no answer for ",
                     transport_.timeout_ms() / 1000, " s")));
  }

 private:
  static constexpr int kStepMs = 100;

  std::string Place() const {
    return absl::StrCat("journal '", name_, "', partition ", lane_, ", behind record ",
                        expected_ - std::min<uint64_t>(expected_, 1));
  }

  absl::StatusOr<std::optional<JournalEntry>> Decode(const InMessage& message) {
    auto wire = internal::DecodeJournal(message.value);
    const std::string place =
        absl::StrCat("journal '", name_, "', partition ", lane_, ", offset ", message.offset);
    if (!wire.ok()) return Annotate(wire.status(), place);
    if (expected_ == kAny) expected_ = wire->sequence;
    if (wire->sequence != expected_) {
      return absl::DataLossError(absl::StrCat(place, ": holds record ", wire->sequence,
                                              " where record ", expected_, " belongs"));
    }
    JournalEntry entry;
    entry.sequence = wire->sequence;
    entry.record = std::string(wire->record);
    entry.next = {wire->sequence + 1, message.offset + 1};
    ++expected_;
    return entry;
  }

  Transport& transport_;
  const std::string name_;
  const uint32_t lane_;
  std::unique_ptr<MessageStream> stream_;
  uint64_t expected_;
};

class KafkaChannelReader final : public ChannelReader {
 public:
  KafkaChannelReader(Transport& transport, std::shared_ptr<PartitionChannels> channels,
                     uint32_t producer)
      : transport_(transport), channels_(std::move(channels)), producer_(producer) {}
  absl::StatusOr<std::optional<FetchedFrame>> Next() override {
    absl::StatusOr<std::optional<FetchedFrame>> frame = channels_->Next(producer_);
    if (!frame.ok()) return Lost(frame.status(), absl::StrCat("rows of lane ", producer_));
    return frame;
  }
  bool Await(int attempt) override {
    if (attempt * kStepMs > transport_.timeout_ms()) return false;
    transport_.WaitForMessages(kStepMs);
    return true;
  }
  bool at_end() const override { return channels_->at_end(producer_); }
  std::optional<Backlog> backlog() const override { return channels_->backlog(producer_); }

 private:
  static constexpr int kStepMs = 10;
  Transport& transport_;
  std::shared_ptr<PartitionChannels> channels_;
  const uint32_t producer_;
};

class KafkaLog final : public Log {
 public:
  KafkaLog(std::unique_ptr<Transport> transport, const KafkaLogOptions& options,
           std::unique_ptr<internal::AgeWatch> age_watch)
      : transport_(std::move(transport)), options_(options), age_watch_(std::move(age_watch)) {
    names_.journal = KafkaTopicName(options, internal::kJournal);
    for (const InternalTopic& topic : options.topics) {
      names_.topics[topic.name] = KafkaTopicName(options, topic.name);
    }
  }

  absl::StatusOr<std::unique_ptr<LaneWriter>> OpenLane(uint32_t lane) override {
    RETURN_IF_ERROR(CheckLane(lane));
    graveyard_.WaitFor(lane);
    std::vector<std::string> topics = {names_.journal};
    for (const auto& [name, full] : names_.topics) topics.push_back(full);
    for (const SinkTopic& sink : options_.sinks) topics.push_back(sink.name);
    for (const std::string& name : options_.rejects) {
      topics.push_back(KafkaTopicName(options_, name));
    }
    ASSIGN_OR_RETURN(
        std::unique_ptr<Producer> producer,
        transport_->OpenProducer({KafkaTopicName(options_, absl::StrCat("lane-", lane)),
                                  options_.transaction_timeout_ms, std::move(topics),
                                  internal::MaxBatchBytes(options_), age_watch_.get()}));
    return std::make_unique<internal::KafkaLaneWriter>(
        *transport_, graveyard_, names_, internal::WriterSpec{lane, options_.max_piece_bytes},
        std::move(producer));
  }

  absl::StatusOr<std::unique_ptr<JournalReader>> OpenJournal(uint32_t lane,
                                                             const Position& start) override {
    RETURN_IF_ERROR(CheckLane(lane));
    const bool is_first = start == Position{};
    return ReadJournal(lane, is_first ? Transport::kFirstKept : start.bytes,
                       is_first ? KafkaJournalReader::kAny : start.sequence);
  }

  // What it looks at may be cut meanwhile.
  absl::StatusOr<std::optional<JournalEntry>> LastEntry(uint32_t lane) override {
    RETURN_IF_ERROR(CheckLane(lane));
    for (int attempt = 1;; ++attempt) {
      absl::StatusOr<std::optional<JournalEntry>> last = FindLast(lane);
      const bool is_cut = absl::IsOutOfRange(last.status()) || absl::IsDataLoss(last.status());
      if (!is_cut || attempt == kMaxLooks) return last;
    }
  }

  absl::Status Truncate(const Needs& needs) override {
    RETURN_IF_ERROR(CheckLane(needs.lane));
    std::map<std::pair<std::string, uint32_t>, uint64_t> needed;
    needed[{names_.journal, needs.lane}] = needs.journal.bytes;
    for (const Needs::Channel& channel : needs.channels) {
      const auto name = names_.topics.find(channel.id.topic);
      if (name == names_.topics.end()) {
        return absl::InternalError(
            absl::StrCat("topic '", channel.id.topic, "' is not in the log"));
      }
      const auto [entry, added] =
          needed.try_emplace({name->second, channel.id.partition}, channel.from.bytes);
      entry->second = std::min(entry->second, channel.from.bytes);
    }
    std::vector<internal::PartitionCut> cuts;
    for (const auto& [place, offset] : needed) {
      if (offset == 0 || offset == Needs::kNothing.bytes) continue;
      cuts.push_back({place.first, place.second, offset});
    }
    return transport_->DeleteBefore(cuts);
  }

  absl::StatusOr<std::unique_ptr<ChannelReader>> OpenChannel(const ChannelId& channel,
                                                             const Position& start) override {
    RETURN_IF_ERROR(CheckLane(channel.producer));
    const auto name = names_.topics.find(channel.topic);
    if (name == names_.topics.end()) {
      return absl::InternalError(absl::StrCat("topic '", channel.topic, "' is not in the log"));
    }
    std::shared_ptr<PartitionChannels> channels;
    {
      const MutexLock lock(mutex_);
      std::weak_ptr<PartitionChannels>& known =
          channels_[{channel.topic, channel.partition, channel.reader}];
      channels = known.lock();
      if (channels == nullptr) {
        channels = std::make_shared<PartitionChannels>(*transport_, name->second, channel.partition,
                                                       options_.max_waiting_bytes);
        known = channels;
      }
    }
    channels->Start(channel.producer, start);
    return std::make_unique<KafkaChannelReader>(*transport_, std::move(channels), channel.producer);
  }

  uint64_t version() const override { return transport_->bell().version(); }
  void WaitForCommit(uint64_t seen, int64_t timeout_us) override {
    transport_->bell().Wait(seen, timeout_us);
  }

 private:
  static constexpr uint64_t kFirstLook = 16;  // offsets before the end
  static constexpr int kMaxLooks = 3;

  absl::StatusOr<std::unique_ptr<JournalReader>> ReadJournal(uint32_t lane, uint64_t offset,
                                                             uint64_t first) {
    ASSIGN_OR_RETURN(std::unique_ptr<MessageStream> stream,
                     transport_->OpenStream(names_.journal, lane, offset));
    return std::make_unique<KafkaJournalReader>(*transport_, names_.journal, lane,
                                                std::move(stream), first);
  }

  // Behind it there may be marks of transactions, and messages of those that were aborted.
  absl::StatusOr<std::optional<JournalEntry>> FindLast(uint32_t lane) {
    ASSIGN_OR_RETURN(const internal::KeptOffsets kept,
                     transport_->FindOffsets(names_.journal, lane));
    const uint64_t num_kept = kept.end - std::min(kept.begin, kept.end);
    std::optional<JournalEntry> last;
    for (uint64_t back = kFirstLook; num_kept > 0; back *= 4) {
      const uint64_t from = back < num_kept ? kept.end - back : Transport::kFirstKept;
      ASSIGN_OR_RETURN(const std::unique_ptr<JournalReader> reader,
                       ReadJournal(lane, from, KafkaJournalReader::kAny));
      while (true) {
        ASSIGN_OR_RETURN(std::optional<JournalEntry> entry, reader->Next());
        if (!entry.has_value()) break;
        last = std::move(entry);
      }
      if (last.has_value() || back >= num_kept) break;
    }
    return last;
  }

  absl::Status CheckLane(uint32_t lane) const {
    if (lane < options_.num_lanes) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("log: lane ", lane, " of ", options_.num_lanes, " asked for"));
  }

  const std::unique_ptr<Transport> transport_;
  const KafkaLogOptions options_;
  const std::unique_ptr<internal::AgeWatch> age_watch_;
  internal::TopicNames names_;
  internal::Graveyard graveyard_;
  Mutex mutex_;
  std::map<std::tuple<std::string, uint32_t, uint32_t>, std::weak_ptr<PartitionChannels>> channels_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::string KafkaTopicName(const KafkaLogOptions& options, const std::string& name) {
  return OwnTopicName(options.owner, name);
}

absl::StatusOr<std::unique_ptr<Log>> OpenKafkaLog(KafkaCluster& cluster,
                                                  const KafkaLogOptions& options) {
  return internal::OpenLog(internal::MakeKafkaTransport(cluster.client()), options);
}

absl::StatusOr<std::unique_ptr<Log>> internal::OpenLog(std::unique_ptr<Transport> transport,
                                                       const KafkaLogOptions& options) {
  auto age_watch = std::make_unique<AgeWatch>(options.note);
  RETURN_IF_ERROR(MakeJobTopics(*transport, options, *age_watch));
  return std::make_unique<KafkaLog>(std::move(transport), options, std::move(age_watch));
}

}  // namespace streamml::log
