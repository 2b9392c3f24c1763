#include "tests/sim/kafka/kafka_simulate.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "tests/sim/kafka/fleet.h"
#include "tests/sim/kafka/topic_world.h"
#include "tests/sim/row_id.h"
#include "worker/lane/replay.h"
#include "worker/log/kafka/internal/frame.h"

namespace streamml::sim {
namespace {

constexpr const char* kEventNames[] = {"crash before a transaction",
                                       "crash inside a transaction",
                                       "crash before the end request",
                                       "crash after the end request was sent",
                                       "crash after the end request took effect",
                                       "crash between transactions",
                                       "end request lost",
                                       "end request late",
                                       "end request delayed past the timeout",
                                       "end request duplicated",
                                       "answer to an end request lost",
                                       "answer to taking a lane lost",
                                       "late end request refused",
                                       "late end request took effect",
                                       "in doubt, and it was committed",
                                       "in doubt, and it was not committed",
                                       "gave up waiting for the log",
                                       "lane dropped and opened again",
                                       "worker stopped inside a commit",
                                       "zombie acts",
                                       "zombie's write refused",
                                       "zombie's commit refused",
                                       "zombie let go",
                                       "assignment out of date",
                                       "owner let go and stands by",
                                       "lane goes to one that stood by",
                                       "zombie with nothing to write let go",
                                       "owner shut out by a zombie",
                                       "transaction timed out",
                                       "transaction aborted",
                                       "cluster unavailable",
                                       "partition unavailable",
                                       "disk lost",
                                       "recovered from a snapshot",
                                       "channel rewound",
                                       "lane handed over in order",
                                       "lane of a dead worker moved",
                                       "lane moved behind its owner's back",
                                       "orderly stop",
                                       "several lanes",
                                       "model trained apart",
                                       "source cut by key",
                                       "rows answered on arrival",
                                       "versions adopted as they came",
                                       "several workers",
                                       "gaps in a source",
                                       "frame in pieces",
                                       "row larger than its sink takes",
                                       "records deleted",
                                       "deletion of records cut off",
                                       "overtaken by truncation",
                                       "replayed behind a truncated beginning",
                                       nullptr};

using Record = ModelKafka::Record;

// Committed records of a topic by partition and writer, in order.
using Written = std::map<std::pair<uint32_t, std::string>, std::vector<std::string>>;

Written ReadTopic(const ModelKafka& kafka, const std::string& topic) {
  Written written;
  for (uint32_t partition = 0; partition < kafka.NumPartitions(topic); ++partition) {
    uint64_t offset = 0;
    while (const Record* record = kafka.Fetch(topic, partition, offset)) {
      written[{partition, kafka.WriterOf(*record)}].push_back(absl::StrCat(
          record->timestamp_ms, " ", record->has_key ? record->key : "-", " ", record->value));
      ++offset;
    }
  }
  return written;
}

absl::Status CompareTopics(const ModelKafka& expected, const ModelKafka& seen) {
  for (const std::string& topic : TopicWorld::sinks()) {
    const Written a = ReadTopic(expected, topic);
    const Written b = ReadTopic(seen, topic);
    for (const auto& [place, records] : a) {
      const auto found = b.find(place);
      const size_t count = found == b.end() ? 0 : found->second.size();
      for (size_t i = 0; i < records.size(); ++i) {
        if (i < count && found->second[i] == records[i]) continue;
        return absl::InternalError(
            absl::StrCat("topic ", topic, ", partition ", place.first, ", ", place.second,
                         ": record ", i, " of ", records.size(), " is ",
                         i < count ? found->second[i] : "missing", ", not ", records[i]));
      }
      if (count > records.size()) {
        return absl::InternalError(absl::StrCat("topic ", topic, ", partition ", place.first, ", ",
                                                place.second, ": ", count, " records, not ",
                                                records.size()));
      }
    }
    if (a.size() != b.size()) return absl::InternalError("topic " + topic + ": too many writers");
  }
  return absl::OkStatus();
}

// Ids of the rows that were scored, or failed on the way.
std::multiset<std::string> ScoredIds(const ModelKafka& kafka) {
  std::multiset<std::string> ids;
  for (const char* topic :
       {"scores", "streamml.sim.1.features.dead", "streamml.sim.1.scores.dead"}) {
    for (const auto& [place, records] : ReadTopic(kafka, topic)) {
      for (const std::string& record : records) ids.insert(RowId(record));
    }
  }
  return ids;
}

// Rows that lanes let pass to windows.
uint64_t RowsForWindows(const std::vector<Fleet::LaneEnd>& ends) {
  uint64_t rows = 0;
  for (const Fleet::LaneEnd& end : ends) {
    for (const lane::Counter& counter : end.counters) {
      if (counter.first == "features.filter0.out") rows += counter.second;
    }
  }
  return rows;
}

// Where rows are answered as they come: each is scored once, or fails once, whatever its answers,
// and none waits for others.
absl::Status CompareIds(const TopicWorld& world, Fleet& expected, Fleet& seen) {
  const std::multiset<std::string> a = ScoredIds(expected.kafka());
  const std::multiset<std::string> b = ScoredIds(seen.kafka());
  if (a != b) {
    return absl::InternalError(
        absl::StrCat(b.size(), " rows were scored or failed, not ", a.size(), ", or other ones"));
  }
  const uint64_t passed = RowsForWindows(seen.ends());
  if (!plan::AnswersOnArrival(world.plan()) || b.size() == passed) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(b.size(), " rows were scored or failed of ", passed));
}

absl::Status CompareLanes(const TopicWorld& world, const std::vector<Fleet::LaneEnd>& expected,
                          const std::vector<Fleet::LaneEnd>& seen) {
  for (size_t i = 0; i < expected.size(); ++i) {
    const plan::LanePlan& lane = world.plan().lanes[i];
    // What arrives from several partitions at once has no order of its own.
    const bool ordered =
        world.plan().stages[lane.stage].spec->event_order || lane.inputs.size() == 1;
    const Fleet::LaneEnd& a = expected[i];
    const Fleet::LaneEnd& b = seen[i];
    if (ordered && a.output != b.output) {
      return absl::InternalError("output digest of " + a.name + " differs");
    }
    if (a.state != b.state) return absl::InternalError("state digest of " + a.name + " differs");
    for (size_t c = 0; c < a.counters.size(); ++c) {
      if (a.counters[c] == b.counters[c]) continue;
      // Of rows that the watermark holds back, some may be read and others not yet.
      const bool from_topic = world.plan().stages[lane.stage].source < 0;
      if (from_topic && a.counters[c].first == "read") continue;
      return absl::InternalError(absl::StrCat("counter ", a.counters[c].first, " of ", a.name,
                                              " is ", b.counters[c].second, ", not ",
                                              a.counters[c].second));
    }
  }
  return absl::OkStatus();
}

// What stands in the cluster, read past all of our readers.
class Auditor {
 public:
  Auditor(const TopicWorld& world, const ModelKafka& kafka)
      : kafka_(kafka), options_(world.LogOptions()) {}

  absl::Status Check() {
    for (uint32_t lane = 0; lane < options_.num_lanes; ++lane) {
      RETURN_IF_ERROR(Annotate(CheckJournal(lane), absl::StrCat("journal of lane ", lane)));
    }
    for (const log::InternalTopic& topic : options_.topics) {
      const std::string name = log::KafkaTopicName(options_, topic.name);
      for (uint32_t partition = 0; partition < topic.num_partitions; ++partition) {
        RETURN_IF_ERROR(Annotate(CheckFrames(name, partition), name));
      }
    }
    return CheckSinks();
  }
  bool found_pieces() const { return found_pieces_; }

 private:
  // Records are contiguous, and each commit is of the owner that claimed last (I4).
  absl::Status CheckJournal(uint32_t lane) {
    const std::string name = log::KafkaTopicName(options_, "journal");
    uint64_t offset = 0;
    uint64_t epoch = 0;
    for (uint64_t sequence = 1;; ++sequence, ++offset) {
      const Record* record = kafka_.Fetch(name, lane, offset);
      if (record == nullptr) return absl::OkStatus();
      ASSIGN_OR_RETURN(const log::internal::WireJournal wire,
                       log::internal::DecodeJournal(record->value));
      if (wire.sequence != sequence) {
        return absl::InternalError(
            absl::StrCat("holds record ", wire.sequence, " where ", sequence, " belongs"));
      }
      journal::v1::JournalRecord entry;
      RETURN_IF_ERROR(lane::ParseRecord(std::string(wire.record), entry));
      const bool rises = entry.has_claim() ? entry.epoch() > epoch : entry.epoch() == epoch;
      if (!rises) {
        return absl::InternalError(absl::StrCat("record ", sequence, " has epoch ", entry.epoch(),
                                                " after epoch ", epoch));
      }
      epoch = entry.epoch();
      if (!transactions_.emplace(record->transaction, std::pair(lane, sequence)).second) {
        return absl::InternalError(absl::StrCat("two records in the transaction of ", sequence));
      }
    }
  }

  // A frame is committed with its journal record, in order, each once, with all its pieces.
  absl::Status CheckFrames(const std::string& topic, uint32_t partition) {
    struct Last {
      uint64_t sequence = 0;
      uint32_t pieces_left = 0;
    };
    std::map<uint32_t, Last> lasts;  // by producer
    uint64_t offset = 0;
    for (; const Record* record = kafka_.Fetch(topic, partition, offset); ++offset) {
      ASSIGN_OR_RETURN(const log::internal::WireFrame frame,
                       log::internal::DecodeFrame(record->value));
      const auto found = transactions_.find(record->transaction);
      if (found == transactions_.end() ||
          found->second != std::pair(frame.producer, frame.sequence)) {
        return absl::InternalError(absl::StrCat("frame ", frame.sequence, " of lane ",
                                                frame.producer, " is in another transaction"));
      }
      Last& last = lasts[frame.producer];
      found_pieces_ = found_pieces_ || frame.num_pieces > 1;
      const uint32_t left = frame.num_pieces - frame.piece - 1;
      const bool goes_on =
          last.pieces_left > 0 && frame.sequence == last.sequence && left + 1 == last.pieces_left;
      const bool is_new =
          last.pieces_left == 0 && frame.sequence > last.sequence && frame.piece == 0;
      if (!goes_on && !is_new) {
        return absl::InternalError(absl::StrCat("frame ", frame.sequence, " of lane ",
                                                frame.producer, " stands twice or is not whole"));
      }
      last = {frame.sequence, left};
    }
    return absl::OkStatus();
  }

  absl::Status CheckSinks() const {
    for (const std::string& topic : TopicWorld::sinks()) {
      for (uint32_t partition = 0; partition < kafka_.NumPartitions(topic); ++partition) {
        uint64_t offset = 0;
        for (; const Record* record = kafka_.Fetch(topic, partition, offset); ++offset) {
          if (transactions_.contains(record->transaction)) continue;
          return absl::InternalError("topic " + topic + " holds rows without a journal record");
        }
      }
    }
    return absl::OkStatus();
  }

  const ModelKafka& kafka_;
  const log::KafkaLogOptions options_;
  std::map<int, std::pair<uint32_t, uint64_t>> transactions_;  // -> lane and sequence
  bool found_pieces_ = false;
};

// I1: a clean process executes every lane's journal and finds what the topics hold.
absl::Status ReplayAll(const TopicWorld& world, Fleet& fleet, std::set<std::string>& happened) {
  fleet.kafka().Advance(1'000'000);  // until the marks of the last transactions are written
  support::ModelDisk disk;
  auto state = std::make_shared<ClientState>();
  state->kafka = &fleet.kafka();
  state->random = &fleet.random();
  state->calm = true;
  WorkerLife life(world, disk, fleet.shared(), fleet.random(), state, "replay",
                  [](uint32_t, const absl::Status&, int) { return false; });
  RETURN_IF_ERROR(life.Start());
  for (uint32_t index = 0; index < world.plan().lanes.size(); ++index) {
    ASSIGN_OR_RETURN(const lane::LaneSpec spec, plan::MakeLaneSpec(life.plan(), index, life.log()));
    std::vector<std::string> sinks(spec.stage->sinks.size());
    lane::ReplayOptions options;
    options.fingerprint = "sim";
    options.job_hash = world.plan().job_hash;
    const std::unique_ptr<state::SnapshotStore> store = life.MakeStore(index);
    options.snapshots = store.get();
    lane::ReplayStart start;
    options.start = [&start](const lane::ReplayStart& told) {
      start = told;
      return absl::OkStatus();
    };
    options.receive = [&sinks](size_t sink, std::string_view bytes) {
      sinks[sink].append(bytes);
      return absl::OkStatus();
    };
    ASSIGN_OR_RETURN(const lane::ReplayResult result, lane::Replay(spec, life.log(), options));
    const Fleet::LaneEnd& end = fleet.ends()[index];
    // What was not in the store is lost with the disks; what is on its way out of it serves, too.
    if (start.sequence > 0 && end.oldest == 1) {
      return absl::InternalError(absl::StrCat("begins for ", spec.name, " after ", start.sequence,
                                              ", and all could be replayed"));
    }
    if (start.sequence > 0) happened.insert("replayed behind a truncated beginning");
    if (result.output_digest != end.output || result.state_digest != end.state) {
      return absl::InternalError("ends with other digests for " + spec.name);
    }
    for (size_t s = 0; s < sinks.size(); ++s) {
      const std::string& topic = spec.stage->sinks[s].topic;
      std::map<uint64_t, const Record*> written;  // in the order of writing
      for (uint32_t partition = 0; partition < fleet.kafka().NumPartitions(topic); ++partition) {
        uint64_t offset = 0;
        for (; const Record* record = fleet.kafka().Fetch(topic, partition, offset); ++offset) {
          const std::string& writer = fleet.kafka().WriterOf(*record);
          if (writer.ends_with(absl::StrCat("lane-", index))) written[record->order] = record;
        }
      }
      std::string content;
      for (const auto& [order, record] : written) absl::StrAppend(&content, record->value, "\n");
      const uint64_t before = start.sink_bytes[s];
      if (content.size() < before || content.substr(before) != sinks[s]) {
        return absl::InternalError(
            absl::StrCat(spec.name, " gives another sink ", spec.stage->sinks[s].name));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAccounts(const TopicWorld& world, const std::vector<Fleet::LaneEnd>& ends) {
  uint64_t read = 0;
  for (size_t i = 0; i < ends.size(); ++i) {
    if (world.plan().stages[world.plan().lanes[i].stage].source < 0) continue;
    read += ends[i].counters.front().second;
  }
  if (read == world.num_committed()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(read, " records read of ", world.num_committed()));
}

}  // namespace

const char* const* KafkaEventNames() { return kEventNames; }

absl::Status SimulateKafka(uint64_t seed, const SimulateOptions& options, Events& events) {
  ASSIGN_OR_RETURN(const std::unique_ptr<TopicWorld> world,
                   TopicWorld::Make(seed, options.num_rows));
  Fleet calm(seed * 2 + 1, *world, 1, /*trace=*/false);
  RETURN_IF_ERROR(Annotate(calm.Settle(), "undisturbed"));
  RETURN_IF_ERROR(CheckAccounts(*world, calm.ends()));
  support::Random random(seed ^ 0x5A5A);
  const auto num_workers = static_cast<uint32_t>(1 + random.Below(3));
  Fleet fleet(seed * 2, *world, num_workers, options.trace);
  RETURN_IF_ERROR(Annotate(fleet.Disturb(100 + random.Below(500)), "disturbed"));
  RETURN_IF_ERROR(Annotate(fleet.Settle(), "settling"));
  Auditor auditor(*world, fleet.kafka());
  RETURN_IF_ERROR(Annotate(auditor.Check(), "audit"));
  RETURN_IF_ERROR(CheckAccounts(*world, fleet.ends()));
  if (world->in_event_order()) {
    RETURN_IF_ERROR(CompareTopics(calm.kafka(), fleet.kafka()));
    RETURN_IF_ERROR(CompareLanes(*world, calm.ends(), fleet.ends()));
  } else {
    RETURN_IF_ERROR(CompareIds(*world, calm, fleet));
  }
  std::set<std::string> happened = fleet.events();
  RETURN_IF_ERROR(Annotate(ReplayAll(*world, fleet, happened), "replay"));
  if (happened.contains("late end request hit a later transaction")) {
    return absl::InternalError("an end request hit a transaction that it was not made for");
  }
  if (auditor.found_pieces()) happened.insert("frame in pieces");
  uint64_t offset = 0;
  if (fleet.kafka().Fetch("streamml.sim.1.scores.dead", 0, offset) != nullptr) {
    happened.insert("row larger than its sink takes");
  }
  if (num_workers > 1) happened.insert("several workers");
  if (world->plan().lanes.size() > world->plan().stages.size()) happened.insert("several lanes");
  if (world->trains_apart()) happened.insert("model trained apart");
  if (world->partitioned()) happened.insert("source cut by key");
  if (plan::AnswersOnArrival(world->plan())) happened.insert("rows answered on arrival");
  if (!world->in_event_order() && world->trains_apart()) {
    happened.insert("versions adopted as they came");
  }
  for (const std::string& event : happened) ++events[event];
  return absl::OkStatus();
}

}  // namespace streamml::sim
