// Running all lanes of a job in one process, one thread each, until their inputs end or a stop is
// asked for.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "worker/lane/lane.h"
#include "worker/learn/metrics.h"
#include "worker/log/log.h"

namespace streamml::lane {

struct RunOptions {
  // The longest time between two commits of a busy lane. The interval adapts: from 10 ms (or this,
  // if less) for a lane that keeps up, doubling while it is busy.
  int64_t commit_interval_us = 100'000;
  int64_t snapshot_interval_us = 10'000'000;
  // A commit also ends after this many rows, 0: no such bound. For tests that want many commits.
  uint64_t commit_rows = 0;
  // On a worker: so long a lane that failed waits before it is tried again; doubles with each
  // failure, up to a minute.
  int64_t retry_us = 1'000'000;
  // On a worker that ends: so long the store of snapshots is given to take what it lacks.
  int64_t finish_uploads_us = 15'000'000;
};

struct ModelProgress {
  std::string name;
  uint64_t version = 0;  // examples learned from
  std::vector<learn::MetricValue> metrics;
};

// What a lane was doing at its last commit.
struct LaneProgress {
  std::vector<Counter> counters;
  int64_t watermark = data::kMinTime;
  uint64_t journal_sequence = 0;
  uint64_t num_commits = 0;
  bool finished = false;
  // What its inputs hold and it has not read; its oldest_us is 0 where that is not known of one of
  // them. Nullopt: it is not known of all of them how much they hold.
  std::optional<log::Backlog> backlog;
  uint64_t num_state_entries = 0;
  // Position of the newest snapshot that is durable, of this life or as the journal tells; 0: none
  // is known.
  uint64_t snapshot_sequence = 0;
  // As Lane::oldest_replayable() and truncation_problem().
  uint64_t oldest_replayable = 1;
  std::string truncation_problem;
  // What the store of snapshots lacks; nullopt where there is none.
  std::optional<state::UploadStatus> uploads;
  // As Lane::claimed_assignment().
  uint64_t claimed_assignment = 0;
  std::vector<ModelProgress> models;
};

// The models of a lane, as they are now. Only while the lane does not run in another thread.
std::vector<ModelProgress> Models(const Lane& lane);
LaneProgress ProgressOf(const Lane& lane);

// Call Run() in one thread; RequestStop() and Progress() may be called from any other (RequestStop
// also from a signal handler).
class JobRunner {
 public:
  // All must outlive the runner.
  JobRunner(std::vector<std::unique_ptr<Lane>>& lanes, log::Log& log, Clock& clock,
            RunOptions options);

  // Runs until every lane has finished or stopped. When one lane fails, the others stop in order;
  // the first error is returned. When it is an input that cannot be read, they go on as far as that
  // lane got in event time and stop then, so that outputs in event order are a function of the
  // inputs. After a stop that was asked for, OK.
  absl::Status Run();
  void RequestStop() { stop_.store(true); }
  bool stop_requested() const { return stop_.load(); }
  bool failed() const { return failed_.load(); }  // a lane has; the others are stopping
  // By lane; refreshed at commits.
  std::vector<LaneProgress> Progress() const;

 private:
  absl::Status RunLane(size_t index);
  void NoteEnd(size_t index, const absl::Status& result);
  absl::Status StopBecauseOfInput(size_t index, const absl::Status& failure);
  bool IsPast(const Lane& lane) const;
  void NoteIdle(size_t index, uint64_t version);
  void Publish(size_t index);

  std::vector<std::unique_ptr<Lane>>& lanes_;
  log::Log& log_;
  Clock& clock_;
  const RunOptions options_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};
  std::atomic<bool> all_idle_{false};  // an input failed, and no lane has anything left to do
  // An input failed: lanes end where all is processed that is older than this. kMaxTime: none did.
  std::atomic<int64_t> end_time_{data::kMaxTime};
  mutable Mutex mutex_;
  std::vector<LaneProgress> progress_ ABSL_GUARDED_BY(mutex_);
  std::vector<bool> ended_ ABSL_GUARDED_BY(mutex_);
  // The version of the log in which the lane found nothing to do at last, once an input failed.
  std::vector<std::optional<uint64_t>> idle_at_ ABSL_GUARDED_BY(mutex_);
  absl::Status first_error_ ABSL_GUARDED_BY(mutex_);  // in time: others may follow from it
};

}  // namespace streamml::lane
