// A model of a Kafka cluster for the simulator: partitions, the transaction coordinator, markers,
// the last stable offset, and time. One thread; everything is a function of the seed and of what is
// asked.
//
// As Kafka 3.6 to 4.x serve a client without KIP-890 (librdkafka 2.8): an end request is checked by
// producer id and epoch only, so a stale one of the same epoch hits whatever transaction is open.
// Not modelled: writes that arrive late (brokers verify them), more than one replica, leader
// epochs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/random.h"

namespace streamml::sim {

enum class Answer : uint8_t {
  kOk,
  kUnreachable,   // no broker, or not the one that is needed
  kRetry,         // an earlier transaction of the id is still being completed
  kFenced,        // another one has taken the id, or the coordinator ended its transaction
  kInvalidState,  // no transaction to end
  kTooLarge,
};

struct ProducerIdentity {
  uint64_t id = 0;
  uint32_t epoch = 0;
};

class ModelKafka {
 public:
  static constexpr int64_t kCleanupIntervalUs = 10'000'000;  // between looks for old transactions
  static constexpr size_t kMaxMessageBytes = 16 << 20;
  static constexpr int kNoTransaction = -1;

  struct Record {
    enum class Kind : uint8_t { kData, kCommit, kAbort };
    Kind kind = Kind::kData;
    int transaction = kNoTransaction;
    uint64_t order = 0;  // among all records of all partitions, by time of writing
    bool has_key = false;
    bool has_value = true;
    std::string key;
    std::string value;
    int64_t timestamp_ms = 0;
  };

  ModelKafka(uint64_t seed, std::set<std::string>& events) : random_(seed), events_(events) {}

  int64_t now_us() const { return now_us_; }
  // Time passes: what falls due happens.
  void Advance(int64_t us);
  void Schedule(int64_t delay_us, std::function<void()> what);
  bool has_scheduled() const { return !scheduled_.empty(); }

  void CreateTopic(const std::string& topic, uint32_t num_partitions);
  // 0: there is none.
  uint32_t NumPartitions(const std::string& topic) const;

  void SetClusterDown(int64_t for_us) { cluster_down_until_ = now_us_ + for_us; }
  void SetPartitionDown(const std::string& topic, uint32_t partition, int64_t for_us);
  void EndOutages();
  bool cluster_up() const { return now_us_ >= cluster_down_until_; }
  bool IsUp(const std::string& topic, uint32_t partition) const;

  // Requests to the coordinator. Each happens now.
  Answer InitProducer(const std::string& id, int64_t timeout_us, ProducerIdentity& identity);
  Answer EndTransaction(const std::string& id, const ProducerIdentity& identity, bool commit);
  // Before the first write of a transaction to a partition; begins the transaction if need be.
  Answer AddPartition(const std::string& id, const ProducerIdentity& identity,
                      const std::string& topic, uint32_t partition);
  // A request to a partition's leader, which knows epochs by what was written there.
  Answer Write(const std::string& id, const ProducerIdentity& identity, const std::string& topic,
               uint32_t partition, Record record, uint64_t& offset);
  // The transaction that is open under the id, or kNoTransaction.
  int OpenTransaction(const std::string& id) const;
  bool HasOpenTransaction() const;

  // Others write: outside of any transaction, or in one of their own that is ended after `open_us`.
  void Append(const std::string& topic, uint32_t partition, Record record);
  void AppendTransaction(const std::string& topic, uint32_t partition,
                         const std::vector<Record>& records, bool commit, int64_t open_us);

  // The first committed record at or after `offset`, which moves to it; null when there is none
  // below the last stable offset.
  const Record* Fetch(const std::string& topic, uint32_t partition, uint64_t& offset) const;
  // Records before `offset` are deleted: clients do not get them any more. Those who audit do.
  Answer DeleteBefore(const std::string& topic, uint32_t partition, uint64_t offset);
  // The first record that is not deleted.
  uint64_t Begin(const std::string& topic, uint32_t partition) const;
  // Behind the last record before the first of a transaction that is open.
  uint64_t StableEnd(const std::string& topic, uint32_t partition) const;
  // One past the last record, committed or not.
  uint64_t End(const std::string& topic, uint32_t partition) const;
  // Transactional id that wrote a record.
  const std::string& WriterOf(const Record& record) const;
  std::vector<std::string> Topics() const;

  void Note(const char* event) { events_.insert(event); }

 private:
  struct Partition {
    std::vector<Record> records;
    std::map<int, uint64_t> open;         // transaction -> its first record here
    std::map<uint64_t, uint32_t> epochs;  // producer id -> highest epoch that wrote here
    int64_t down_until = 0;
    uint64_t begin = 0;
  };
  using Place = std::pair<std::string, uint32_t>;
  enum class State : uint8_t { kOngoing, kPrepared, kComplete };
  struct Transaction {
    std::string writer;
    State state = State::kOngoing;
    bool commit = false;
    int64_t began_us = 0;
    std::set<Place> places = {};
    size_t markers_left = 0;
  };
  struct Coordinated {
    ProducerIdentity identity;
    int64_t timeout_us = 0;
    int transaction = kNoTransaction;  // the last one
  };

  Partition& At(const std::string& topic, uint32_t partition);
  const Partition& At(const std::string& topic, uint32_t partition) const;
  void Prepare(Coordinated& entry, bool commit);
  void WriteMarker(int transaction, const Place& place, const ProducerIdentity& identity);
  void AbortOld();
  uint64_t AppendTo(Partition& partition, Record record);

  support::Random random_;
  std::set<std::string>& events_;
  int64_t now_us_ = 1;
  int64_t next_cleanup_us_ = kCleanupIntervalUs;
  int64_t cluster_down_until_ = 0;
  std::map<std::pair<int64_t, uint64_t>, std::function<void()>> scheduled_;
  uint64_t num_scheduled_ = 0;
  uint64_t num_records_ = 0;
  std::map<std::string, std::vector<Partition>> topics_;
  std::map<std::string, Coordinated> coordinated_;
  std::vector<Transaction> transactions_;
};

}  // namespace streamml::sim
