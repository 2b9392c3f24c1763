#include "worker/log/kafka/kafka_log.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "worker/log/kafka/internal/channels.h"
#include "worker/log/kafka/internal/frame.h"
#include "worker/log/kafka/internal/kafka_transport.h"
#include "worker/log/kafka/internal/transport.h"

namespace streamml::log {
namespace {

using internal::InMessage;
using internal::MessageStream;
using internal::OutMessage;
using internal::PartitionChannels;
using internal::Producer;
using internal::Transport;

constexpr std::string_view kJournal = "journal";

using Settings = Transport::Settings;

struct TopicRules {
  Settings checked;        // what it has to have
  const char* timestamps;  // how it is made
};
const TopicRules& KeptWhole() {
  static const auto& rules = *new TopicRules{
      {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"retention.bytes", "-1"}},
      "CreateTime"};
  return rules;
}
// For a time that counts from writing: event times may be older than all that a cluster keeps.
const TopicRules& KeptForAWhile() {
  static const auto& rules = *new TopicRules{{{"cleanup.policy", "delete"}}, "LogAppendTime"};
  return rules;
}

// Ends producers in threads of their own, because that may take a second, and a lane must not be
// opened again before the one it had has ended. Thread-safe.
class Graveyard {
 public:
  ~Graveyard() {
    const MutexLock lock(mutex_);
    for (auto& [lane, thread] : threads_) thread.join();
  }
  void Bury(uint32_t lane, std::unique_ptr<Producer> producer) {
    WaitFor(lane);
    const MutexLock lock(mutex_);
    threads_[lane] = std::thread([dead = std::move(producer)]() mutable { dead.reset(); });
  }
  void WaitFor(uint32_t lane) {
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

 private:
  Mutex mutex_;
  std::map<uint32_t, std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

// Full names of the job's topics.
struct Names {
  std::string journal;
  std::map<std::string, std::string> topics;
};

class KafkaLaneWriter final : public LaneWriter {
 public:
  KafkaLaneWriter(Transport& transport, Graveyard& graveyard, const Names& names, uint32_t lane,
                  std::unique_ptr<Producer> producer)
      : transport_(transport),
        graveyard_(graveyard),
        names_(names),
        lane_(lane),
        producer_(std::move(producer)) {}
  ~KafkaLaneWriter() override {
    if (producer_ != nullptr) graveyard_.Bury(lane_, std::move(producer_));
  }

  absl::Status Commit(const Transaction& transaction) override {
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
  Position end() const override { return end_; }

 private:
  absl::StatusOr<std::vector<OutMessage>> Messages(const Transaction& transaction) {
    bytes_.clear();
    std::vector<OutMessage> messages;
    messages.reserve(transaction.frames.size() + transaction.records.size() + 1);
    for (const Frame& frame : transaction.frames) {
      const auto name = names_.topics.find(frame.topic);
      if (name == names_.topics.end()) {
        return absl::InternalError(absl::StrCat("topic '", frame.topic, "' is not in the log"));
      }
      bytes_.push_back(internal::EncodeFrame(
          {lane_, transaction.sequence, transaction.watermark, frame.num_rows, frame.rows}));
      messages.push_back({.topic = &name->second,
                          .partition = static_cast<int32_t>(frame.partition),
                          .value = bytes_.back()});
    }
    for (const OutRecord& record : transaction.records) {
      messages.push_back({.topic = record.topic,
                          .partition = record.has_key ? OutMessage::kByKey : record.partition,
                          .has_key = record.has_key,
                          .key = record.key,
                          .value = record.value,
                          .timestamp_ms = std::max<int64_t>(record.timestamp_us, 0) / 1000});
    }
    bytes_.push_back(internal::EncodeJournal(transaction.sequence, transaction.journal));
    messages.push_back({.topic = &names_.journal,
                        .partition = static_cast<int32_t>(lane_),
                        .value = bytes_.back(),
                        .is_journal = true});
    return messages;
  }

  Transport& transport_;
  Graveyard& graveyard_;
  const Names& names_;
  const uint32_t lane_;
  std::unique_ptr<Producer> producer_;
  std::deque<std::string> bytes_;  // of the messages under way
  Position end_;
};

class KafkaJournalReader final : public JournalReader {
 public:
  KafkaJournalReader(Transport& transport, std::string name, uint32_t lane,
                     std::unique_ptr<MessageStream> stream, const Position& start)
      : transport_(transport),
        name_(std::move(name)),
        lane_(lane),
        stream_(std::move(stream)),
        expected_(start.sequence) {}

  absl::StatusOr<std::optional<JournalEntry>> Next() override {
    ASSIGN_OR_RETURN(const std::optional<InMessage> next, stream_->Next());
    if (next.has_value()) return Decode(*next);
    if (stream_->at_end()) return std::nullopt;
    for (int waited = 0; waited < transport_.timeout_ms() && !transport_.gives_up();
         waited += kStepMs) {
      ASSIGN_OR_RETURN(const std::optional<InMessage> message, stream_->Wait(kStepMs));
      if (message.has_value()) return Decode(*message);
      if (stream_->at_end()) return std::nullopt;
    }
    return transport_.Explain(absl::UnavailableError(
        absl::StrCat("journal '", name_, "', partition ", lane_, ": no answer for ",
                     transport_.timeout_ms() / 1000, " s")));
  }

 private:
  static constexpr int kStepMs = 100;

  absl::StatusOr<std::optional<JournalEntry>> Decode(const InMessage& message) {
    auto wire = internal::DecodeJournal(message.value);
    const std::string place =
        absl::StrCat("journal '", name_, "', partition ", lane_, ", offset ", message.offset);
    if (!wire.ok()) return Annotate(wire.status(), place);
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
  absl::StatusOr<std::optional<FetchedFrame>> Next() override { return channels_->Next(producer_); }
  bool Await(int attempt) override {
    if (attempt * kStepMs > transport_.timeout_ms()) return false;
    transport_.WaitForMessages(kStepMs);
    return true;
  }
  std::optional<Backlog> backlog() const override { return channels_->backlog(producer_); }

 private:
  static constexpr int kStepMs = 10;
  Transport& transport_;
  std::shared_ptr<PartitionChannels> channels_;
  const uint32_t producer_;
};

class KafkaLog final : public Log {
 public:
  KafkaLog(std::unique_ptr<Transport> transport, const KafkaLogOptions& options)
      : transport_(std::move(transport)), options_(options) {
    names_.journal = KafkaTopicName(options, std::string(kJournal));
    for (const InternalTopic& topic : options.topics) {
      names_.topics[topic.name] = KafkaTopicName(options, topic.name);
    }
  }

  absl::Status MakeTopics() {
    RETURN_IF_ERROR(MakeTopic(names_.journal, options_.num_lanes, KeptWhole()));
    for (const InternalTopic& topic : options_.topics) {
      RETURN_IF_ERROR(MakeTopic(names_.topics[topic.name], topic.num_partitions, KeptWhole()));
    }
    for (const std::string& name : options_.rejects) {
      const absl::Status made = MakeTopic(KafkaTopicName(options_, name), 1, KeptForAWhile());
      // Nothing depends on them: who may not make topics can do without.
      if (!absl::IsNotFound(made) || options_.create) RETURN_IF_ERROR(made);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<LaneWriter>> OpenLane(uint32_t lane) override {
    RETURN_IF_ERROR(CheckLane(lane));
    graveyard_.WaitFor(lane);
    std::vector<std::string> topics = {names_.journal};
    for (const auto& [name, full] : names_.topics) topics.push_back(full);
    topics.insert(topics.end(), options_.sinks.begin(), options_.sinks.end());
    for (const std::string& name : options_.rejects) {
      topics.push_back(KafkaTopicName(options_, name));
    }
    ASSIGN_OR_RETURN(std::unique_ptr<Producer> producer,
                     transport_->OpenProducer(KafkaTopicName(options_, absl::StrCat("lane-", lane)),
                                              options_.transaction_timeout_ms, topics));
    return std::make_unique<KafkaLaneWriter>(*transport_, graveyard_, names_, lane,
                                             std::move(producer));
  }

  absl::StatusOr<std::unique_ptr<JournalReader>> OpenJournal(uint32_t lane,
                                                             const Position& start) override {
    RETURN_IF_ERROR(CheckLane(lane));
    const uint64_t offset = start.sequence == 1 ? 0 : start.bytes;
    ASSIGN_OR_RETURN(std::unique_ptr<MessageStream> stream,
                     transport_->OpenStream(names_.journal, lane, offset));
    return std::make_unique<KafkaJournalReader>(*transport_, names_.journal, lane,
                                                std::move(stream), start);
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
  absl::Status CheckLane(uint32_t lane) const {
    if (lane < options_.num_lanes) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("log: lane ", lane, " of ", options_.num_lanes, " asked for"));
  }

  absl::Status MakeTopic(const std::string& topic, uint32_t num_partitions,
                         const TopicRules& rules) {
    auto found = transport_->Describe(topic);
    if (absl::IsNotFound(found.status()) && options_.create) {
      ASSIGN_OR_RETURN(const int brokers, transport_->CountBrokers());
      const int replication =
          options_.replication > 0 ? options_.replication : std::clamp(brokers, 1, 3);
      Settings settings = rules.checked;
      settings.emplace_back("max.message.bytes", "16777216");
      settings.emplace_back("message.timestamp.type", rules.timestamps);
      settings.emplace_back("unclean.leader.election.enable", "false");
      settings.emplace_back("min.insync.replicas", replication >= 3 ? "2" : "1");
      RETURN_IF_ERROR(transport_->CreateTopic(topic, num_partitions, replication, settings));
      RETURN_IF_ERROR(AwaitTopic(topic, found));
    }
    if (!found.ok()) return found.status();
    if (found->num_partitions != num_partitions) {
      return absl::FailedPreconditionError(
          absl::StrCat("topic '", topic, "' has ", found->num_partitions,
                       " partitions and the job needs ", num_partitions,
                       "; another job or another revision of this one made it: give the job "
                       "another name, or delete its topics to start over"));
    }
    return CheckSettings(topic, rules.checked);
  }

  // A new topic is known to the brokers a moment after it was made.
  absl::Status AwaitTopic(const std::string& topic, absl::StatusOr<TopicDescription>& found) {
    for (int attempt = 0; attempt < kCreateAttempts; ++attempt) {
      found = transport_->Describe(topic);
      if (found.ok() && found->num_partitions > 0) return absl::OkStatus();
      std::this_thread::sleep_for(std::chrono::milliseconds(kCreateWaitMs));
    }
    return found.status();
  }

  absl::Status CheckSettings(const std::string& topic, const Settings& wanted) {
    std::vector<std::string> names;
    names.reserve(wanted.size());
    for (const auto& [name, value] : wanted) names.push_back(name);
    ASSIGN_OR_RETURN(const std::vector<std::string> values, transport_->ReadSettings(topic, names));
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] == wanted[i].second) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("topic '", topic, "': setting ", names[i], " is '", values[i],
                       "' and has to be '", wanted[i].second,
                       "', or brokers may delete what the job needs; set it with kafka-configs "
                       "--alter"));
    }
    return absl::OkStatus();
  }

  static constexpr int kCreateAttempts = 100;
  static constexpr int kCreateWaitMs = 50;

  const std::unique_ptr<Transport> transport_;
  const KafkaLogOptions options_;
  Names names_;
  Graveyard graveyard_;
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
  auto log = std::make_unique<KafkaLog>(std::move(transport), options);
  RETURN_IF_ERROR(log->MakeTopics());
  return log;
}

}  // namespace streamml::log
