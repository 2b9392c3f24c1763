#include "tests/sim/kafka/topic_world.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "job/manifest/bind.h"
#include "job/manifest/manifest.h"
#include "tests/sim/kafka/model_client.h"
#include "worker/connectors/partitioner.h"

namespace streamml::sim {
namespace {

using support::Random;

constexpr int64_t kStart = 1'772'323'200'000;  // ms; any day will do
constexpr int64_t kGridMs = 500;
constexpr char kSource[] = "payments";

// Now and then not a row, or one that is late where the world has such.
ModelKafka::Record MakeRecord(Random& random, const std::vector<std::string>& cards,
                              int64_t time_ms, uint64_t number) {
  ModelKafka::Record record;
  record.timestamp_ms = time_ms;
  if (random.OneIn(60)) {
    record.value = "{\"id\": oops";
    return record;
  }
  if (random.OneIn(60)) {
    record.has_key = true;
    record.has_value = false;
    record.key = "gone";
    return record;
  }
  if (random.OneIn(20)) time_ms -= static_cast<int64_t>(random.Below(8)) * kGridMs;
  const std::string amount = random.OneIn(20) ? "null" : absl::StrCat(random.Below(90'000), ".25");
  const std::string& card = cards[random.Below(cards.size())];
  const bool fraud = random.OneIn(4);
  record.value =
      absl::StrCat("{\"id\":\"p", number, "\",\"card\":\"", card, "\",\"amount\":", amount,
                   ",\"at\":", time_ms, ",\"fraud\":", fraud ? "true}" : "false}");
  return record;
}

// The cards of a partition: all, or where cards decide the partition, as many that belong there.
std::vector<std::string> Cards(uint32_t partition, uint32_t num_partitions) {
  std::vector<std::string> cards;
  for (int i = 0; cards.size() < 7; ++i) {
    std::string card = absl::StrCat("c", i);
    const uint32_t place =
        connectors::PartitionOfKey(connectors::Partitioner::kMurmur2, card, num_partitions);
    if (place == partition) cards.push_back(std::move(card));
  }
  return cards;
}

// Shape of the job.
struct Shape {
  uint32_t lanes = 1;
  uint32_t partitions = 1;  // of internal topics
  std::string train;
  bool keyed = false;
  bool rejects = false;  // bad records are kept, and rows can be late
  bool large = false;    // some scores are larger than their sink takes
  std::string emit;      // of the view
  bool by_card = false;  // the source's partitions
};

std::string Manifest(const Shape& shape) {
  return absl::StrCat(
      R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: sim}
spec:
  clusters:
  - {name: main, kafka: {brokers: "model:9092"}}
  log: {cluster: main, partitions: )",
      shape.partitions, R"(}
  sources:
  - name: payments
    topic: payments
    cluster: main
    format: json
    columns:
    - {name: id, type: text}
    - {name: card, type: text}
    - {name: amount, type: double precision}
    - {name: at, type: timestamp, unit: ms}
    - {name: fraud, type: boolean}
    watermark: {column: at, delay: )",
      shape.rejects ? "2s}" : "5s}\n    onError: {policy: skip}",
      shape.by_card ? "\n    partitionedBy: {columns: [card], partitioner: murmur2}" : "",
      R"(
  views:
  - name: features
    emit: )",
      shape.emit, R"(
    sql: |
      SELECT id, card, at, amount, fraud, count(*) OVER w AS recent, sum(amount) OVER w AS total,
             100 / (count(*) OVER w - 5) AS share
      FROM payments WHERE amount IS NULL OR amount < 80000
      WINDOW w AS (PARTITION BY card ORDER BY at RANGE INTERVAL '20 seconds' PRECEDING)
  models:
  - name: risk
    score: features
    train: {from: features, label: fraud, )",
      shape.train, R"(}
    features: {numeric: [amount, recent, total], scale: standard, categorical: [{columns: [card]}], hashBits: 6}
    learner: {name: ftrl, parameters: {alpha: 0.1}}
    metrics: [logloss, accuracy]
  sinks:
  - {name: scores, from: risk, cluster: main, topic: scores, format: json)",
      shape.keyed ? ", key: [card]" : "", shape.large ? ", maxRecordBytes: 172" : "", R"(}
  - {name: windows, sql: "SELECT id, card, recent, total FROM features WHERE recent > 1", cluster: main, topic: windows, format: json}
  workers: {lanes: )",
      shape.lanes, "}\n");
}

}  // namespace

const std::vector<std::string>& TopicWorld::sinks() {
  static const std::vector<std::string> names = {"scores",
                                                 "windows",
                                                 "streamml.sim.1.payments.dead",
                                                 "streamml.sim.1.payments.late",
                                                 "streamml.sim.1.features.dead",
                                                 "streamml.sim.1.scores.dead"};
  return names;
}

void TopicWorld::MakePartition(Random& random, uint32_t partition, uint64_t num_rows) {
  int64_t time = kStart + static_cast<int64_t>(random.Below(60)) * kGridMs;
  int64_t at_us = static_cast<int64_t>(random.Below(1'000'000));
  const std::vector<std::string> cards = by_card_ ? Cards(partition, num_partitions_) : Cards(0, 1);
  const int64_t pace_us = random.Between(5'000, 150'000);  // partitions differ in speed
  for (uint64_t row = 0; row < num_rows;) {
    Arrival arrival;
    arrival.partition = partition;
    arrival.at_us = at_us;
    if (random.OneIn(3)) {
      arrival.open_us = random.Between(100, 200'000);
      arrival.commit = !random.OneIn(4);
    }
    const uint64_t size = 1 + random.Below(30);
    for (uint64_t i = 0; i < size; ++i) {
      if (!random.OneIn(3)) time += static_cast<int64_t>(random.Below(4)) * kGridMs;
      arrival.records.push_back(MakeRecord(random, cards, time, number_++));
    }
    if (arrival.commit) {
      row += size;
      num_committed_ += size;
    }
    at_us += std::max<int64_t>(arrival.open_us, 0) + 1 + random.Between(0, pace_us);
    arrivals_.push_back(std::move(arrival));
  }
  // Last rows far ahead, so that the watermark lets all others pass; one after the other, so that
  // some come when it stands where they do.
  for (uint64_t i = 1 + random.Below(4); i > 0; --i) {
    Arrival last;
    last.partition = partition;
    last.at_us = at_us;
    last.records.push_back(MakeRecord(random, cards, kStart, number_));
    ModelKafka::Record& record = last.records.front();
    record.has_key = false;
    record.has_value = true;
    record.value = absl::StrCat(
        "{\"id\":\"last", number_++, "\",\"card\":\"", cards[random.Below(cards.size())],
        "\",\"amount\":1,\"at\":", kStart + 100'000'000, ",\"fraud\":false}");
    ++num_committed_;
    at_us += random.Between(1, 300'000);
    arrivals_.push_back(std::move(last));
  }
}

void TopicWorld::Begin(ModelKafka& kafka) const {
  kafka.CreateTopic(kSource, num_partitions_);
  for (const char* sink : {"scores", "windows"}) kafka.CreateTopic(sink, num_sink_partitions_);
  for (const Arrival& arrival : arrivals_) {
    kafka.Schedule(arrival.at_us, [&kafka, &arrival] {
      if (arrival.open_us >= 0) {
        kafka.AppendTransaction(kSource, arrival.partition, arrival.records, arrival.commit,
                                arrival.open_us);
        return;
      }
      for (const ModelKafka::Record& record : arrival.records) {
        kafka.Append(kSource, arrival.partition, record);
      }
    });
  }
}

plan::JobPlan TopicWorld::PlanFor(log::Topics& topics) const {
  plan::JobPlan plan = plan_;
  plan.topics = [&topics](const std::string&) -> absl::StatusOr<log::Topics*> { return &topics; };
  return plan;
}

log::KafkaLogOptions TopicWorld::LogOptions() const {
  log::KafkaLogOptions options;
  options.owner = plan_.owner;
  options.rejects = plan_.reject_topics;
  options.num_lanes = static_cast<uint32_t>(plan_.lanes.size());
  options.max_waiting_bytes = max_waiting_bytes_;
  options.max_piece_bytes = max_piece_bytes_;
  for (const plan::StagePlan& stage : plan_.stages) {
    for (const lane::TopicOutput& topic : stage.spec->topics) {
      options.topics.push_back({topic.topic, topic.num_partitions});
    }
  }
  return options;
}

absl::StatusOr<std::unique_ptr<TopicWorld>> TopicWorld::Make(uint64_t seed, uint64_t num_rows) {
  std::unique_ptr<TopicWorld> world(new TopicWorld);
  Random random(seed * 2);
  world->num_partitions_ = static_cast<uint32_t>(1 + random.Below(3));
  world->num_sink_partitions_ = static_cast<uint32_t>(1 + random.Below(3));
  world->by_card_ = random.OneIn(4);
  constexpr size_t kWaiting[] = {1, 600, 5'000, 64 << 20};
  world->max_waiting_bytes_ = kWaiting[random.Below(4)];
  world->max_piece_bytes_ = random.OneIn(3) ? 100 + random.Below(400) : 768 << 10;
  for (uint32_t i = 0; i < world->num_partitions_; ++i) {
    world->MakePartition(random, i, num_rows / world->num_partitions_ + random.Below(40));
  }
  Shape shape;
  shape.lanes = static_cast<uint32_t>(1 + random.Below(3));
  shape.partitions = static_cast<uint32_t>(2 + random.Below(4));
  shape.keyed = random.OneIn(2);
  // What a lane rejects of several partitions has no order of its own, and could not be compared.
  shape.rejects = shape.lanes >= world->num_partitions_ && !random.OneIn(4);
  // Mostly in event time, so that scores do not depend on who was faster.
  const bool apart = !random.OneIn(2);
  world->in_event_order_ = !random.OneIn(4);
  shape.emit = world->in_event_order_ || random.OneIn(4) ? "watermark" : "arrival";
  const bool asap = !world->in_event_order_ && (apart || shape.emit == "watermark");
  shape.train =
      asap    ? "mode: async, adopt: {policy: asap, every: 1s}"
      : apart ? absl::StrCat("mode: async, adopt: {policy: eventTime, every: ", 1 + random.Below(4),
                             "s, lag: ", 1 + random.Below(6), "s}")
              : "mode: inline";
  shape.large = random.OneIn(4);
  shape.by_card = world->by_card_;
  ASSIGN_OR_RETURN(const manifest::Manifest manifest, manifest::Parse(Manifest(shape), "sim.yaml"));
  // Only to be asked for the topics.
  std::set<std::string> events;
  ModelKafka kafka(seed, events);
  world->Begin(kafka);
  auto state = std::make_shared<ClientState>();
  state->kafka = &kafka;
  state->random = &random;
  const std::unique_ptr<log::Topics> topics = MakeModelTopics(state);
  ASSIGN_OR_RETURN(world->plan_,
                   plan::MakePlan(manifest, {}, plan::FileAccess(),
                                  [&topics](const std::string&) -> absl::StatusOr<log::Topics*> {
                                    return topics.get();
                                  }));
  world->plan_.topics = nullptr;
  return world;
}

}  // namespace streamml::sim
