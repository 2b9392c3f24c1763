#include "tests/kill/killing_disk.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/mutex.h"
#include "base/status.h"

namespace streamml::kill {
namespace {

constexpr std::array<const char*, 4> kPhaseNames = {"recovery", "repair", "snapshot", "commit"};
constexpr std::array<const char*, 3> kCutNames = {"before", "half", "after"};

bool IsLog(const std::string& path) { return absl::StrContains(path, "/.streamml/log/"); }
bool IsSnapshot(const std::string& path) { return absl::StrContains(path, "/.streamml/lanes/"); }
bool IsPart(const std::string& path) { return absl::EndsWith(path, ".jsonl"); }

struct Operation {
  const char* name = "";
  const std::string& path;
  bool changes = true;
};

// Counts operations by phase and decides where to die. Thread-safe.
class Executioner {
 public:
  explicit Executioner(KillPlan plan) : plan_(std::move(plan)) {}

  // Before the operation; true when the process is to die in it. Then `cut` was kHalf or kAfter and
  // the caller does that much and calls Die.
  bool Begin(const Operation& operation) {
    bool chosen = false;
    {
      const MutexLock lock(mutex_);
      Look(operation);
      chosen = Counts(operation) && ++count_ >= plan_.operation && !dying_ &&
               (plan_.cut != Cut::kHalf || std::string_view(operation.name) == "append");
      dying_ = dying_ || chosen;
    }
    if (chosen && plan_.cut == Cut::kBefore) Die(operation);
    return chosen;
  }

  // A transaction of this log is durable: in recovery these are claims, one for each lane.
  void LogSynced(const std::string& path) {
    const MutexLock lock(mutex_);
    claimed_.insert(path);
    if (absl::StartsWith(path, last_lane_)) recovering_ = false;
  }

  Cut cut() const { return plan_.cut; }

  [[noreturn]] void Die(const Operation& operation) const {
    const std::string line = absl::StrCat(kPhaseNames[static_cast<size_t>(plan_.phase)], "\t",
                                          kCutNames[static_cast<size_t>(plan_.cut)], "\t",
                                          operation.name, "\t", operation.path, "\n");
    const int file = open(plan_.report.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    // Without its line the runner counts the death as one of an unknown phase.
    if (file >= 0) static_cast<void>(!write(file, line.data(), line.size()));
    ::kill(getpid(), SIGKILL);
    while (true) pause();
  }

 private:
  // Learns from the operation where the process is.
  void Look(const Operation& operation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const std::string_view name = operation.name;
    if (!started_ && name == "lock" && IsLog(operation.path)) started_ = recovering_ = true;
    // Lanes are opened in order, before the first of them is recovered.
    if (name == "make directories" && absl::StrContains(operation.path, "/log/lane-")) {
      last_lane_ = operation.path + "/";
    }
    const bool after_claim = name == "append" && claimed_.contains(operation.path);
    if (after_claim || (name == "append" && IsPart(operation.path))) recovering_ = false;
  }

  bool Counts(const Operation& operation) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!started_) return false;
    switch (plan_.phase) {
      case Phase::kRecovery:
        return recovering_;
      case Phase::kRepair:
        return recovering_ && operation.changes;
      case Phase::kSnapshot:
        return !recovering_ && operation.changes && IsSnapshot(operation.path);
      case Phase::kCommit:
        return !recovering_ && operation.changes &&
               (IsLog(operation.path) || IsPart(operation.path));
    }
    return false;
  }

  const KillPlan plan_;
  Mutex mutex_;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool recovering_ ABSL_GUARDED_BY(mutex_) = false;
  std::string last_lane_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> claimed_ ABSL_GUARDED_BY(mutex_);  // logs with a claim of this process
  uint64_t count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool dying_ ABSL_GUARDED_BY(mutex_) = false;
};

// Does `action` as the operation, unless the process dies before or after it.
template <typename Action>
auto Perform(Executioner& executioner, const Operation& operation, const Action& action) {
  const bool chosen = executioner.Begin(operation);
  auto result = action();
  if (chosen) executioner.Die(operation);
  return result;
}

class KillingAppendFile final : public AppendFile {
 public:
  KillingAppendFile(std::unique_ptr<AppendFile> file, std::string path, Executioner& executioner)
      : file_(std::move(file)), path_(std::move(path)), executioner_(executioner) {}

  absl::Status Append(std::string_view bytes) override {
    const Operation operation{"append", path_};
    const bool chosen = executioner_.Begin(operation);
    has_transaction_ = has_transaction_ || file_->size() > 0;
    if (chosen && executioner_.cut() == Cut::kHalf) bytes = bytes.substr(0, bytes.size() / 2);
    const absl::Status status = file_->Append(bytes);
    if (chosen) executioner_.Die(operation);
    return status;
  }
  absl::Status Sync() override {
    const absl::Status status =
        Perform(executioner_, {"sync", path_}, [this] { return file_->Sync(); });
    // The first sync of a new log is that of its header.
    if (status.ok() && has_transaction_ && IsLog(path_)) executioner_.LogSynced(path_);
    return status;
  }
  uint64_t size() const override { return file_->size(); }

 private:
  std::unique_ptr<AppendFile> file_;
  const std::string path_;
  Executioner& executioner_;
  bool has_transaction_ = false;
};

class KillingReadFile final : public ReadFile {
 public:
  KillingReadFile(std::unique_ptr<ReadFile> file, std::string path, Executioner& executioner)
      : file_(std::move(file)), path_(std::move(path)), executioner_(executioner) {}

  absl::Status ReadAt(uint64_t offset, size_t size, std::string& out) const override {
    return Perform(executioner_, {"read", path_, false},
                   [&] { return file_->ReadAt(offset, size, out); });
  }
  absl::StatusOr<uint64_t> Size() const override { return file_->Size(); }

 private:
  std::unique_ptr<ReadFile> file_;
  const std::string path_;
  Executioner& executioner_;
};

class KillingDisk final : public Disk {
 public:
  KillingDisk(std::unique_ptr<Disk> disk, KillPlan plan)
      : disk_(std::move(disk)), executioner_(std::move(plan)) {}

  absl::StatusOr<std::unique_ptr<AppendFile>> OpenForAppend(const std::string& path) override {
    auto file = Perform(executioner_, {"open", path}, [&] { return disk_->OpenForAppend(path); });
    RETURN_IF_ERROR(file.status());
    return std::make_unique<KillingAppendFile>(*std::move(file), path, executioner_);
  }
  absl::StatusOr<std::unique_ptr<ReadFile>> OpenForRead(const std::string& path) override {
    auto file = disk_->OpenForRead(path);
    RETURN_IF_ERROR(file.status());
    return std::make_unique<KillingReadFile>(*std::move(file), path, executioner_);
  }
  absl::Status Truncate(const std::string& path, uint64_t size) override {
    return Perform(executioner_, {"truncate", path}, [&] { return disk_->Truncate(path, size); });
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return Perform(executioner_, {"rename", from}, [&] { return disk_->Rename(from, to); });
  }
  absl::Status Remove(const std::string& path) override {
    return Perform(executioner_, {"remove", path}, [&] { return disk_->Remove(path); });
  }
  absl::Status MakeDirectories(const std::string& path) override {
    return Perform(executioner_, {"make directories", path},
                   [&] { return disk_->MakeDirectories(path); });
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    return Perform(executioner_, {"list", path, false}, [&] { return disk_->List(path); });
  }
  absl::Status SyncDirectory(const std::string& path) override {
    return Perform(executioner_, {"sync directory", path},
                   [&] { return disk_->SyncDirectory(path); });
  }
  absl::StatusOr<std::unique_ptr<DiskLock>> Lock(const std::string& path) override {
    return Perform(executioner_, {"lock", path}, [&] { return disk_->Lock(path); });
  }

 private:
  std::unique_ptr<Disk> disk_;
  Executioner executioner_;
};

template <size_t size>
std::optional<size_t> IndexOf(const std::array<const char*, size>& names, std::string_view name) {
  for (size_t i = 0; i < size; ++i) {
    if (names[i] == name) return i;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<KillPlan> ParseKillPlan(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 3));
  KillPlan plan;
  if (parts.size() == 4) {
    const std::optional<size_t> phase = IndexOf(kPhaseNames, parts[0]);
    const std::optional<size_t> cut = IndexOf(kCutNames, parts[2]);
    if (phase.has_value() && cut.has_value() && absl::SimpleAtoi(parts[1], &plan.operation) &&
        plan.operation > 0 && !parts[3].empty()) {
      plan.phase = static_cast<Phase>(*phase);
      plan.cut = static_cast<Cut>(*cut);
      plan.report = parts[3];
      return plan;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "STREAMML_KILL is '", text,
      "'; allowed: recovery|repair|snapshot|commit:OPERATION:before|half|after:REPORT FILE"));
}

std::unique_ptr<Disk> MakeKillingDisk(std::unique_ptr<Disk> disk, KillPlan plan) {
  return std::make_unique<KillingDisk>(std::move(disk), std::move(plan));
}

}  // namespace streamml::kill
