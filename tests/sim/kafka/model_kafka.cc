#include "tests/sim/kafka/model_kafka.h"

#include <algorithm>
#include <utility>

namespace streamml::sim {

void ModelKafka::Schedule(int64_t delay_us, std::function<void()> what) {
  scheduled_[{now_us_ + delay_us, num_scheduled_++}] = std::move(what);
}

void ModelKafka::Advance(int64_t us) {
  const int64_t until = now_us_ + us;
  while (true) {
    const bool due = !scheduled_.empty() && scheduled_.begin()->first.first <= until;
    const int64_t event_us = due ? scheduled_.begin()->first.first : until + 1;
    if (next_cleanup_us_ <= std::min(until, event_us)) {
      now_us_ = std::max(now_us_, next_cleanup_us_);
      next_cleanup_us_ += kCleanupIntervalUs;
      AbortOld();
      continue;
    }
    if (!due) break;
    now_us_ = std::max(now_us_, event_us);
    const std::function<void()> what = std::move(scheduled_.begin()->second);
    scheduled_.erase(scheduled_.begin());
    what();
  }
  now_us_ = std::max(now_us_, until);
}

void ModelKafka::CreateTopic(const std::string& topic, uint32_t num_partitions) {
  topics_.try_emplace(topic, num_partitions);
}

uint32_t ModelKafka::NumPartitions(const std::string& topic) const {
  const auto found = topics_.find(topic);
  return found == topics_.end() ? 0 : static_cast<uint32_t>(found->second.size());
}

ModelKafka::Partition& ModelKafka::At(const std::string& topic, uint32_t partition) {
  return topics_.at(topic).at(partition);
}
const ModelKafka::Partition& ModelKafka::At(const std::string& topic, uint32_t partition) const {
  return topics_.at(topic).at(partition);
}

void ModelKafka::SetPartitionDown(const std::string& topic, uint32_t partition, int64_t for_us) {
  At(topic, partition).down_until = now_us_ + for_us;
}

void ModelKafka::EndOutages() {
  cluster_down_until_ = 0;
  for (auto& [name, partitions] : topics_) {
    for (Partition& partition : partitions) partition.down_until = 0;
  }
}

bool ModelKafka::IsUp(const std::string& topic, uint32_t partition) const {
  return cluster_up() && now_us_ >= At(topic, partition).down_until;
}

Answer ModelKafka::InitProducer(const std::string& id, int64_t timeout_us,
                                ProducerIdentity& identity) {
  if (!cluster_up()) return Answer::kUnreachable;
  const auto [entry, added] = coordinated_.try_emplace(id);
  Coordinated& known = entry->second;
  if (added) known.identity.id = coordinated_.size();
  known.timeout_us = timeout_us;
  if (known.transaction != kNoTransaction) {
    const State state = transactions_[static_cast<size_t>(known.transaction)].state;
    if (state == State::kOngoing) {  // whoever has it is fenced from now on
      ++known.identity.epoch;
      Prepare(known, /*commit=*/false);
    }
    if (state != State::kComplete) return Answer::kRetry;
  }
  ++known.identity.epoch;
  identity = known.identity;
  return Answer::kOk;
}

Answer ModelKafka::EndTransaction(const std::string& id, const ProducerIdentity& identity,
                                  bool commit) {
  if (!cluster_up()) return Answer::kUnreachable;
  Coordinated& known = coordinated_.at(id);
  if (known.identity.epoch != identity.epoch) return Answer::kFenced;
  if (known.transaction == kNoTransaction) return Answer::kInvalidState;
  const Transaction& transaction = transactions_[static_cast<size_t>(known.transaction)];
  if (transaction.state == State::kOngoing) {
    Prepare(known, commit);
    return Answer::kOk;
  }
  if (transaction.commit != commit) return Answer::kInvalidState;
  return transaction.state == State::kPrepared ? Answer::kRetry : Answer::kOk;
}

Answer ModelKafka::AddPartition(const std::string& id, const ProducerIdentity& identity,
                                const std::string& topic, uint32_t partition) {
  if (!IsUp(topic, partition)) return Answer::kUnreachable;
  Coordinated& known = coordinated_.at(id);
  if (known.identity.epoch != identity.epoch) return Answer::kFenced;
  const State last = known.transaction == kNoTransaction
                         ? State::kComplete
                         : transactions_[static_cast<size_t>(known.transaction)].state;
  if (last == State::kPrepared) return Answer::kRetry;
  if (last == State::kComplete) {
    known.transaction = static_cast<int>(transactions_.size());
    transactions_.push_back({.writer = id, .began_us = now_us_, .places = {}});
  }
  transactions_[static_cast<size_t>(known.transaction)].places.insert({topic, partition});
  At(topic, partition).open.try_emplace(known.transaction, End(topic, partition));
  return Answer::kOk;
}

Answer ModelKafka::Write(const std::string& id, const ProducerIdentity& identity,
                         const std::string& topic, uint32_t partition, Record record,
                         uint64_t& offset) {
  if (record.key.size() + record.value.size() > kMaxMessageBytes) return Answer::kTooLarge;
  if (!IsUp(topic, partition)) return Answer::kUnreachable;
  Partition& place = At(topic, partition);
  uint32_t& epoch = place.epochs[identity.id];
  if (epoch > identity.epoch) return Answer::kFenced;
  const auto open = std::find_if(place.open.begin(), place.open.end(), [&](const auto& entry) {
    return transactions_[static_cast<size_t>(entry.first)].writer == id;
  });
  // It was ended meanwhile, and the broker asks the coordinator.
  if (open == place.open.end()) return Answer::kInvalidState;
  epoch = identity.epoch;
  record.transaction = open->first;
  offset = AppendTo(place, std::move(record));
  return Answer::kOk;
}

int ModelKafka::OpenTransaction(const std::string& id) const {
  const auto found = coordinated_.find(id);
  if (found == coordinated_.end() || found->second.transaction == kNoTransaction) {
    return kNoTransaction;
  }
  const int last = found->second.transaction;
  return transactions_[static_cast<size_t>(last)].state == State::kOngoing ? last : kNoTransaction;
}

bool ModelKafka::HasOpenTransaction() const {
  return std::any_of(coordinated_.begin(), coordinated_.end(), [this](const auto& entry) {
    return OpenTransaction(entry.first) != kNoTransaction;
  });
}

uint64_t ModelKafka::AppendTo(Partition& partition, Record record) {
  record.order = num_records_++;
  partition.records.push_back(std::move(record));
  return partition.records.size() - 1;
}

// The decision is durable; partitions learn of it one after the other.
void ModelKafka::Prepare(Coordinated& entry, bool commit) {
  const int index = entry.transaction;
  Transaction& transaction = transactions_[static_cast<size_t>(index)];
  transaction.state = State::kPrepared;
  transaction.commit = commit;
  if (!commit) Note("transaction aborted");
  transaction.markers_left = transaction.places.size();
  for (const Place& place : transaction.places) {
    const int64_t delay =
        random_.OneIn(10) ? random_.Between(10'000, 300'000) : random_.Between(200, 8'000);
    Schedule(delay, [this, index, place, identity = entry.identity] {
      WriteMarker(index, place, identity);
    });
  }
}

void ModelKafka::WriteMarker(int transaction, const Place& place,
                             const ProducerIdentity& identity) {
  if (!IsUp(place.first, place.second)) {
    Schedule(20'000,
             [this, transaction, place, identity] { WriteMarker(transaction, place, identity); });
    return;
  }
  Transaction& ended = transactions_[static_cast<size_t>(transaction)];
  Partition& partition = At(place.first, place.second);
  Record marker;
  marker.kind = ended.commit ? Record::Kind::kCommit : Record::Kind::kAbort;
  marker.transaction = transaction;
  AppendTo(partition, std::move(marker));
  partition.open.erase(transaction);
  uint32_t& epoch = partition.epochs[identity.id];
  epoch = std::max(epoch, identity.epoch);
  if (--ended.markers_left == 0) ended.state = State::kComplete;
}

void ModelKafka::AbortOld() {
  for (auto& [id, entry] : coordinated_) {
    if (OpenTransaction(id) == kNoTransaction) continue;
    const Transaction& transaction = transactions_[static_cast<size_t>(entry.transaction)];
    if (transaction.began_us + entry.timeout_us > now_us_) continue;
    Note("transaction timed out");
    ++entry.identity.epoch;
    Prepare(entry, /*commit=*/false);
  }
}

void ModelKafka::Append(const std::string& topic, uint32_t partition, Record record) {
  AppendTo(At(topic, partition), std::move(record));
}

void ModelKafka::AppendTransaction(const std::string& topic, uint32_t partition,
                                   const std::vector<Record>& records, bool commit,
                                   int64_t open_us) {
  Note("gaps in a source");
  const auto index = static_cast<int>(transactions_.size());
  transactions_.push_back(
      {.writer = "others", .state = State::kPrepared, .commit = commit, .places = {}});
  Partition& place = At(topic, partition);
  place.open[index] = place.records.size();
  for (Record record : records) {
    record.transaction = index;
    AppendTo(place, std::move(record));
  }
  Schedule(open_us, [this, index, topic, partition, commit] {
    Partition& written = At(topic, partition);
    Record marker;
    marker.kind = commit ? Record::Kind::kCommit : Record::Kind::kAbort;
    marker.transaction = index;
    AppendTo(written, std::move(marker));
    written.open.erase(index);
    transactions_[static_cast<size_t>(index)].state = State::kComplete;
  });
}

const ModelKafka::Record* ModelKafka::Fetch(const std::string& topic, uint32_t partition,
                                            uint64_t& offset) const {
  const Partition& place = At(topic, partition);
  const uint64_t stable = StableEnd(topic, partition);
  for (; offset < stable; ++offset) {
    const Record& record = place.records[offset];
    if (record.kind != Record::Kind::kData) continue;
    if (record.transaction == kNoTransaction ||
        transactions_[static_cast<size_t>(record.transaction)].commit) {
      return &record;
    }
  }
  return nullptr;
}

Answer ModelKafka::DeleteBefore(const std::string& topic, uint32_t partition, uint64_t offset) {
  if (!IsUp(topic, partition)) return Answer::kUnreachable;
  Partition& place = At(topic, partition);
  if (offset > place.records.size()) return Answer::kInvalidState;
  if (offset > place.begin) Note("records deleted");
  place.begin = std::max(place.begin, offset);
  return Answer::kOk;
}

uint64_t ModelKafka::Begin(const std::string& topic, uint32_t partition) const {
  return At(topic, partition).begin;
}

uint64_t ModelKafka::StableEnd(const std::string& topic, uint32_t partition) const {
  const Partition& place = At(topic, partition);
  uint64_t stable = place.records.size();
  for (const auto& [transaction, first] : place.open) stable = std::min(stable, first);
  return stable;
}

uint64_t ModelKafka::End(const std::string& topic, uint32_t partition) const {
  return At(topic, partition).records.size();
}

const std::string& ModelKafka::WriterOf(const Record& record) const {
  static const std::string nobody;
  return record.transaction == kNoTransaction
             ? nobody
             : transactions_[static_cast<size_t>(record.transaction)].writer;
}

std::vector<std::string> ModelKafka::Topics() const {
  std::vector<std::string> names;
  for (const auto& [name, partitions] : topics_) names.push_back(name);
  return names;
}

}  // namespace streamml::sim
