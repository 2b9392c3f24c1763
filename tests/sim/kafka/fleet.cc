#include "tests/sim/kafka/fleet.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::sim {
namespace {

constexpr int kMaxCalmRounds = 20'000;
constexpr int kMaxCalmErrors = 100;
constexpr int kQuietRounds = 30;  // a fetch may come back empty by chance

uint32_t LaneOf(const std::string& transactional_id) {
  return static_cast<uint32_t>(
      std::strtoul(transactional_id.substr(transactional_id.rfind('-') + 1).c_str(), nullptr, 10));
}

}  // namespace

Fleet::Fleet(uint64_t seed, const TopicWorld& world, uint32_t num_workers, bool trace)
    : random_(seed), world_(world), trace_(trace), kafka_(seed ^ 0x77, events_), shared_(kafka_) {
  workers_.resize(num_workers);
  world.Begin(kafka_);
  for (uint32_t lane = 0; lane < world.plan().lanes.size(); ++lane) {
    owners_.push_back(random_.Below(num_workers));
    workers_[owners_.back()].believed[lane] = assignment_;
  }
  for (Worker& worker : workers_) worker.disk = std::make_unique<support::ModelDisk>();
  crash_rate_ = 60 + random_.Below(400);
  pause_rate_ = 20 + random_.Below(150);
  fate_rate_ = 4 + random_.Below(40);
  if (random_.OneIn(2)) shared_.keep_us = random_.Between(20'000, 2'000'000);
  shared_.is_hasty = shared_.keep_us > 0 && random_.OneIn(2);
}
Fleet::~Fleet() = default;

void Fleet::Say(const std::string& what) const {
  if (trace_) {
    std::printf("%*s%9.3f s  %s\n", depth_ * 2, "", static_cast<double>(kafka_.now_us()) / 1e6,
                what.c_str());
  }
}

void Fleet::Start(size_t index) {
  Worker& worker = workers_[index];
  auto state = std::make_shared<ClientState>();
  state->kafka = &kafka_;
  state->random = &random_;
  state->calm = calm_;
  state->pass = [this, index](Point point, const std::string& id) {
    return Pass(index, point, id);
  };
  state->end_fate = [this] { return SomeFate(); };
  worker.life = std::make_unique<WorkerLife>(
      world_, *worker.disk, shared_, random_, std::move(state), absl::StrCat("worker-", index),
      [this, index](uint32_t lane, const absl::Status& status, int attempt) {
        return WaitForLog(index, lane, status, attempt);
      });
  const absl::Status status = worker.life->Start();
  Say(absl::StrCat("worker ", index, " starts: ", status.ToString()));
  if (status.ok()) return;
  if (!absl::IsUnavailable(status)) mistake_.Update(status);
  worker.life = nullptr;
}

void Fleet::Die(size_t index) {
  Worker& worker = workers_[index];
  worker.life->state().dead = true;
  worker.life = nullptr;
  const uint64_t fate = random_.Below(4);
  if (fate == 0) {
    worker.disk = std::make_unique<support::ModelDisk>();
    events_.insert("disk lost");
  } else if (fate == 1) {
    worker.disk->Crash(random_);
  } else {
    worker.disk->Kill();
  }
  Say(absl::StrCat("worker ", index, " dies", fate == 0 ? ", its disk is lost" : ""));
}

size_t Fleet::SomeWorker() {
  const size_t first = random_.Below(workers_.size());
  for (size_t i = 0; i < workers_.size(); ++i) {
    const size_t index = (first + i) % workers_.size();
    if (workers_[index].life != nullptr && !workers_[index].busy) return index;
  }
  return workers_.size();
}

// Gives a lane to another worker; the one that had it may not hear of it.
void Fleet::Move(uint32_t lane, bool tell) {
  const size_t from = owners_[lane];
  const size_t to = SomeWorker();
  if (to == workers_.size() || to == from) return;
  Worker& old = workers_[from];
  if (tell && old.life != nullptr && !old.busy) {
    const absl::Status status = TakeFrom(from, lane);
    Say(absl::StrCat("lane ", lane, " stops on worker ", from, ": ", status.ToString()));
    mistake_.Update(After(from, lane, status));
    events_.insert("lane handed over in order");
  } else if (old.life == nullptr) {
    old.believed.erase(lane);
    events_.insert("lane of a dead worker moved");
  } else {
    events_.insert("lane moved behind its owner's back");
  }
  if (workers_[to].life == nullptr) return;
  if (workers_[to].life->is_following(lane)) events_.insert("lane goes to one that stood by");
  workers_[to].believed[lane] = ++assignment_;
  owners_[lane] = to;
  Say(absl::StrCat("lane ", lane, " goes from worker ", from, " to ", to));
}

// In order: it is stopped, or stands by from then on.
absl::Status Fleet::TakeFrom(size_t index, uint32_t lane) {
  Worker& worker = workers_[index];
  const bool stand_by = random_.OneIn(2);
  worker.busy = true;
  const absl::Status status = stand_by ? worker.life->LetGo(lane) : worker.life->StopLane(lane);
  worker.busy = false;
  worker.believed.erase(lane);
  if (!stand_by || !status.ok()) return status;
  events_.insert("owner let go and stands by");
  return status;
}

absl::Status Fleet::StandBy(size_t index) {
  Worker& worker = workers_[index];
  const auto lane = static_cast<uint32_t>(random_.Below(owners_.size()));
  if (worker.believed.contains(lane)) return absl::OkStatus();
  worker.busy = true;
  const absl::Status status = worker.life->StandBy(lane);
  worker.busy = false;
  return After(index, lane, status);
}

void Fleet::StopInOrder(size_t index) {
  Worker& worker = workers_[index];
  worker.busy = true;
  for (const auto& [lane, assignment] : std::map<uint32_t, uint64_t>(worker.believed)) {
    const absl::Status status = worker.life->StopLane(lane);
    mistake_.Update(After(index, lane, status));
    if (worker.life == nullptr) break;
  }
  worker.busy = false;
  Say(absl::StrCat("worker ", index, " stopped in order"));
  if (worker.life == nullptr) return;
  events_.insert("orderly stop");
  worker.life->state().dead = true;
  worker.life = nullptr;
  worker.disk->Kill();
}

EndFate Fleet::SomeFate() {
  if (calm_ || !random_.OneIn(fate_rate_)) return EndFate::kNormal;
  constexpr EndFate kFates[] = {EndFate::kLost, EndFate::kAnswerLost, EndFate::kAnsweredLate,
                                EndFate::kDelayed, EndFate::kDuplicated};
  return kFates[random_.Below(5)];
}

// The workers but those that are in the middle of something go on.
void Fleet::Others(uint64_t steps) {
  if (depth_ > 0) return;
  ++depth_;
  for (uint64_t i = 0; i < steps && mistake_.ok(); ++i) mistake_.Update(Step());
  --depth_;
}

bool Fleet::Pass(size_t index, Point point, const std::string& id) {
  if (calm_) return true;
  if (random_.OneIn(crash_rate_)) {
    constexpr const char* kNames[] = {
        "crash before a transaction", "crash inside a transaction", "crash before the end request",
        "crash after the end request was sent", "crash after the end request took effect"};
    events_.insert(kNames[static_cast<size_t>(point)]);
    Say(absl::StrCat("worker ", index, ", ", id, ": ", kNames[static_cast<size_t>(point)]));
    return false;
  }
  if (depth_ == 0 && random_.OneIn(pause_rate_)) {
    const uint32_t lane = LaneOf(id);
    Say(absl::StrCat("worker ", index, " is stopped in a transaction of lane ", lane));
    events_.insert("worker stopped inside a commit");
    if (random_.OneIn(2)) Move(lane, /*tell=*/false);
    Others(1 + random_.Below(40));
    if (random_.OneIn(4)) kafka_.Advance(random_.Between(9'000'000, 25'000'000));
    Say(absl::StrCat("worker ", index, " goes on"));
  }
  return true;
}

bool Fleet::WaitForLog(size_t index, uint32_t lane, const absl::Status& status, int attempt) {
  Say(absl::StrCat("worker ", index, ", lane ", lane, " in doubt, attempt ", attempt, ": ",
                   status.ToString()));
  const lane::Lane* open = workers_[index].life->lane(lane);
  if (!calm_ && open != nullptr) {
    uint64_t offset = 0;
    uint64_t count = 0;
    const std::string journal = log::KafkaTopicName(world_.LogOptions(), "journal");
    while (kafka_.Fetch(journal, lane, offset) != nullptr) {
      ++offset;
      ++count;
    }
    events_.insert(count > open->journal_sequence() ? "in doubt, and it was committed"
                                                    : "in doubt, and it was not committed");
  }
  kafka_.Advance(int64_t{20'000} << std::min(attempt, 6));
  if (calm_) return attempt < 20;
  Others(random_.Below(10));
  if (workers_[index].life->state().dead) return false;
  if (random_.OneIn(8)) {
    events_.insert("gave up waiting for the log");
    return false;
  }
  return attempt < 8;
}

// What is due to brokers or to other owners ends a lane; anything else is a mistake.
absl::Status Fleet::After(size_t index, uint32_t lane, const absl::Status& status) {
  Worker& worker = workers_[index];
  if (worker.life == nullptr) return absl::OkStatus();
  for (const std::string& note : worker.life->TakeNotes()) {
    if (absl::StrContains(note, "recovered from the snapshot")) {
      events_.insert("recovered from a snapshot");
    }
  }
  if (worker.life->state().dead) {
    Die(index);
    return absl::OkStatus();
  }
  if (status.ok()) return absl::OkStatus();
  Say(absl::StrCat("worker ", index, ", lane ", lane, ": ", status.ToString()));
  worker.life->Drop(lane);
  if (absl::StrContains(status.message(), "is out of date")) {
    if (owners_[lane] == index) return Annotate(status, "the rightful owner is refused");
    events_.insert("assignment out of date");
    worker.believed.erase(lane);
    return absl::OkStatus();
  }
  if (absl::IsAborted(status)) {
    if (absl::StrContains(status.message(), "overtaken")) events_.insert("overtaken by truncation");
    const bool other = absl::StrContains(status.message(), "another owner");
    if (other && owners_[lane] != index) {
      events_.insert("zombie let go");
      if (worker.life->only_looked()) events_.insert("zombie with nothing to write let go");
      worker.believed.erase(lane);
    } else if (other) {
      events_.insert("owner shut out by a zombie");
    }
    return absl::OkStatus();
  }
  if (absl::IsUnavailable(status)) {
    events_.insert("lane dropped and opened again");
    return absl::OkStatus();
  }
  return Annotate(status, absl::StrCat("worker ", index, ", lane ", lane));
}

absl::Status Fleet::Act(size_t index) {
  Worker& worker = workers_[index];
  if (worker.believed.empty() || random_.OneIn(6)) return StandBy(index);
  auto chosen = worker.believed.begin();
  std::advance(chosen, static_cast<ptrdiff_t>(random_.Below(worker.believed.size())));
  const auto [lane, assignment] = *chosen;
  if (owners_[lane] != index) events_.insert("zombie acts");
  worker.busy = true;
  const absl::Status status = worker.life->Act(lane, assignment);
  worker.busy = false;
  return After(index, lane, status);
}

void Fleet::Misfortune() {
  const auto some_lane = [this] { return static_cast<uint32_t>(random_.Below(owners_.size())); };
  const auto outage = [this] {
    return random_.OneIn(8) ? random_.Between(14'000'000, 25'000'000)
                            : random_.Between(20'000, 2'000'000);
  };
  const size_t worker = SomeWorker();
  switch (random_.Below(8)) {
    case 0:
      if (!random_.OneIn(2)) break;
      events_.insert("cluster unavailable");
      Say("the cluster is gone for a while");
      kafka_.SetClusterDown(outage());
      break;
    case 1: {
      const std::vector<std::string> topics = kafka_.Topics();
      const std::string& topic = topics[random_.Below(topics.size())];
      events_.insert("partition unavailable");
      const auto partition = static_cast<uint32_t>(random_.Below(kafka_.NumPartitions(topic)));
      Say(absl::StrCat("partition ", partition, " of ", topic, " is gone for a while"));
      kafka_.SetPartitionDown(topic, partition, outage());
      break;
    }
    case 2:
      if (worker == workers_.size()) break;
      events_.insert("crash between transactions");
      Die(worker);
      break;
    case 3:
      kafka_.Advance(random_.Between(1'000'000, 25'000'000));
      break;
    case 4:
      if (worker != workers_.size()) StopInOrder(worker);
      break;
    case 5:
      Move(some_lane(), /*tell=*/true);
      break;
    default:
      Move(some_lane(), /*tell=*/false);
      break;
  }
}

absl::Status Fleet::Step() {
  kafka_.Advance(random_.Between(500, 30'000));
  for (size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].life == nullptr && !workers_[i].busy && random_.OneIn(8)) Start(i);
  }
  for (uint32_t lane = 0; lane < owners_.size(); ++lane) {
    if (workers_[owners_[lane]].life == nullptr && random_.OneIn(30)) Move(lane, /*tell=*/false);
  }
  if (random_.OneIn(30)) Misfortune();
  RETURN_IF_ERROR(mistake_);
  const size_t worker = SomeWorker();
  return worker == workers_.size() ? absl::OkStatus() : Act(worker);
}

absl::Status Fleet::Disturb(uint64_t num_steps) {
  for (size_t i = 0; i < workers_.size(); ++i) Start(i);
  for (uint64_t step = 0; step < num_steps; ++step) {
    RETURN_IF_ERROR(Step());
    RETURN_IF_ERROR(mistake_);
  }
  return absl::OkStatus();
}

absl::Status Fleet::SettleRound(bool& progress) {
  kafka_.Advance(random_.Between(1'000, 40'000));
  for (uint32_t lane = 0; lane < owners_.size(); ++lane) {
    const size_t owner = owners_[lane];
    const absl::Status status =
        workers_[owner].life->Settle(lane, workers_[owner].believed[lane], progress);
    if (!status.ok() && ++num_errors_ > kMaxCalmErrors) return Annotate(status, "no progress");
    RETURN_IF_ERROR(After(owner, lane, status));
  }
  return mistake_;
}

absl::Status Fleet::Settle() {
  Say("calm");
  calm_ = true;
  kafka_.EndOutages();
  for (size_t i = 0; i < workers_.size(); ++i) {
    Worker& worker = workers_[i];
    if (worker.life == nullptr) Start(i);
    worker.life->state().calm = true;
    for (uint32_t lane = 0; lane < owners_.size(); ++lane) {
      if (owners_[lane] != i) worker.life->Drop(lane);
    }
  }
  bool stopped = false;
  while (!stopped) {
    RETURN_IF_ERROR(Rest());
    RETURN_IF_ERROR(StopAll(stopped));
  }
  for (uint32_t lane = 0; lane < owners_.size(); ++lane) {
    lane::Lane* open = workers_[owners_[lane]].life->lane(lane);
    ends_.push_back({open->spec().name, open->output_digest(), open->state_digest(),
                     open->executor().counters(), open->oldest_replayable()});
  }
  return absl::OkStatus();
}

// Until there is nothing left to do.
absl::Status Fleet::Rest() {
  int quiet = 0;
  for (int round = 0; quiet < kQuietRounds; ++round) {
    if (round > kMaxCalmRounds) return absl::InternalError("the job does not come to rest");
    bool progress = false;
    RETURN_IF_ERROR(SettleRound(progress));
    quiet = progress || kafka_.has_scheduled() ? 0 : quiet + 1;
  }
  return absl::OkStatus();
}

// One that had nothing to write may notice only now that a zombie has written meanwhile.
absl::Status Fleet::StopAll(bool& stopped) {
  stopped = true;
  for (uint32_t lane = 0; lane < owners_.size(); ++lane) {
    lane::Lane* open = workers_[owners_[lane]].life->lane(lane);
    if (open == nullptr) return absl::InternalError("a lane is not open in the end");
    const absl::Status status = open->Stop();
    stopped = stopped && status.ok();
    if (!status.ok() && ++num_errors_ > kMaxCalmErrors) return Annotate(status, "no end");
    RETURN_IF_ERROR(After(owners_[lane], lane, status));
  }
  return absl::OkStatus();
}

}  // namespace streamml::sim
