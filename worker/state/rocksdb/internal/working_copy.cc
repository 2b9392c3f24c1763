#include "worker/state/rocksdb/internal/working_copy.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status.h"

namespace streamml::state {
namespace {

// Keys of one MultiGet and write: large enough to share the blocks that neighbours lie in.
constexpr size_t kGroupSize = 256;

bool NamesError(const std::string& message, std::initializer_list<int> errors) {
  return std::any_of(errors.begin(), errors.end(), [&message](int error) {
    return absl::EndsWith(message,
                          std::strerror(error));  // NOLINT(concurrency-mt-unsafe): glibc's is safe
  });
}

// RocksDB keeps the error number only in its text, but for a full disk.
absl::Status ToStatus(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat("rocksdb: ", status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(message);
  // Told as an invalid argument where a database is opened.
  if (NamesError(message, {EMFILE, ENFILE})) {
    return absl::ResourceExhaustedError(
        absl::StrCat(message, " (raise the limit that `ulimit -n` shows)"));
  }
  if (NamesError(message, {EIO})) return absl::UnavailableError(message);
  if (status.IsNoSpace() || NamesError(message, {EDQUOT, EFBIG})) {
    return absl::ResourceExhaustedError(message);
  }
  if (NamesError(message, {EACCES, EPERM, EROFS})) return absl::PermissionDeniedError(message);
  if (status.IsIOError()) return absl::UnavailableError(message);
  return absl::InternalError(message);
}

rocksdb::BlockBasedTableOptions TableOptions() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(size_t{8} << 20);
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 6;
  table.checksum = rocksdb::kXXH3;
  return table;
}

rocksdb::Options DatabaseOptions(WorkingCopy::Origin origin) {
  rocksdb::Options options;
  options.create_if_missing = origin == WorkingCopy::Origin::kNew;
  options.error_if_exists = origin == WorkingCopy::Origin::kNew;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions()));
  options.compression = rocksdb::kLZ4Compression;
  options.write_buffer_size = size_t{16} << 20;
  options.max_write_buffer_number = 2;
  options.target_file_size_base = uint64_t{16} << 20;
  options.max_bytes_for_level_base = uint64_t{64} << 20;
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.allow_concurrent_memtable_write = false;
  options.avoid_flush_during_shutdown = true;
  options.skip_stats_update_on_db_open = true;
  // Each checkpoint copies the manifest.
  options.max_manifest_file_size = uint64_t{1} << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_log_file_size = size_t{1} << 20;
  options.keep_log_file_num = 2;
  return options;
}

// Length of the state's name as two bytes, high one first; the name; the key. In this order the
// entries of a state lie together, ordered by key.
absl::Status AppendKey(std::string_view state, std::string_view key, std::string& out) {
  const size_t size = state.size();
  if (size > std::numeric_limits<uint16_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("name of a state has ", size, " bytes, 65535 are allowed"));
  }
  out.push_back(static_cast<char>(size >> 8));
  out.push_back(static_cast<char>(size));
  out.append(state);
  out.append(key);
  return absl::OkStatus();
}

struct EntryName {
  std::string_view state;
  std::string_view key;
};

bool SplitKey(std::string_view bytes, EntryName& name) {
  if (bytes.size() < 2) return false;
  const size_t size =
      static_cast<size_t>(static_cast<uint8_t>(bytes[0])) << 8 | static_cast<uint8_t>(bytes[1]);
  if (bytes.size() < 2 + size) return false;
  name = {bytes.substr(2, size), bytes.substr(2 + size)};
  return true;
}

// Below, equal or above zero, as the encoded keys compare.
int CompareEntries(const StateChange& a, const StateChange& b) {
  if (a.state.size() != b.state.size()) return a.state.size() < b.state.size() ? -1 : 1;
  const int states = a.state.compare(b.state);
  return states != 0 ? states : a.key.compare(b.key);
}

// The last change of each entry, in the order of the database.
std::vector<const StateChange*> InKeyOrder(const std::vector<StateChange>& changes) {
  std::vector<const StateChange*> ordered;
  ordered.reserve(changes.size());
  for (const StateChange& change : changes) ordered.push_back(&change);
  std::sort(ordered.begin(), ordered.end(), [](const StateChange* a, const StateChange* b) {
    const int order = CompareEntries(*a, *b);
    return order != 0 ? order < 0 : a > b;  // the later one lies behind in `changes`
  });
  const auto same = [](const StateChange* a, const StateChange* b) {
    return CompareEntries(*a, *b) == 0;
  };
  ordered.erase(std::unique(ordered.begin(), ordered.end(), same), ordered.end());
  return ordered;
}

// Applies groups of changes; reuses its buffers from one to the next.
class GroupWriter {
 public:
  GroupWriter(rocksdb::DB& database, StateSum& sum) : database_(database), sum_(sum) {
    write_options_.disableWAL = true;
  }

  // At most kGroupSize changes, in key order and of different entries.
  absl::Status Apply(absl::Span<const StateChange* const> group) {
    RETURN_IF_ERROR(EncodeKeys(group));
    const size_t size = group.size();
    database_.MultiGet(rocksdb::ReadOptions(), database_.DefaultColumnFamily(), size, keys_.data(),
                       old_values_.data(), statuses_.data(), /*sorted_input=*/true);
    batch_.Clear();
    for (size_t i = 0; i < size; ++i) RETURN_IF_ERROR(ApplyOne(*group[i], i));
    return ToStatus(database_.Write(write_options_, &batch_));
  }

 private:
  absl::Status EncodeKeys(absl::Span<const StateChange* const> group) {
    key_bytes_.clear();
    std::array<size_t, kGroupSize> ends{};
    for (size_t i = 0; i < group.size(); ++i) {
      RETURN_IF_ERROR(AppendKey(group[i]->state, group[i]->key, key_bytes_));
      ends[i] = key_bytes_.size();
    }
    for (size_t i = 0; i < group.size(); ++i) {
      const size_t begin = i == 0 ? 0 : ends[i - 1];
      keys_[i] = rocksdb::Slice(key_bytes_.data() + begin, ends[i] - begin);
      old_values_[i].Reset();
    }
    return absl::OkStatus();
  }

  absl::Status ApplyOne(const StateChange& change, size_t i) {
    const bool had_value = statuses_[i].ok();
    if (!had_value && !statuses_[i].IsNotFound()) return ToStatus(statuses_[i]);
    if (had_value) {
      sum_.digest.Subtract(EntryDigest(change.state, change.key, old_values_[i].ToStringView()));
      --sum_.num_entries;
    }
    if (change.present) {
      sum_.digest.Add(EntryDigest(change.state, change.key, change.value));
      ++sum_.num_entries;
      return ToStatus(batch_.Put(keys_[i], change.value));
    }
    return had_value ? ToStatus(batch_.Delete(keys_[i])) : absl::OkStatus();
  }

  rocksdb::DB& database_;
  StateSum& sum_;
  rocksdb::WriteOptions write_options_;
  rocksdb::WriteBatch batch_;
  std::string key_bytes_;
  std::array<rocksdb::Slice, kGroupSize> keys_;
  std::array<rocksdb::PinnableSlice, kGroupSize> old_values_;
  std::array<rocksdb::Status, kGroupSize> statuses_;
};

}  // namespace

WorkingCopy::WorkingCopy(std::unique_ptr<rocksdb::DB> database) : database_(std::move(database)) {}

WorkingCopy::~WorkingCopy() = default;

absl::StatusOr<std::unique_ptr<WorkingCopy>> WorkingCopy::Open(const std::string& folder,
                                                               Origin origin) {
  rocksdb::DB* database = nullptr;
  RETURN_IF_ERROR(ToStatus(rocksdb::DB::Open(DatabaseOptions(origin), folder, &database)));
  return std::unique_ptr<WorkingCopy>(new WorkingCopy(std::unique_ptr<rocksdb::DB>(database)));
}

absl::Status WorkingCopy::Apply(const std::vector<StateChange>& changes, StateSum& sum) {
  const std::vector<const StateChange*> ordered = InKeyOrder(changes);
  GroupWriter writer(*database_, sum);
  for (size_t begin = 0; begin < ordered.size(); begin += kGroupSize) {
    RETURN_IF_ERROR(writer.Apply(absl::MakeConstSpan(ordered).subspan(begin, kGroupSize)));
  }
  return absl::OkStatus();
}

absl::Status WorkingCopy::Get(std::string_view state, std::string_view key,
                              std::string& value) const {
  std::string bytes;
  RETURN_IF_ERROR(AppendKey(state, key, bytes));
  const rocksdb::Status status = database_->Get(rocksdb::ReadOptions(), bytes, &value);
  if (status.IsNotFound()) {
    return absl::NotFoundError(absl::StrCat("state ", state, ": a saved entry is missing"));
  }
  return ToStatus(status);
}

absl::Status WorkingCopy::Checkpoint(const std::string& folder) const {
  rocksdb::Checkpoint* made = nullptr;
  RETURN_IF_ERROR(ToStatus(rocksdb::Checkpoint::Create(database_.get(), &made)));
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  return ToStatus(checkpoint->CreateCheckpoint(folder));
}

absl::Status WorkingCopy::ForEach(const SnapshotStore::EntryFunction& entry) const {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> iterator(database_->NewIterator(options));
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    EntryName name;
    if (!SplitKey(iterator->key().ToStringView(), name)) {
      return absl::DataLossError(
          absl::StrCat("a stored key of ", iterator->key().size(), " bytes names no state"));
    }
    RETURN_IF_ERROR(entry(name.state, name.key, iterator->value().ToStringView()));
  }
  return ToStatus(iterator->status());
}

}  // namespace streamml::state
