#include "worker/log/file/file_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
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
  FileLog(std::unique_ptr<DiskLock> lock, std::vector<std::unique_ptr<LaneFile>> lanes)
      : lock_(std::move(lock)), lanes_(std::move(lanes)) {}

  absl::StatusOr<std::unique_ptr<LaneWriter>> OpenLane(uint32_t lane) override {
    RETURN_IF_ERROR(CheckLane(lane));
    return std::make_unique<FileLaneWriter>(*lanes_[lane], bell_);
  }
  absl::StatusOr<std::unique_ptr<JournalReader>> OpenJournal(uint32_t lane,
                                                             const Position& start) override {
    RETURN_IF_ERROR(CheckLane(lane));
    const LaneFile& file = *lanes_[lane];
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
    return std::make_unique<FileChannelReader>(file, channel,
                                               start.sequence == 1 ? file.begin() : start);
  }
  uint64_t version() const override { return bell_.version(); }
  void WaitForCommit(uint64_t seen, int64_t timeout_us) override { bell_.Wait(seen, timeout_us); }

 private:
  absl::Status CheckLane(uint32_t lane) const {
    if (lane < lanes_.size()) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("log: lane ", lane, " of ", lanes_.size(), " asked for"));
  }

  std::unique_ptr<DiskLock> lock_;
  std::vector<std::unique_ptr<LaneFile>> lanes_;
  CommitBell bell_;
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
  return std::make_unique<FileLog>(std::move(lock), std::move(lanes));
}

}  // namespace streamml::log
