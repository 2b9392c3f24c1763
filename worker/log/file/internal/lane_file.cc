#include "worker/log/file/internal/lane_file.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/hash.h"
#include "base/status.h"

namespace streamml::log::internal {
namespace {

constexpr std::string_view kSuffix = ".log";
constexpr size_t kHeaderGuess = 2048;  // most headers fit into the first read
constexpr size_t kMaxReaders = 4;      // open files; readers of a lane mostly read one segment
constexpr std::string_view kWayOut =
    "; way out: put back an undamaged copy of the file, or start over in an empty data folder "
    "(inputs are not touched, and the results will be the same)";

// The first place in `bytes` from `from` on where an undamaged header stands, if any.
std::optional<CommitHeader> FindCommitAfter(std::string_view bytes, size_t from) {
  for (size_t at = from; at + kCommitPrefixSize <= bytes.size(); ++at) {
    if (!CommitHeaderSize(bytes.substr(at)).has_value()) continue;
    std::optional<CommitHeader> header = DecodeCommitHeader(bytes.substr(at));
    if (header.has_value()) return header;
  }
  return std::nullopt;
}

// Whether the body of `header`, which starts at the front of `body`, is whole and undamaged.
bool BodyIsIntact(const CommitHeader& header, std::string_view body) {
  if (body.size() < header.body_size()) return false;
  if (Hash64(body.substr(0, header.journal_size)) != header.journal_hash) return false;
  body.remove_prefix(header.journal_size);
  for (const FrameEntry& frame : header.frames) {
    if (Hash64(body.substr(0, frame.size)) != frame.hash) return false;
    body.remove_prefix(frame.size);
  }
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LaneFile>> LaneFile::Open(Disk& disk, const std::string& folder,
                                                         uint32_t lane,
                                                         const FileLogOptions& options,
                                                         std::vector<std::string>& notes) {
  RETURN_IF_ERROR(disk.MakeDirectories(folder));
  // What a killed process made and did not come to sync is believed from here on.
  RETURN_IF_ERROR(disk.SyncDirectory(folder));
  std::unique_ptr<LaneFile> file(new LaneFile(disk, folder, lane, options));
  RETURN_IF_ERROR(file->FindSegments(notes));
  RETURN_IF_ERROR(file->CheckSegments(notes));
  const std::vector<Segment> segments = [&file] {
    const MutexLock lock(file->mutex_);
    return file->segments_;
  }();
  if (!segments.empty()) {
    // A process that was killed may have left a whole transaction that only the page cache knows.
    ASSIGN_OR_RETURN(file->file_, disk.OpenForAppend(segments.back().path));
    RETURN_IF_ERROR(file->file_->Sync());
    file->file_base_ = segments.back().base;
  }
  return file;
}

absl::Status LaneFile::Damaged(const Segment& segment, uint64_t offset,
                               std::string_view what) const {
  return absl::DataLossError(
      absl::StrCat("log: '", segment.path, "' is damaged at byte ", offset, ": ", what, kWayOut));
}

// Lists the segments. The newest may lack a whole header (a crash while it was made): it is
// removed.
absl::Status LaneFile::FindSegments(std::vector<std::string>& notes) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List(folder_));
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (name.ends_with(kSuffix)) files.push_back(name);
  }
  for (size_t i = 0; i < files.size(); ++i) {
    Segment segment;
    segment.path = absl::StrCat(folder_, "/", files[i]);
    ASSIGN_OR_RETURN(const std::unique_ptr<ReadFile> file, disk_.OpenForRead(segment.path));
    std::string bytes;
    RETURN_IF_ERROR(file->ReadAt(0, kSegmentHeaderSize, bytes));
    ASSIGN_OR_RETURN(const uint64_t size, file->Size());
    if (SegmentVersion(bytes).value_or(kFormatVersion) != kFormatVersion) {
      return absl::DataLossError(absl::StrCat(
          "log: '", segment.path, "' has format version ", *SegmentVersion(bytes),
          "; this build reads version ", kFormatVersion,
          "; way out: run the build that wrote it, or start over in an empty data folder"));
    }
    const std::optional<SegmentHeader> header = DecodeSegmentHeader(bytes);
    if (!header.has_value() && i + 1 == files.size() && size <= kSegmentHeaderSize) {
      notes.push_back(absl::StrCat("removed '", segment.path, "', which a crash left unfinished"));
      RETURN_IF_ERROR(disk_.Remove(segment.path));
      RETURN_IF_ERROR(disk_.SyncDirectory(folder_));
      continue;
    }
    if (!header.has_value()) return Damaged(segment, 0, "not a segment header");
    if (header->lane != lane_) return Damaged(segment, 0, "segment of another lane");
    segment.base = header->base;
    segment.first_sequence = header->first_sequence;
    segment.size = size;
    const MutexLock lock(mutex_);
    segments_.push_back(std::move(segment));
  }
  return absl::OkStatus();
}

// All of the newest two, because the newest may have lost all that was in it; of older ones, that
// none is missing between them.
absl::Status LaneFile::CheckSegments(std::vector<std::string>& notes) {
  const std::vector<Segment> segments = [this] {
    const MutexLock lock(mutex_);
    return segments_;
  }();
  if (segments.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckOrder(segments));
  const size_t first = segments.size() >= 2 ? segments.size() - 2 : 0;
  if (segments[first].base > 0) last_hash_ = std::nullopt;
  {
    const MutexLock lock(mutex_);
    end_ = {segments[first].first_sequence, segments[first].base};
  }
  for (size_t i = first; i < segments.size(); ++i) {
    RETURN_IF_ERROR(CheckSegment(segments[i], i + 1 == segments.size(), notes));
  }
  return absl::OkStatus();
}

// The first need not be the lane's first: those before it may have been truncated, and who needs
// them finds out.
absl::Status LaneFile::CheckOrder(const std::vector<Segment>& segments) const {
  if (segments.front().base == 0 && segments.front().first_sequence != 1) {
    return Damaged(segments.front(), 0, "the first file of the lane does not begin with its first");
  }
  for (size_t i = 1; i < segments.size(); ++i) {
    const Segment& before = segments[i - 1];
    if (segments[i].base == before.base + before.size) continue;
    return Damaged(segments[i], 0,
                   absl::StrCat("begins at byte ", segments[i].base,
                                " of the lane's storage where ", before.base + before.size,
                                " was expected: a file before it is missing or cut"));
  }
  return absl::OkStatus();
}

// Walks all transactions of a segment. Bodies are checked in the last segment only; elsewhere when
// read.
absl::Status LaneFile::CheckSegment(const Segment& segment, bool last,
                                    std::vector<std::string>& notes) {
  const Position before = end();
  if (segment.base != before.bytes || segment.first_sequence != before.sequence) {
    return Damaged(
        segment, 0,
        absl::StrCat("starts with transaction ", segment.first_sequence, " where ", before.sequence,
                     " was expected: a file before it is missing or cut"));
  }
  ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(disk_, segment.path));
  uint64_t offset = kSegmentHeaderSize;
  Position position{segment.first_sequence, segment.base + offset};
  std::optional<Position> last_found;
  while (offset < bytes.size()) {
    const std::string_view rest = std::string_view(bytes).substr(offset);
    const std::optional<CommitHeader> header = DecodeCommitHeader(rest);
    std::string_view problem;
    if (!header.has_value()) {
      problem = "not an undamaged transaction header";
    } else if (header->sequence != position.sequence ||
               header->previous_hash != last_hash_.value_or(header->previous_hash)) {
      problem = "transaction is out of sequence";
    } else if (rest.size() < header->total_size() ||
               (last && !BodyIsIntact(*header, rest.substr(header->header_size)))) {
      problem = "transaction is cut short or does not match its checksum";
    }
    if (!problem.empty()) {
      if (!last) return Damaged(segment, offset, problem);
      RETURN_IF_ERROR(CutTail(segment, bytes, offset, problem, notes));
      break;
    }
    last_hash_ = header->hash;
    last_found = position;
    offset += header->total_size();
    ++position.sequence;
    position.bytes = segment.base + offset;
  }
  const MutexLock lock(mutex_);
  end_ = position;
  if (last_found.has_value()) last_ = last_found;
  return absl::OkStatus();
}

// What cannot be read is a torn tail only if no undamaged transaction follows it.
absl::Status LaneFile::CutTail(const Segment& segment, const std::string& bytes, uint64_t offset,
                               std::string_view what, std::vector<std::string>& notes) {
  const std::optional<CommitHeader> later = FindCommitAfter(bytes, offset + 1);
  if (later.has_value()) {
    return Damaged(segment, offset,
                   absl::StrCat(what, ", and transaction ", later->sequence, " follows it"));
  }
  notes.push_back(absl::StrCat("cut ", bytes.size() - offset,
                               " bytes of an unfinished transaction off '", segment.path,
                               "' at byte ", offset));
  return disk_.Truncate(segment.path, offset);
}

absl::Status LaneFile::StartSegment() {
  SegmentHeader header;
  header.lane = lane_;
  const Position at = end();
  header.base = at.bytes;
  header.first_sequence = at.sequence;
  Segment segment;
  segment.base = header.base;
  segment.first_sequence = header.first_sequence;
  segment.path = absl::StrCat(folder_, "/", absl::StrFormat("%020d", header.base), kSuffix);
  ASSIGN_OR_RETURN(file_, disk_.OpenForAppend(segment.path));
  if (file_->size() != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("log: '", segment.path, "' has ", file_->size(),
                     " bytes and was not there when the log was opened; nothing was written to it; "
                     "way out: stop "
                     "whoever else writes into the folder, and run again"));
  }
  RETURN_IF_ERROR(file_->Append(EncodeSegmentHeader(header)));
  RETURN_IF_ERROR(file_->Sync());
  RETURN_IF_ERROR(disk_.SyncDirectory(folder_));
  file_base_ = header.base;
  const MutexLock lock(mutex_);
  segments_.push_back(std::move(segment));
  end_.bytes += kSegmentHeaderSize;
  return absl::OkStatus();
}

// Sizes are stored in 32 bits.
absl::Status LaneFile::CheckSize(const Transaction& transaction) const {
  if (HeaderSizeBound(transaction) > kMaxHeaderSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("log: a transaction with rows for ", transaction.frames.size(),
                     " partitions, whose table would take more than ", kMaxHeaderSize,
                     " bytes; way out: fewer partitions (log.partitions), in another data folder"));
  }
  uint64_t bytes = transaction.journal.size();
  for (const Frame& frame : transaction.frames) bytes += frame.rows.size();
  if (bytes <= options_.max_transaction_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "log: a transaction of ", bytes, " bytes; at most ", options_.max_transaction_bytes,
      " are possible: too many rows share one event time, the last before ",
      absl::FormatTime(absl::RFC3339_full, absl::FromUnixMicros(transaction.watermark),
                       absl::UTCTimeZone()),
      "; way out: filter such rows in a view, or correct their times in the input, in another data "
      "folder"));
}

absl::Status LaneFile::Append(const Transaction& transaction) {
  RETURN_IF_ERROR(failed_);
  RETURN_IF_ERROR(CheckSize(transaction));
  failed_ = Write(transaction);
  return failed_;
}

absl::Status LaneFile::Write(const Transaction& transaction) {
  if (file_ == nullptr || file_->size() >= options_.segment_bytes) RETURN_IF_ERROR(StartSegment());
  const Position at = end();
  buffer_.clear();
  const uint64_t hash = EncodeCommit(transaction, at.sequence, last_hash_.value_or(0), buffer_);
  RETURN_IF_ERROR(file_->Append(buffer_));
  if (const absl::Status synced = file_->Sync(); !synced.ok()) {
    // What is not durable must not be found whole by the next life: the system says so only once.
    const absl::Status cut = disk_.Truncate(Locate(at.bytes).first, at.bytes - file_base_);
    return cut.ok() ? synced : Annotate(synced, std::string(cut.message()));
  }
  last_hash_ = hash;
  const MutexLock lock(mutex_);
  last_ = at;
  end_ = {at.sequence + 1, at.bytes + buffer_.size()};
  return absl::OkStatus();
}

Position LaneFile::begin() const {
  const MutexLock lock(mutex_);
  if (segments_.empty()) return Position{};
  return {segments_.front().first_sequence, segments_.front().base + kSegmentHeaderSize};
}

Position LaneFile::end() const {
  const MutexLock lock(mutex_);
  return end_;
}

std::optional<Position> LaneFile::last() const {
  const MutexLock lock(mutex_);
  return last_;
}

absl::Status LaneFile::CheckKept(const Position& position) const {
  const MutexLock lock(mutex_);
  if (segments_.empty() || position.sequence >= segments_.front().first_sequence) {
    return absl::OkStatus();
  }
  return absl::OutOfRangeError(absl::StrCat(
      "log: transaction ", position.sequence, " of '", folder_,
      "' is wanted, and what is kept begins with transaction ", segments_.front().first_sequence));
}

// One after the other, each durably: what is left after a crash must not have a gap. After an error
// nobody knows whether the file is still there, so no later one goes.
absl::Status LaneFile::RemoveBefore(uint64_t bytes) {
  while (removal_failed_.ok()) {
    std::string path;
    uint64_t base = 0;
    {
      const MutexLock lock(mutex_);
      if (segments_.size() < 2 || segments_[1].base > bytes) return absl::OkStatus();
      path = segments_.front().path;
      base = segments_.front().base;
      segments_.erase(segments_.begin());
      std::erase_if(readers_, [base](const OpenSegment& segment) { return segment.base == base; });
    }
    removal_failed_.Update(disk_.Remove(path));
    removal_failed_.Update(disk_.SyncDirectory(folder_));
  }
  return removal_failed_;
}

std::pair<std::string, uint64_t> LaneFile::Locate(uint64_t bytes) const {
  const MutexLock lock(mutex_);
  const auto after =
      std::upper_bound(segments_.begin(), segments_.end(), bytes,
                       [](uint64_t value, const Segment& segment) { return value < segment.base; });
  if (after == segments_.begin()) return {};
  const Segment& segment = *std::prev(after);
  return {segment.path, bytes - segment.base};
}

absl::Status LaneFile::ReadAt(uint64_t bytes, size_t size, std::string& out) const {
  const auto [path, offset] = Locate(bytes);
  if (path.empty()) {
    return absl::DataLossError(
        absl::StrCat("log: byte ", bytes, " of '", folder_, "' is in none of its files", kWayOut));
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<const ReadFile> reader, OpenToRead(bytes - offset, path));
  return reader->ReadAt(offset, size, out);
}

// Keeps the files that were used last open, and no more: a log may have more segments than a
// process may have files.
absl::StatusOr<std::shared_ptr<const ReadFile>> LaneFile::OpenToRead(
    uint64_t base, const std::string& path) const {
  const auto find = [this, base]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found =
        std::find_if(readers_.begin(), readers_.end(),
                     [base](const OpenSegment& segment) { return segment.base == base; });
    if (found != readers_.end()) std::rotate(found, found + 1, readers_.end());
    return found != readers_.end();
  };
  {
    const MutexLock lock(mutex_);
    if (find()) return readers_.back().file;
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const ReadFile> file, disk_.OpenForRead(path));
  const MutexLock lock(mutex_);
  if (find()) return readers_.back().file;  // another was faster
  if (readers_.size() == kMaxReaders) readers_.erase(readers_.begin());
  readers_.push_back({base, file});
  return file;
}

absl::StatusOr<std::optional<ReadCommit>> CommitCursor::Next() {
  const Position end = file_.end();
  if (position_.sequence >= end.sequence) {
    if (position_.sequence == end.sequence) return std::nullopt;
    return absl::DataLossError(absl::StrCat(
        "log: transaction ", position_.sequence,
        " is wanted, but the lane's log ends before transaction ", end.sequence, kWayOut));
  }
  RETURN_IF_ERROR(file_.CheckKept(position_));
  // A position at the end of a segment continues after the next segment's header.
  uint64_t bytes = position_.bytes;
  const auto [path, offset] = file_.Locate(bytes);
  if (offset == 0) bytes += kSegmentHeaderSize;
  RETURN_IF_ERROR(file_.ReadAt(bytes, kHeaderGuess, scratch_));
  const std::optional<uint32_t> size = CommitHeaderSize(scratch_);
  if (size.has_value() && *size > scratch_.size())
    RETURN_IF_ERROR(file_.ReadAt(bytes, *size, scratch_));
  std::optional<CommitHeader> header = DecodeCommitHeader(scratch_);
  if (!header.has_value() || header->sequence != position_.sequence) {
    return absl::DataLossError(absl::StrCat("log: '", path, "' has no transaction ",
                                            position_.sequence, " at byte ", offset, kWayOut));
  }
  ReadCommit commit;
  commit.at = {position_.sequence, bytes};
  commit.next = {position_.sequence + 1, bytes + header->total_size()};
  commit.header = *std::move(header);
  return commit;
}

absl::StatusOr<std::string> CommitCursor::ReadChecked(const ReadCommit& commit, uint64_t offset,
                                                      size_t size, uint64_t hash,
                                                      std::string_view what) {
  std::string bytes;
  RETURN_IF_ERROR(file_.ReadAt(commit.at.bytes + commit.header.header_size + offset, size, bytes));
  if (bytes.size() == size && Hash64(bytes) == hash) return bytes;
  return absl::DataLossError(absl::StrCat("log: ", what, " of transaction ", commit.at.sequence,
                                          " in '", file_.Locate(commit.at.bytes).first,
                                          "' does not match its checksum", kWayOut));
}

absl::StatusOr<std::string> CommitCursor::ReadJournal(const ReadCommit& commit) {
  return ReadChecked(commit, 0, commit.header.journal_size, commit.header.journal_hash,
                     "journal record");
}

absl::StatusOr<std::string> CommitCursor::ReadFrame(const ReadCommit& commit, size_t index) {
  uint64_t offset = commit.header.journal_size;
  for (size_t i = 0; i < index; ++i) offset += commit.header.frames[i].size;
  const FrameEntry& frame = commit.header.frames[index];
  return ReadChecked(commit, offset, frame.size, frame.hash, "frame");
}

}  // namespace streamml::log::internal
