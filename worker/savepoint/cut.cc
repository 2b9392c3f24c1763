#include "worker/savepoint/cut.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/data/batch.h"
#include "worker/lane/replay.h"
#include "worker/operators/score.h"
#include "worker/savepoint/internal/flight.h"
#include "worker/savepoint/internal/state_writer.h"
#include "worker/savepoint/lane_part.h"

namespace streamml::savepoint {
namespace {

using journal::v1::InputState;
using journal::v1::LaneState;

constexpr size_t kDigestBytes = 16;

// A channel of the next incarnation, of which nothing has been read.
InputState Unread(uint32_t input) {
  InputState state;
  state.mutable_low()->set_input(input);
  state.mutable_low()->set_ordinal(1);
  state.set_low_max_time(data::kMinTime);
  *state.mutable_end() = state.low();
  state.set_end_max_time(data::kMinTime);
  return state;
}

// Makes one savepoint.
class Cut {
 public:
  Cut(const plan::JobPlan& plan, log::Log& log, SavepointStore& store, const CutContents& contents)
      : plan_(plan), log_(log), store_(store), contents_(contents) {}

  absl::StatusOr<Document> Make() {
    RETURN_IF_ERROR(CheckParts());
    Describe();
    for (uint32_t lane = 0; lane < plan_.lanes.size(); ++lane) RETURN_IF_ERROR(FindFlights(lane));
    for (uint32_t lane = 0; lane < plan_.lanes.size(); ++lane) RETURN_IF_ERROR(CopyFlights(lane));
    return store_.Publish(savepoint_);
  }

 private:
  absl::Status CheckParts() const {
    if (contents_.parts.size() != plan_.lanes.size() ||
        contents_.specs.size() != plan_.lanes.size()) {
      return absl::InternalError("a savepoint needs a part of each lane");
    }
    for (uint32_t i = 0; i < plan_.lanes.size(); ++i) {
      const v1::LanePart& part = contents_.parts[i];
      if (part.lane() != i ||
          static_cast<size_t>(part.engine().inputs_size()) != plan_.lanes[i].inputs.size()) {
        return absl::InternalError(absl::StrCat("part ", i, " is not of its lane"));
      }
      if (part.fingerprint() == contents_.parts.front().fingerprint()) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("lane ", plan_.lanes[i].name, " runs under fingerprint ", part.fingerprint(),
                       " and lane ", plan_.lanes.front().name, " under ",
                       contents_.parts.front().fingerprint(), "; a savepoint has one"));
    }
    return absl::OkStatus();
  }

  void Describe() {
    savepoint_.set_name(contents_.name);
    savepoint_.set_identity(plan_.owner.identity);
    savepoint_.set_incarnation(plan_.owner.incarnation);
    savepoint_.set_taken_us(contents_.taken_us);
    savepoint_.set_fingerprint(contents_.parts.front().fingerprint());
    for (uint32_t i = 0; i < plan_.lanes.size(); ++i) {
      const v1::LanePart& part = contents_.parts[i];
      v1::Lane& lane = *savepoint_.add_lanes();
      lane.set_lane(i);
      lane.set_name(plan_.lanes[i].name);
      lane.set_journal_position(part.journal_position());
      lane.set_num_entries(part.num_entries());
      lane.set_state_digest(part.state_digest());
      *lane.mutable_state() = part.state();
      *lane.mutable_engine() = part.engine();
      ForgetOutputs(*lane.mutable_engine());
      lane::DescribeClaim(contents_.specs[i], plan_.job_hash, *lane.mutable_claim());
    }
  }

  // The next incarnation has written nothing yet.
  static void ForgetOutputs(LaneState& engine) {
    engine.set_epoch(0);
    engine.clear_record_bytes();
    engine.clear_assignment();
    engine.clear_claim();
    engine.clear_provenance();
    engine.clear_restored();
    engine.clear_taken_us();
    for (uint64_t& length : *engine.mutable_sink_bytes()) length = 0;
    for (std::string& digest : *engine.mutable_destination_digests()) {
      digest.assign(kDigestBytes, '\0');
    }
  }

  // What stands unfinished in the channels that a lane reads; they begin anew for it.
  absl::Status FindFlights(uint32_t reader) {
    const plan::LanePlan& lane = plan_.lanes[reader];
    const lane::StageSpec& stage = *plan_.stages[lane.stage].spec;
    for (uint32_t i = 0; i < lane.inputs.size(); ++i) {
      const plan::InputPlan& input = lane.inputs[i];
      if (input.source >= 0) continue;  // goes on where it was
      const bool in_order =
          input.side >= 0 && stage.sides[static_cast<size_t>(input.side)].in_order;
      if (in_order) {
        RETURN_IF_ERROR(FindVersions(reader, i));
      } else {
        RETURN_IF_ERROR(input.side >= 0 ? AdoptTrainer(reader, i) : FindRows(reader, i));
      }
      InputState& state = *savepoint_.mutable_lanes(static_cast<int>(reader))
                               ->mutable_engine()
                               ->mutable_inputs(static_cast<int>(i));
      state = Unread(i);
      // The trainer gives once more what it had not made at the cut, and readers that were ahead of
      // it take that again: a version holds whole pages, so in the end they have what they had.
      if (in_order) state.set_taken_to(data::kMinTime);
    }
    return absl::OkStatus();
  }

  absl::Status FindRows(uint32_t reader, uint32_t input) {
    const log::ChannelId& channel = plan_.lanes[reader].inputs[input].channel;
    const LaneState& engine = contents_.parts[reader].engine();
    const InputState& state = engine.inputs(static_cast<int>(input));
    Flight flight{channel, {state.low().ordinal(), state.low().bytes()}};
    flight.last = contents_.parts[channel.producer].journal_position();
    flight.read_to = state.end().ordinal();
    flight.schema = plan_.stages[plan_.lanes[reader].stage].spec->input_schema;
    flight.frontier = engine.frontier();
    if (flight.read_to > flight.last + 1) {
      return absl::FailedPreconditionError(absl::StrCat(
          "no consistent cut: lane ", plan_.lanes[reader].name, " has read transaction ",
          flight.read_to - 1, " of lane ", plan_.lanes[channel.producer].name,
          ", which was taken after transaction ", flight.last, "; take the savepoint again"));
    }
    flights_[channel.producer].push_back({std::move(flight), reader});
    return absl::OkStatus();
  }

  // All scorers read one channel. One of them may be ahead of the cut of the trainer.
  absl::Status FindVersions(uint32_t reader, uint32_t input) {
    const log::ChannelId& channel = plan_.lanes[reader].inputs[input].channel;
    const InputState& state = contents_.parts[reader].engine().inputs(static_cast<int>(input));
    const log::Position from{state.low().ordinal(), state.low().bytes()};
    for (ReadFlight& known : flights_[channel.producer]) {
      if (known.flight.channel.topic != channel.topic) continue;
      if (from.sequence < known.flight.from.sequence) known.flight.from = from;
      return absl::OkStatus();
    }
    Flight flight{channel, from};
    flight.last = contents_.parts[channel.producer].journal_position();
    flights_[channel.producer].push_back({std::move(flight), reader});
    return absl::OkStatus();
  }

  // Versions that are adopted as soon as they come depend on the moment: in place of any of them
  // the scorer has what its trainer has at the cut, and all later ones build upon that.
  absl::Status AdoptTrainer(uint32_t reader, uint32_t input) {
    const plan::InputPlan& plan = plan_.lanes[reader].inputs[input];
    const lane::StageSpec& stage = *plan_.stages[plan_.lanes[reader].stage].spec;
    const auto node = static_cast<size_t>(stage.sides[static_cast<size_t>(plan.side)].node);
    const std::string& model = stage.nodes[node].owner;
    v1::Lane& scorer = *savepoint_.mutable_lanes(static_cast<int>(reader));
    const v1::Lane before = scorer;
    scorer.clear_state();
    StateWriter writer(store_, contents_.name, *scorer.mutable_state());
    RETURN_IF_ERROR(ReadLaneState(
        store_, contents_.name, before,
        [&](std::string_view state, std::string_view key, std::string_view value) {
          return operators::IsStateOfModel(model, state) ? absl::OkStatus()
                                                         : writer.Add(state, key, value);
        }));
    const v1::Lane& trainer = savepoint_.lanes(static_cast<int>(plan.channel.producer));
    RETURN_IF_ERROR(ReadLaneState(
        store_, contents_.name, trainer,
        [&](std::string_view state, std::string_view key, std::string_view value) -> absl::Status {
          ASSIGN_OR_RETURN(const std::optional<operators::AdoptedEntry> entry,
                           operators::AdoptFromTrainer(model, state, key, value));
          return entry.has_value() ? writer.Add(entry->state, entry->key, entry->value)
                                   : absl::OkStatus();
        }));
    RETURN_IF_ERROR(writer.Finish());
    scorer.set_num_entries(writer.num_entries());
    scorer.set_state_digest(DigestBytes(writer.digest()));
    return absl::OkStatus();
  }

  absl::Status CopyFlights(uint32_t writer) {
    v1::Lane& lane = *savepoint_.mutable_lanes(static_cast<int>(writer));
    OutgoingRows out(store_, contents_.name, contents_.transaction_bytes, lane);
    for (const ReadFlight& read : flights_[writer]) {
      const auto num_read = CopyRows(log_, read.flight, out);
      if (!num_read.ok()) {
        return Annotate(num_read.status(),
                        absl::StrCat("rows from lane ", plan_.lanes[writer].name, " to lane ",
                                     plan_.lanes[read.reader].name));
      }
      NotRead(read.reader, *num_read);
    }
    std::vector<log::Frame> partitions;
    for (const lane::TopicOutput& topic : plan_.stages[plan_.lanes[writer].stage].spec->topics) {
      for (uint32_t i = 0; i < topic.num_partitions; ++i)
        partitions.push_back({topic.topic, i, 0, ""});
    }
    return out.Finish(partitions, contents_.parts[writer].engine().watermark());
  }

  // Rows that were read and held are read once more, and counted then.
  void NotRead(uint32_t reader, uint64_t num_rows) {
    LaneState& engine = *savepoint_.mutable_lanes(static_cast<int>(reader))->mutable_engine();
    journal::v1::Counter& read = *engine.mutable_counters(0);
    read.set_value(read.value() - std::min(read.value(), num_rows));
  }

  struct ReadFlight {
    Flight flight;
    uint32_t reader = 0;
  };

  const plan::JobPlan& plan_;
  log::Log& log_;
  SavepointStore& store_;
  const CutContents& contents_;
  v1::Savepoint savepoint_;
  std::map<uint32_t, std::vector<ReadFlight>> flights_;  // by writer
};

}  // namespace

std::vector<std::vector<uint32_t>> SnapshotOrder(const plan::JobPlan& plan) {
  std::vector<std::vector<uint32_t>> order;
  for (auto stage = plan.stages.rbegin(); stage != plan.stages.rend(); ++stage) {
    std::vector<uint32_t>& lanes = order.emplace_back();
    for (uint32_t part = 0; part < stage->num_lanes; ++part) {
      lanes.push_back(stage->first_lane + part);
    }
  }
  return order;
}

absl::StatusOr<Document> MakeSavepoint(const plan::JobPlan& plan, log::Log& log,
                                       SavepointStore& store, const CutContents& contents) {
  absl::StatusOr<Document> made = Cut(plan, log, store, contents).Make();
  if (made.ok()) return made;
  return Annotate(made.status(), absl::StrCat("savepoint '", contents.name, "'"));
}

}  // namespace streamml::savepoint
