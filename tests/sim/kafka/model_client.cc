#include "tests/sim/kafka/model_client.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"

namespace streamml::sim {
namespace {

using log::internal::InMessage;
using log::internal::OutMessage;

constexpr uint64_t kFirstKept = log::internal::Transport::kFirstKept;
constexpr int kTimeoutMs = 15'000;
constexpr int64_t kTimeoutUs = 15'000'000;
constexpr int64_t kRetryUs = 10'000;

absl::Status Gone() { return absl::CancelledError("the process is gone"); }
absl::Status TimedOut(std::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": timed out"));
}

absl::Status ToStatus(Answer answer, std::string_view what) {
  switch (answer) {
    case Answer::kOk:
      return absl::OkStatus();
    case Answer::kFenced:
      return absl::AbortedError(absl::StrCat(what, ": fenced"));
    case Answer::kInvalidState:
      return absl::UnavailableError(absl::StrCat(what, ": invalid transaction state"));
    case Answer::kTooLarge:
      return absl::InvalidArgumentError(absl::StrCat(what, ": message too large"));
    default:
      return TimedOut(what);
  }
}

// Asks again, as long as that may help.
template <typename Ask>
absl::Status Insist(ClientState& state, int64_t retry_us, std::string_view what, Ask ask) {
  const int64_t until = state.kafka->now_us() + kTimeoutUs;
  while (true) {
    if (state.dead) return Gone();
    const Answer answer = ask();
    if (answer != Answer::kRetry && answer != Answer::kUnreachable) return ToStatus(answer, what);
    if (state.kafka->now_us() >= until) return TimedOut(what);
    state.kafka->Advance(retry_us);
  }
}

class ModelProducer final : public log::internal::Producer {
 public:
  ModelProducer(std::shared_ptr<ClientState> state, std::string id,
                const ProducerIdentity& identity)
      : state_(std::move(state)), id_(std::move(id)), identity_(identity) {}

  absl::Status Commit(absl::Span<const OutMessage> messages) override {
    added_.clear();
    Point point = Point::kBeforeWrite;
    for (const OutMessage& message : messages) {
      if (!Pass(point)) return Gone();
      point = Point::kWriting;
      RETURN_IF_ERROR(Write(message));
    }
    if (!Pass(Point::kBeforeEnd)) return Gone();
    return End();
  }
  uint64_t journal_offset() const override { return journal_offset_; }

 private:
  ModelKafka& kafka() { return *state_->kafka; }
  bool Pass(Point point) {
    if (!state_->dead && !state_->pass(point, id_)) state_->dead = true;
    return !state_->dead;
  }

  absl::Status Write(const OutMessage& message) {
    const uint32_t num_partitions = kafka().NumPartitions(*message.topic);
    const uint32_t partition = message.partition == OutMessage::kByKey
                                   ? static_cast<uint32_t>(Hash64(message.key) % num_partitions)
                                   : static_cast<uint32_t>(message.partition);
    ModelKafka::Record record;
    record.has_key = message.has_key;
    record.key = std::string(message.key);
    record.value = std::string(message.value);
    record.timestamp_ms = message.timestamp_ms;
    uint64_t offset = 0;
    const bool added = added_.contains({*message.topic, partition});
    absl::Status status = added ? absl::OkStatus() : Insist(*state_, kRetryUs, "adding", [&] {
      return kafka().AddPartition(id_, identity_, *message.topic, partition);
    });
    added_.emplace(*message.topic, partition);
    if (status.ok())
      status = Insist(*state_, kRetryUs, "writing", [&] {
        return kafka().Write(id_, identity_, *message.topic, partition, record, offset);
      });
    if (absl::IsAborted(status)) kafka().Note("zombie's write refused");
    if (message.is_journal) journal_offset_ = offset;
    return status;
  }

  Answer EndNow() { return kafka().EndTransaction(id_, identity_, /*commit=*/true); }

  // The request is under way on its own. `ended` is told what came of it.
  void EndLater(int64_t delay_us) {
    kafka().Schedule(delay_us, [kafka = state_->kafka, id = id_, identity = identity_,
                                meant = kafka().OpenTransaction(id_)] {
      const int open = kafka->OpenTransaction(id);
      const Answer answer = kafka->EndTransaction(id, identity, /*commit=*/true);
      if (answer == Answer::kFenced) kafka->Note("late end request refused");
      if (answer != Answer::kOk || open == ModelKafka::kNoTransaction) return;
      kafka->Note(open == meant ? "late end request took effect"
                                : "late end request hit a later transaction");
    });
  }
  int64_t SomeDelay() { return state_->random->Between(50'000, kTimeoutUs); }

  absl::Status End() {
    const EndFate fate = state_->calm ? EndFate::kNormal : state_->end_fate();
    if (!Pass(Point::kEndSent)) {
      if (state_->random->OneIn(2)) EndLater(state_->random->Between(1'000, 3'000'000));
      return Gone();
    }
    switch (fate) {
      case EndFate::kLost:
        kafka().Note("end request lost");
        kafka().Advance(SomeDelay());
        return TimedOut("committing");
      case EndFate::kDelayed: {
        kafka().Note("end request delayed past the timeout");
        const int64_t given_up = state_->random->Between(50'000, 4'000'000);
        EndLater(given_up + state_->random->Between(1'000, 3'000'000));
        kafka().Advance(given_up);
        return TimedOut("committing");
      }
      case EndFate::kAnsweredLate:
        kafka().Note("end request late");
        kafka().Advance(state_->random->Between(50'000, 3'000'000));
        break;
      default:
        break;
    }
    absl::Status status = Insist(*state_, kRetryUs, "committing", [this] { return EndNow(); });
    if (fate == EndFate::kDuplicated) {
      kafka().Note("end request duplicated");
      (void)EndNow();
    }
    if (absl::IsAborted(status)) kafka().Note("zombie's commit refused");
    if (!Pass(Point::kEndTookEffect)) return Gone();
    if (fate == EndFate::kAnswerLost && status.ok()) {
      kafka().Note("answer to an end request lost");
      kafka().Advance(SomeDelay());
      return TimedOut("committing");
    }
    return status;
  }

  const std::shared_ptr<ClientState> state_;
  const std::string id_;
  const ProducerIdentity identity_;
  uint64_t journal_offset_ = 0;
  std::set<std::pair<std::string, uint32_t>> added_;  // to the transaction that is open
};

// Committed records of one partition, which are there a moment after they were asked for.
class Fetcher {
 public:
  Fetcher(std::shared_ptr<ClientState> state, std::string topic, uint32_t partition,
          uint64_t offset)
      : state_(std::move(state)),
        topic_(std::move(topic)),
        partition_(partition),
        offset_(offset) {}

  absl::StatusOr<const ModelKafka::Record*> Next() {
    if (state_->dead) return Gone();
    if (!state_->kafka->IsUp(topic_, partition_)) return nullptr;
    if (state_->random->OneIn(fresh_ ? 2 : 12)) return nullptr;
    fresh_ = false;
    const uint64_t begin = state_->kafka->Begin(topic_, partition_);
    if (offset_ == kFirstKept) offset_ = begin;
    if (offset_ < begin) {
      return absl::OutOfRangeError(
          absl::StrCat("offset ", offset_, " of topic '", topic_, "' is deleted, up to ", begin));
    }
    if (offset_ > state_->kafka->End(topic_, partition_)) {
      return absl::DataLossError(
          absl::StrCat("offset ", offset_, " of topic '", topic_, "' is out of range"));
    }
    const ModelKafka::Record* record = state_->kafka->Fetch(topic_, partition_, offset_);
    if (record != nullptr) {
      found_ = offset_;
      ++offset_;
    }
    return record;
  }
  bool at_end() const {
    uint64_t offset = offset_ == kFirstKept ? state_->kafka->Begin(topic_, partition_) : offset_;
    return state_->kafka->IsUp(topic_, partition_) &&
           state_->kafka->Fetch(topic_, partition_, offset) == nullptr;
  }
  void Seek(uint64_t offset) {
    if (offset < offset_) state_->kafka->Note("channel rewound");
    offset_ = offset;
    fresh_ = true;
  }
  uint64_t found() const { return found_; }  // offset of the last record
  ClientState& state() { return *state_; }
  // For who knows that there is more.
  bool Await(int attempt) {
    constexpr int kStepMs = 10;
    if (state_->dead || attempt * kStepMs > kTimeoutMs) return false;
    state_->kafka->Advance(int64_t{kStepMs} * 1000);
    return true;
  }

 private:
  const std::shared_ptr<ClientState> state_;
  const std::string topic_;
  const uint32_t partition_;
  uint64_t offset_;
  uint64_t found_ = 0;
  bool fresh_ = true;
};

class ModelStream final : public log::internal::MessageStream {
 public:
  explicit ModelStream(Fetcher fetcher) : fetcher_(std::move(fetcher)) {}
  absl::StatusOr<std::optional<InMessage>> Next() override {
    ASSIGN_OR_RETURN(const ModelKafka::Record* record, fetcher_.Next());
    if (record == nullptr) return std::nullopt;
    at_end_ = false;
    value_ = record->value;  // records move when others are written
    return InMessage{fetcher_.found(), value_};
  }
  absl::StatusOr<std::optional<InMessage>> Wait(int timeout_ms) override {
    ASSIGN_OR_RETURN(const std::optional<InMessage> message, Next());
    if (message.has_value()) return message;
    at_end_ = fetcher_.at_end();
    if (!at_end_) fetcher_.state().kafka->Advance(int64_t{timeout_ms} * 1000);
    return std::nullopt;
  }
  bool at_end() const override { return at_end_; }
  absl::Status Seek(uint64_t offset) override {
    fetcher_.Seek(offset);
    at_end_ = false;
    return absl::OkStatus();
  }

 private:
  Fetcher fetcher_;
  std::string value_;
  bool at_end_ = false;
};

class ModelTransport final : public log::internal::Transport {
 public:
  explicit ModelTransport(std::shared_ptr<ClientState> state) : state_(std::move(state)) {}

  absl::StatusOr<std::unique_ptr<log::internal::Producer>> OpenProducer(
      const log::internal::ProducerSpec& spec) override {
    ProducerIdentity identity;
    const std::string& id = spec.transactional_id;
    const int64_t retry_us = state_->random->OneIn(2) ? 500'000 : 40'000;
    RETURN_IF_ERROR(Insist(*state_, retry_us, "taking the id", [&] {
      return state_->kafka->InitProducer(id, spec.transaction_timeout_ms * 1000, identity);
    }));
    if (!state_->calm && state_->random->OneIn(30)) {
      state_->kafka->Note("answer to taking a lane lost");
      state_->kafka->Advance(kTimeoutUs);
      return TimedOut("taking the id");
    }
    return std::make_unique<ModelProducer>(state_, id, identity);
  }
  absl::StatusOr<std::unique_ptr<log::internal::MessageStream>> OpenStream(
      const std::string& topic, uint32_t partition, uint64_t offset) override {
    if (state_->dead) return Gone();
    return std::make_unique<ModelStream>(Fetcher(state_, topic, partition, offset));
  }
  absl::StatusOr<log::TopicDescription> Describe(const std::string& topic) override {
    if (state_->dead) return Gone();
    if (!state_->kafka->cluster_up()) return TimedOut("describing");
    const uint32_t num_partitions = state_->kafka->NumPartitions(topic);
    if (num_partitions == 0) return absl::NotFoundError(absl::StrCat("no topic '", topic, "'"));
    return log::TopicDescription{"model", absl::StrCat("id-of-", topic), num_partitions};
  }
  absl::StatusOr<int> CountBrokers() override { return 1; }
  absl::StatusOr<std::vector<std::string>> ReadSettings(
      const std::string&, const std::vector<std::string>& names) override {
    std::vector<std::string> values;
    for (const std::string& name : names) {
      const bool is_size = name == "max.message.bytes";
      values.emplace_back(name == "cleanup.policy" ? "delete" : is_size ? "16777216" : "-1");
    }
    return values;
  }
  absl::Status CreateTopic(const std::string& topic, uint32_t num_partitions, int,
                           const Settings&) override {
    if (state_->dead) return Gone();
    state_->kafka->CreateTopic(topic, num_partitions);
    return absl::OkStatus();
  }
  absl::StatusOr<log::internal::KeptOffsets> FindOffsets(const std::string& topic,
                                                         uint32_t partition) override {
    RETURN_IF_ERROR(Insist(*state_, kRetryUs, "asking for offsets", [&] {
      return state_->kafka->IsUp(topic, partition) ? Answer::kOk : Answer::kUnreachable;
    }));
    return log::internal::KeptOffsets{state_->kafka->Begin(topic, partition),
                                      state_->kafka->StableEnd(topic, partition)};
  }
  absl::Status DeleteBefore(const std::vector<log::internal::PartitionCut>& cuts) override {
    for (const log::internal::PartitionCut& cut : cuts) {
      if (!state_->calm && state_->random->OneIn(10)) {
        state_->kafka->Note("deletion of records cut off");
        return TimedOut("deleting");
      }
      RETURN_IF_ERROR(Insist(*state_, kRetryUs, "deleting", [&] {
        return state_->kafka->DeleteBefore(cut.topic, cut.partition, cut.before);
      }));
    }
    return absl::OkStatus();
  }
  log::CommitBell& bell() override { return bell_; }
  int timeout_ms() const override { return kTimeoutMs; }
  void WaitForMessages(int timeout_ms) override {
    state_->kafka->Advance(int64_t{timeout_ms} * 1000);
  }
  absl::Status Explain(const absl::Status& status) const override { return status; }

 private:
  const std::shared_ptr<ClientState> state_;
  log::CommitBell bell_;
};

class ModelTopicReader final : public log::TopicReader {
 public:
  explicit ModelTopicReader(Fetcher fetcher) : fetcher_(std::move(fetcher)) {}
  absl::StatusOr<absl::Span<const log::TopicRecord>> Next(size_t max_records) override {
    records_.clear();
    copies_.clear();
    const size_t most = std::min<size_t>(max_records, 1 + fetcher_.state().random->Below(20));
    copies_.reserve(most);
    while (records_.size() < most) {
      ASSIGN_OR_RETURN(const ModelKafka::Record* record, fetcher_.Next());
      if (record == nullptr) break;
      copies_.push_back(*record);
      copies_.back().value.append(64, '\0');  // parsers may look at bytes behind a record
      const ModelKafka::Record& copy = copies_.back();
      records_.push_back({fetcher_.found(), copy.timestamp_ms * 1000, copy.has_key, copy.has_value,
                          copy.key,
                          std::string_view(copy.value).substr(0, copy.value.size() - 64)});
    }
    return absl::MakeConstSpan(records_);
  }
  absl::Status Seek(uint64_t offset) override {
    fetcher_.Seek(offset == kBeginning ? 0 : offset);
    return absl::OkStatus();
  }
  bool Await(int attempt) override { return fetcher_.Await(attempt); }

 private:
  Fetcher fetcher_;
  std::vector<ModelKafka::Record> copies_;
  std::vector<log::TopicRecord> records_;
};

class ModelTopics final : public log::Topics {
 public:
  explicit ModelTopics(std::shared_ptr<ClientState> state)
      : state_(state), transport_(std::move(state)) {}
  absl::StatusOr<log::TopicDescription> Describe(const std::string& topic) override {
    return transport_.Describe(topic);
  }
  absl::StatusOr<std::unique_ptr<log::TopicReader>> Open(const std::string& topic,
                                                         uint32_t partition,
                                                         uint64_t offset) override {
    if (state_->dead) return Gone();
    const uint64_t start = offset == log::TopicReader::kBeginning ? 0 : offset;
    return std::make_unique<ModelTopicReader>(Fetcher(state_, topic, partition, start));
  }

 private:
  const std::shared_ptr<ClientState> state_;
  ModelTransport transport_;
};

}  // namespace

std::unique_ptr<log::internal::Transport> MakeModelTransport(std::shared_ptr<ClientState> state) {
  return std::make_unique<ModelTransport>(std::move(state));
}
std::unique_ptr<log::Topics> MakeModelTopics(std::shared_ptr<ClientState> state) {
  return std::make_unique<ModelTopics>(std::move(state));
}

}  // namespace streamml::sim
