// What the workers of a simulated fleet share besides Kafka: a store of snapshots, and how long
// what was computed is to be replayable.
#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "tests/sim/kafka/model_kafka.h"
#include "tests/support/model_disk.h"
#include "worker/state/store/folder_store.h"

namespace streamml::sim {

// The time of the model, as a clock.
class ModelClock final : public Clock {
 public:
  explicit ModelClock(const ModelKafka& kafka) : kafka_(kafka) {}
  int64_t MonotonicMicroseconds() override { return kafka_.now_us(); }
  int64_t UtcMicroseconds() override { return kafka_.now_us(); }

 private:
  const ModelKafka& kafka_;
};

struct SharedStore {
  explicit SharedStore(const ModelKafka& kafka) : clock(kafka) {}
  ModelClock clock;
  int64_t keep_us = 0;  // 0: always, and then there is no store
  // Snapshots and uploads come often, and who stands by seldom looks: it is overtaken.
  bool is_hasty = false;
  support::ModelDisk disk;
  std::unique_ptr<state::ObjectStore> objects = state::MakeFolderStore(disk, "/shared");
};

}  // namespace streamml::sim
