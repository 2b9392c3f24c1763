// The write end of one lane on Kafka: a transaction of its own transactional id for each commit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "worker/log/kafka/internal/transport.h"
#include "worker/log/log.h"

namespace streamml::log::internal {

// Ends producers in threads of their own, because that may take a second, and a lane must not be
// opened again before the one it had has ended. Thread-safe.
class Graveyard {
 public:
  ~Graveyard();
  void Bury(uint32_t lane, std::unique_ptr<Producer> producer);
  void WaitFor(uint32_t lane);

 private:
  Mutex mutex_;
  std::map<uint32_t, std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

// Full names of the job's topics.
struct TopicNames {
  std::string journal;
  std::map<std::string, std::string> topics;
};

struct WriterSpec {
  uint32_t lane = 0;
  size_t max_piece_bytes = 0;
};

// What it is made with must outlive it.
class KafkaLaneWriter final : public LaneWriter {
 public:
  KafkaLaneWriter(Transport& transport, Graveyard& graveyard, const TopicNames& names,
                  const WriterSpec& spec, std::unique_ptr<Producer> producer)
      : transport_(transport),
        graveyard_(graveyard),
        names_(names),
        lane_(spec.lane),
        max_piece_bytes_(spec.max_piece_bytes),
        producer_(std::move(producer)) {}
  ~KafkaLaneWriter() override;

  absl::Status Commit(const Transaction& transaction) override;
  Position end() const override { return end_; }

 private:
  absl::StatusOr<std::vector<OutMessage>> Messages(const Transaction& transaction);
  void AddPieces(const Frame& frame, const Transaction& transaction, const std::string& topic,
                 std::vector<OutMessage>& messages);

  Transport& transport_;
  Graveyard& graveyard_;
  const TopicNames& names_;
  const uint32_t lane_;
  const size_t max_piece_bytes_;
  std::unique_ptr<Producer> producer_;
  std::deque<std::string> bytes_;  // of the messages under way
  Position end_;
};

}  // namespace streamml::log::internal
