#include "worker/log/file/file_log.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/status.h"
#include "worker/log/commit_bell.h"
#include "worker/log/file/internal/lane_file.h"

namespace streamml::log {
namespace {

using internal::CommitCursor;
using internal::LaneFile;
using internal::ReadCommit;

class FileLaneWriter final : public LaneWriter {
 public:
  FileLaneWriter(LaneFile& file, CommitBell& bell) : file_(file), bell_(bell) {}
  absl::Status Commit(const Transaction& transaction) override {
    if (!transaction.records.empty()) {
      return absl::InternalError("a log in files cannot write to topics of others");
    }
    if (transaction.sequence != file_.end().sequence) {
      return absl::InternalError(absl::StrCat("transaction ", transaction.sequence,
                                              " where transaction ", file_.end().sequence,
                                              " belongs"));
    }
    RETURN_IF_ERROR(file_.Append(transaction));
    bell_.Ring();
    return absl::OkStatus();
  }
  Position end() const override { return file_.end(); }

 private:
  LaneFile& file_;
  CommitBell& bell_;
};

class FileJournalReader final : public JournalReader {
 public:
  FileJournalReader(const LaneFile& file, const Position& start) : cursor_(file, start) {}
  absl::StatusOr<std::optional<JournalEntry>> Next() override {
    ASSIGN_OR_RETURN(const std::optional<ReadCommit> commit, cursor_.Next());
    if (!commit.has_value()) return std::nullopt;
    JournalEntry entry;
    entry.sequence = commit->at.sequence;
    entry.next = commit->next;
    ASSIGN_OR_RETURN(entry.record, cursor_.ReadJournal(*commit));
    cursor_.Pass(*commit);
    return entry;
  }

 private:
  CommitCursor cursor_;
};

class FileChannelReader final : public ChannelReader {
 public:
  FileChannelReader(const LaneFile& file, ChannelId channel, const Position& start)
      : cursor_(file, start), channel_(std::move(channel)) {}
  absl::StatusOr<std::optional<FetchedFrame>> Next() override {
    while (true) {
      ASSIGN_OR_RETURN(const std::optional<ReadCommit> commit, cursor_.Next());
      if (!commit.has_value()) return std::nullopt;
      for (size_t i = 0; i < commit->header.frames.size(); ++i) {
        const internal::FrameEntry& frame = commit->header.frames[i];
        if (frame.partition != channel_.partition || frame.topic != channel_.topic) continue;
        FetchedFrame fetched;
        fetched.sequence = commit->at.sequence;
        fetched.watermark = commit->header.watermark;
        fetched.num_rows = frame.num_rows;
        fetched.next = commit->next;
        ASSIGN_OR_RETURN(fetched.rows, cursor_.ReadFrame(*commit, i));
        cursor_.Pass(*commit);
        return fetched;
      }
      cursor_.Pass(*commit);
    }
  }

 private:
  CommitCursor cursor_;
  ChannelId channel_;
};

class FileLog final : public Log {
 public:
  FileLog(std::unique_ptr<DiskLock> lock, std::vector<std::unique_ptr<LaneFile>> lanes,
          std::map<uint32_t, std::set<uint32_t>> readers)
      : lock_(std::move(lock)), lanes_(std::move(lanes)), readers_(std::move(readers)) {}

  absl::StatusOr<std::unique_ptr<LaneWriter>> OpenLane(uint32_t lane) override {
    RETURN_IF_ERROR(CheckLane(lane));
    return std::make_unique<FileLaneWriter>(*lanes_[lane], bell_);
  }
  absl::StatusOr<std::unique_ptr<JournalReader>> OpenJournal(uint32_t lane,
                                                             const Position& start) override {
    RETURN_IF_ERROR(CheckLane(lane));
    const LaneFile& file = *lanes_[lane];
    if (start == Position{}) return std::make_unique<FileJournalReader>(file, file.begin());
    RETURN_IF_ERROR(file.CheckKept(start));
    return std::make_unique<FileJournalReader>(file, start.sequence == 1 ? file.begin() : start);
  }
  absl::StatusOr<std::unique_ptr<ChannelReader>> OpenChannel(const ChannelId& channel,
                                                             const Position& start) override {
    RETURN_IF_ERROR(CheckLane(channel.producer));
    const LaneFile& file = *lanes_[channel.producer];
    const Position end = file.end();
    if (start.sequence > end.sequence || start.bytes > end.bytes) {
      return absl::DataLossError(absl::StrCat(
          "log: lane ", channel.producer, " ends before transaction ", end.sequence, " (byte ",
          end.bytes, "), but transactions before ", start.sequence, " (byte ", start.bytes,
          ") of topic '", channel.topic,
          "' were already consumed: its file was cut or replaced; way out: put back an "
          "undamaged copy of it, or start over in an empty data folder"));
    }
    RETURN_IF_ERROR(file.CheckKept(start));
    return std::make_unique<FileChannelReader>(file, channel,
                                               start.sequence == 1 ? file.begin() : start);
  }
  absl::StatusOr<std::optional<JournalEntry>> LastEntry(uint32_t lane) override {
    RETURN_IF_ERROR(CheckLane(lane));
    const std::optional<Position> last = lanes_[lane]->last();
    if (!last.has_value()) return std::nullopt;
    return FileJournalReader(*lanes_[lane], *last).Next();
  }
  absl::Status Truncate(const Needs& needs) override {
    RETURN_IF_ERROR(CheckLane(needs.lane));
    std::map<uint32_t, uint64_t> rows;  // by producer
    for (const Needs::Channel& channel : needs.channels) {
      RETURN_IF_ERROR(CheckLane(channel.id.producer));
      const auto [entry, added] = rows.try_emplace(channel.id.producer, channel.from.bytes);
      entry->second = std::min(entry->second, channel.from.bytes);
    }
    const MutexLock lock(needs_mutex_);
    needed_[needs.lane].journal = needs.journal.bytes;
    for (const auto& [producer, bytes] : rows) needed_[producer].rows[needs.lane] = bytes;
    for (const auto& [producer, by_reader] : needed_) RETURN_IF_ERROR(Remove(producer, by_reader));
    return absl::OkStatus();
  }
  uint64_t version() const override { return bell_.version(); }
  void WaitForCommit(uint64_t seen, int64_t timeout_us) override { bell_.Wait(seen, timeout_us); }

 private:
  absl::Status CheckLane(uint32_t lane) const {
    if (lane < lanes_.size()) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("log: lane ", lane, " of ", lanes_.size(), " asked for"));
  }

  struct Needed {
    std::optional<uint64_t> journal;
    std::map<uint32_t, uint64_t> rows;  // by reader
  };
  absl::Status Remove(uint32_t lane, const Needed& needed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(needs_mutex_) {
    const auto readers = readers_.find(lane);
    if (!needed.journal.has_value() || readers == readers_.end()) return absl::OkStatus();
    uint64_t bytes = *needed.journal;
    for (const uint32_t reader : readers->second) {
      const auto told = needed.rows.find(reader);
      if (told == needed.rows.end()) return absl::OkStatus();
      bytes = std::min(bytes, told->second);
    }
    return lanes_[lane]->RemoveBefore(bytes);
  }

  std::unique_ptr<DiskLock> lock_;
  std::vector<std::unique_ptr<LaneFile>> lanes_;
  const std::map<uint32_t, std::set<uint32_t>> readers_;
  CommitBell bell_;
  // Held while files are removed: they go one after the other. Nobody else waits for it.
  Mutex needs_mutex_;
  std::map<uint32_t, Needed> needed_ ABSL_GUARDED_BY(needs_mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Log>> OpenFileLog(Disk& disk, const std::string& folder,
                                                 uint32_t num_lanes, const FileLogOptions& options,
                                                 std::vector<std::string>& notes) {
  RETURN_IF_ERROR(disk.MakeDirectories(folder));
  ASSIGN_OR_RETURN(std::unique_ptr<DiskLock> lock, disk.Lock(absl::StrCat(folder, "/lock")));
  std::vector<std::unique_ptr<LaneFile>> lanes;
  for (uint32_t lane = 0; lane < num_lanes; ++lane) {
    ASSIGN_OR_RETURN(
        std::unique_ptr<LaneFile> file,
        LaneFile::Open(disk, absl::StrCat(folder, "/lane-", lane), lane, options, notes));
    lanes.push_back(std::move(file));
  }
  return std::make_unique<FileLog>(std::move(lock), std::move(lanes), options.readers);
}

}  // namespace streamml::log
