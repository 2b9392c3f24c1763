// `streamml run`: opens the data folder, runs all lanes, shows how far they are, prints the
// summary.
#include <iostream>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "worker/cli/commands.h"
#include "worker/cli/exit_code.h"
#include "worker/cli/job_folder.h"
#include "worker/cli/progress_view.h"
#include "worker/cli/signals.h"
#include "worker/cli/store_view.h"
#include "worker/cli/summary.h"
#include "worker/cli/summary_file.h"
#include "worker/cli/tail.h"
#include "worker/cli/terminal.h"

namespace streamml::cli {
namespace {

constexpr int64_t kLookUs = 10'000;  // how soon a signal is seen
constexpr int64_t kRedrawUs = 200'000;
constexpr int64_t kLineUs = 5'000'000;
constexpr int64_t kFinishUploadsUs = 30'000'000;  // that the store of snapshots gets at the end

// Set once, by the thread that runs the lanes. Thread-safe.
class Done {
 public:
  void Set() {
    MutexLock lock(mutex_);
    done_ = true;
    changed_.NotifyAll();
  }
  // Waits a moment; true once set.
  bool Wait() {
    MutexLock lock(mutex_);
    if (!done_) changed_.WaitFor(mutex_, kLookUs);
    return done_;
  }

 private:
  Mutex mutex_;
  ConditionVariable changed_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

// One run of one job.
class Run {
 public:
  Run(const CommandLine& line, Disk& disk) : line_(line), disk_(disk) {}

  absl::Status Execute() {
    ASSIGN_OR_RETURN(job_, LoadJob(line_));
    if (!line_.summary.empty() && line_.summary != "-") {
      RETURN_IF_ERROR(CheckSummaryPlace(job_, disk_, line_.summary));  // before hours of work
    }
    CatchStopSignals();
    const auto note = [this](const std::string& text) {
      terminal_.Print(absl::StrCat("note: ", text));
    };
    for (const std::string& model : plan::ModelsThatRaceFiles(job_.plan)) {
      note(absl::StrCat("model ", model,
                        " is trained apart and adopted as soon as possible: files are read faster "
                        "than it learns, so its scores are those of early versions; use adopt: "
                        "{policy: eventTime, every: .., lag: ..} for scores that do not depend on "
                        "speed"));
    }
    ASSIGN_OR_RETURN(folder_, JobFolder::Open(job_, disk_, /*must_exist=*/false, note));
    if (!line_.print_sink.empty())
      RETURN_IF_ERROR(SinkTail::Make(job_, line_.print_sink, folder_->disk()).status());
    RETURN_IF_ERROR(folder_->OpenLanes(note, StopRequested));
    if (folder_->lanes().empty()) {
      terminal_.Print(absl::StrCat(job_.name, ": stopped while it was opened; nothing was done"));
      return absl::OkStatus();
    }
    if (!line_.print_sink.empty()) {
      ASSIGN_OR_RETURN(tail_, SinkTail::Make(job_, line_.print_sink, folder_->disk()));
    }
    return RunAndSummarize();
  }

 private:
  absl::Status RunAndSummarize() {
    std::vector<lane::LaneProgress> before;
    bool finished = true;
    for (const auto& lane : folder_->lanes()) {
      before.push_back(lane::ProgressOf(*lane));
      finished = finished && lane->finished();
    }
    const int64_t start_us = SystemClock().MonotonicMicroseconds();
    if (!finished) RETURN_IF_ERROR(RunLanes());
    const std::string left_here = folder_->FinishUploads(kFinishUploadsUs);
    if (!left_here.empty()) terminal_.Print(absl::StrCat("note: ", left_here));
    const double seconds =
        static_cast<double>(SystemClock().MonotonicMicroseconds() - start_us) / 1e6;
    ASSIGN_OR_RETURN(Summary summary,
                     Summarize(job_, folder_->lanes(), folder_->disk(), TotalsOf(job_.plan, before),
                               finished ? 0 : seconds));
    summary.did_work = !finished;
    return Tell(summary);
  }

  absl::Status RunLanes() {
    lane::RunOptions options;
    options.commit_interval_us = line_.commit_interval_us;
    options.snapshot_interval_us = line_.snapshot_interval_us >= 0 ? line_.snapshot_interval_us
                                                                   : job_.plan.snapshot_interval_us;
    options.commit_rows = line_.commit_rows;
    lane::JobRunner runner(folder_->lanes(), folder_->log(), SystemClock(), options);
    Done done;
    absl::Status result;
    std::thread worker([&runner, &done, &result] {
      result = runner.Run();
      done.Set();
    });
    absl::Status watched = Watch(runner, done);
    worker.join();
    terminal_.Erase();
    RETURN_IF_ERROR(result);
    return watched;
  }

  // Until `done`. An error asks the lanes to stop and is returned when they have.
  absl::Status Watch(lane::JobRunner& runner, Done& done) {
    ProgressView view(job_.plan, {job_.name, terminal_.has_color()});
    view.Start(runner.Progress(), SystemClock().MonotonicMicroseconds());
    int64_t last_shown = terminal_.is_terminal() ? 0 : SystemClock().MonotonicMicroseconds();
    absl::Status status;
    while (!done.Wait()) {
      if (StopRequested()) runner.RequestStop();
      status.Update(CopyTail());
      if (!status.ok()) runner.RequestStop();
      if (runner.failed()) folder_->patience().GiveUp();
      const std::string trouble = folder_->patience().TakeNews();
      if (!trouble.empty()) terminal_.Print(absl::StrCat("note: ", trouble));
      const std::string store = TakeStoreNews(runner.Progress());
      if (!store.empty()) terminal_.Print(absl::StrCat("note: ", store));
      TellTruncation(runner.Progress());
      const int64_t now = SystemClock().MonotonicMicroseconds();
      if (now - last_shown < (terminal_.is_terminal() ? kRedrawUs : kLineUs)) continue;
      last_shown = now;
      if (terminal_.is_terminal()) {
        terminal_.Draw(view.Block(runner.Progress(), now));
      } else {
        terminal_.Print(view.Line(runner.Progress(), now));
      }
    }
    status.Update(CopyTail());
    return status;
  }

  std::string TakeStoreNews(const std::vector<lane::LaneProgress>& lanes) {
    if (job_.plan.snapshot_store.empty()) return "";
    std::vector<std::optional<state::UploadStatus>> uploads;
    uploads.reserve(lanes.size());
    for (const lane::LaneProgress& lane : lanes) uploads.push_back(lane.uploads);
    return store_news_.Take(uploads);
  }

  // Once for each reason: rows go on, and only disk is lost.
  void TellTruncation(const std::vector<lane::LaneProgress>& lanes) {
    for (const lane::LaneProgress& lane : lanes) {
      if (lane.truncation_problem.empty() || lane.truncation_problem == told_) continue;
      told_ = lane.truncation_problem;
      terminal_.Print(absl::StrCat(
          "note: what nobody needs any more could not be removed, the job goes on: ", told_));
    }
  }

  absl::Status CopyTail() { return tail_.has_value() ? tail_->Copy() : absl::OkStatus(); }

  absl::Status Tell(const Summary& summary) {
    if (line_.summary == "-") {
      std::cout << ToJson(summary) << std::flush;
    } else {
      // Rows have standard output to themselves.
      (tail_.has_value() ? std::cerr : std::cout) << ToText(summary) << std::flush;
      if (!line_.summary.empty())
        RETURN_IF_ERROR(WriteSummary(folder_->disk(), line_.summary, ToJson(summary)));
    }
    if (summary.account.problems.empty()) return absl::OkStatus();
    return absl::DataLossError(
        absl::StrCat("rows do not add up: ", summary.account.problems.front()));
  }

  const CommandLine& line_;
  Disk& disk_;
  Terminal terminal_;
  Job job_;
  std::unique_ptr<JobFolder> folder_;
  std::optional<SinkTail> tail_;
  StoreNews store_news_;
  std::string told_;  // of truncation
};

}  // namespace

int RunJob(const CommandLine& line, Disk& disk) {
  Run run(line, disk);
  const absl::Status status = run.Execute();
  return status.ok() ? kExitDone : Fail(status);
}

}  // namespace streamml::cli
