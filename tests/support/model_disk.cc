#include "tests/support/model_disk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::support {
namespace {

absl::Status Crashed() { return absl::UnavailableError("crashed"); }
absl::Status Full(std::string_view path) {
  return absl::ResourceExhaustedError(absl::StrCat("'", path, "': the disk is full"));
}
absl::Status Missing(std::string_view path) {
  return absl::NotFoundError(absl::StrCat("'", path, "' does not exist"));
}
absl::Status IsDirectory(std::string_view path) {
  return absl::UnavailableError(absl::StrCat("'", path, "' is a directory"));
}

// One spelling per path: no empty or "." parts and no slash at the end.
std::string Normal(std::string_view path) {
  std::string result;
  result.reserve(path.size());
  if (path.starts_with('/')) result = "/";
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (!result.empty() && result.back() != '/') result += '/';
    result += part;
  }
  return result.empty() ? "." : result;
}

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

class ModelAppendFile final : public AppendFile {
 public:
  ModelAppendFile(ModelDisk& disk, std::shared_ptr<ModelDisk::Inode> inode, std::string path,
                  uint64_t generation)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), generation_(generation) {}

  absl::Status Append(std::string_view bytes) override {
    const ModelDisk::Verdict verdict = disk_.Begin("append", path_, generation_);
    if (verdict == ModelDisk::Verdict::kDead) return Crashed();
    const std::lock_guard lock(disk_.mutex_);
    if (verdict == ModelDisk::Verdict::kFull) bytes = bytes.substr(0, bytes.size() / 2);
    inode_->content.append(bytes);
    if (verdict == ModelDisk::Verdict::kFull) return Full(path_);
    return verdict == ModelDisk::Verdict::kLast ? Crashed() : absl::OkStatus();
  }
  absl::Status Sync() override {
    switch (disk_.Begin("sync", path_, generation_)) {
      case ModelDisk::Verdict::kDead:
      case ModelDisk::Verdict::kLast:
        return Crashed();
      case ModelDisk::Verdict::kFull:
        return Full(path_);
      case ModelDisk::Verdict::kLoseSync:
        return absl::OkStatus();
      case ModelDisk::Verdict::kProceed:
        break;
    }
    const std::lock_guard lock(disk_.mutex_);
    inode_->durable_size = inode_->content.size();
    return absl::OkStatus();
  }
  uint64_t size() const override {
    const std::lock_guard lock(disk_.mutex_);
    return inode_->content.size();
  }

 private:
  ModelDisk& disk_;
  std::shared_ptr<ModelDisk::Inode> inode_;  // shared with the directory and other handles
  std::string path_;
  uint64_t generation_;
};

class ModelReadFile final : public ReadFile {
 public:
  ModelReadFile(const ModelDisk& disk, std::shared_ptr<ModelDisk::Inode> inode, uint64_t generation)
      : disk_(disk), inode_(std::move(inode)), generation_(generation) {}

  absl::Status ReadAt(uint64_t offset, size_t size, std::string& out) const override {
    const std::lock_guard lock(disk_.mutex_);
    if (disk_.IsDead(generation_)) return Crashed();
    out.clear();
    if (offset < inode_->content.size()) out.assign(inode_->content, offset, size);
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> Size() const override {
    const std::lock_guard lock(disk_.mutex_);
    if (disk_.IsDead(generation_)) return Crashed();
    return inode_->content.size();
  }

 private:
  const ModelDisk& disk_;
  std::shared_ptr<ModelDisk::Inode> inode_;  // shared with the directory and other handles
  uint64_t generation_;
};

class ModelLock final : public DiskLock {
 public:
  ModelLock(ModelDisk& disk, std::string path, uint64_t generation)
      : disk_(disk), path_(std::move(path)), generation_(generation) {}
  ~ModelLock() override {
    const std::lock_guard lock(disk_.mutex_);
    if (generation_ == disk_.generation_) disk_.locks_.erase(path_);
  }

 private:
  ModelDisk& disk_;
  std::string path_;
  uint64_t generation_;
};

ModelDisk::ModelDisk() : directories_{{"/", {}}, {".", {}}} {}
ModelDisk::~ModelDisk() = default;

void ModelDisk::FailAfter(uint64_t num_operations) {
  const std::lock_guard lock(mutex_);
  operations_left_ = num_operations;
}

void ModelDisk::FailLists(std::string path_end) {
  const std::lock_guard lock(mutex_);
  unlisted_ = std::move(path_end);
}

bool ModelDisk::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

uint64_t ModelDisk::num_operations() const {
  const std::lock_guard lock(mutex_);
  return num_operations_;
}

void ModelDisk::Apply(const Pending& operation, Entries& entries) {
  if (!operation.from.empty()) {
    auto moved = entries.extract(operation.from);
    if (moved.empty()) return;  // renamed onto itself
    entries.insert_or_assign(operation.name, std::move(moved.mapped()));
  } else if (operation.inode != nullptr) {
    entries.insert_or_assign(operation.name, operation.inode);
  } else {
    entries.erase(operation.name);
  }
}

void ModelDisk::Tear(Inode& inode, Random& random) {
  const size_t unsynced = inode.content.size() - inode.durable_size;
  if (unsynced == 0) return;
  const uint64_t choice = random.Below(4);
  const size_t kept = choice == 0 ? 0 : choice == 1 ? unsynced : random.Below(unsynced + 1);
  inode.content.resize(inode.durable_size + kept);
  // The size of a file may reach the disk before its last pages do.
  const uint64_t damage = random.Below(3);
  if (damage != 0 && kept > 0) {
    const size_t damaged = 1 + random.Below(std::min<size_t>(kept, 512));
    for (size_t i = inode.content.size() - damaged; i < inode.content.size(); ++i) {
      inode.content[i] = damage == 1 ? '\0' : static_cast<char>(random.Next());
    }
  }
  inode.durable_size = inode.content.size();
}

void ModelDisk::Crash(Random& random) {
  const std::lock_guard lock(mutex_);
  for (auto& [path, directory] : directories_) {
    const size_t kept = random.Below(directory.pending.size() + 1);
    for (size_t i = 0; i < kept; ++i) Apply(directory.pending[i], directory.durable);
    directory.pending.clear();
    directory.current = directory.durable;
    for (auto& [name, inode] : directory.current) Tear(*inode, random);
  }
  locks_.clear();
  ++generation_;
  stopped_ = false;
  operations_left_ = std::numeric_limits<uint64_t>::max();
}

void ModelDisk::Kill() {
  const std::lock_guard lock(mutex_);
  locks_.clear();
  ++generation_;
  stopped_ = false;
  operations_left_ = std::numeric_limits<uint64_t>::max();
}

ModelDisk::Verdict ModelDisk::Begin(std::string_view name, const std::string& path) {
  uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = generation_;
  }
  return Begin(name, path, generation);
}

ModelDisk::Verdict ModelDisk::Begin(std::string_view name, const std::string& path,
                                    uint64_t generation) {
  DiskOperation operation{name, path, 0};
  {
    const std::lock_guard lock(mutex_);
    if (IsDead(generation)) return Verdict::kDead;
    operation.number = num_operations_++;
  }
  const DiskAction action = hook_ ? hook_(operation) : DiskAction::kProceed;
  const std::lock_guard lock(mutex_);
  if (IsDead(generation)) return Verdict::kDead;
  if (action == DiskAction::kStop || operations_left_ == 0) {
    stopped_ = true;
    return Verdict::kLast;
  }
  --operations_left_;
  if (action == DiskAction::kFull) return Verdict::kFull;
  const bool is_sync = name == "sync" || name == "sync directory";
  return action == DiskAction::kLoseSync && is_sync ? Verdict::kLoseSync : Verdict::kProceed;
}

ModelDisk::Directory* ModelDisk::Holder(const std::string& path) {
  const auto it = directories_.find(ParentDirectory(path));
  return it == directories_.end() ? nullptr : &it->second;
}

std::shared_ptr<ModelDisk::Inode> ModelDisk::FindFile(const std::string& path) {
  Directory* directory = Holder(path);
  if (directory == nullptr) return nullptr;
  const auto it = directory->current.find(NameOf(path));
  return it == directory->current.end() ? nullptr : it->second;
}

std::shared_ptr<ModelDisk::Inode> ModelDisk::CreateFile(Directory& directory,
                                                        const std::string& name) {
  auto inode = std::make_shared<Inode>();
  directory.pending.push_back({name, "", inode});
  Apply(directory.pending.back(), directory.current);
  return inode;
}

absl::StatusOr<std::unique_ptr<AppendFile>> ModelDisk::OpenForAppend(const std::string& given) {
  const std::string path = Normal(given);
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Crashed();
    if (directories_.contains(path)) return IsDirectory(path);
    if (Holder(path) == nullptr) return Missing(path);
    if (std::shared_ptr<Inode> inode = FindFile(path)) {
      return std::make_unique<ModelAppendFile>(*this, std::move(inode), path, generation_);
    }
  }
  const Verdict verdict = Begin("create", path);
  if (verdict == Verdict::kDead) return Crashed();
  if (verdict == Verdict::kFull) return Full(path);
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Inode> inode = CreateFile(*Holder(path), NameOf(path));
  if (verdict == Verdict::kLast) return Crashed();
  return std::make_unique<ModelAppendFile>(*this, std::move(inode), path, generation_);
}

absl::StatusOr<std::unique_ptr<ReadFile>> ModelDisk::OpenForRead(const std::string& given) {
  const std::string path = Normal(given);
  const std::lock_guard lock(mutex_);
  if (stopped_) return Crashed();
  if (directories_.contains(path)) return IsDirectory(path);
  std::shared_ptr<Inode> inode = FindFile(path);
  if (inode == nullptr) return Missing(path);
  return std::make_unique<ModelReadFile>(*this, std::move(inode), generation_);
}

absl::Status ModelDisk::Truncate(const std::string& given, uint64_t size) {
  const std::string path = Normal(given);
  const Verdict verdict = Begin("truncate", path);
  if (verdict == Verdict::kDead || verdict == Verdict::kLast) return Crashed();
  if (verdict == Verdict::kFull) return Full(path);
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<Inode> inode = FindFile(path);
  if (inode == nullptr) return Missing(path);
  inode->content.resize(size);
  inode->durable_size = size;
  return absl::OkStatus();
}

absl::Status ModelDisk::Rename(const std::string& given_from, const std::string& given_to) {
  const std::string from = Normal(given_from);
  const std::string to = Normal(given_to);
  const Verdict verdict = Begin("rename", from);
  if (verdict == Verdict::kDead) return Crashed();
  if (verdict == Verdict::kFull) return Full(from);
  const std::lock_guard lock(mutex_);
  if (directories_.contains(from) || ParentDirectory(from) != ParentDirectory(to)) {
    return absl::UnimplementedError(absl::StrCat("model disk: cannot rename '", from, "' to '", to,
                                                 "': only files, and only within one directory"));
  }
  if (FindFile(from) == nullptr) return Missing(from);
  if (directories_.contains(to)) return IsDirectory(to);
  Directory& directory = *Holder(from);
  directory.pending.push_back({NameOf(to), NameOf(from), nullptr});
  Apply(directory.pending.back(), directory.current);
  return verdict == Verdict::kLast ? Crashed() : absl::OkStatus();
}

absl::Status ModelDisk::Remove(const std::string& given) {
  const std::string path = Normal(given);
  const Verdict verdict = Begin("remove", path);
  if (verdict == Verdict::kDead) return Crashed();
  if (verdict == Verdict::kFull) return Full(path);
  const std::lock_guard lock(mutex_);
  if (directories_.contains(path)) return IsDirectory(path);
  if (FindFile(path) != nullptr) {
    Directory& directory = *Holder(path);
    directory.pending.push_back({NameOf(path), "", nullptr});
    Apply(directory.pending.back(), directory.current);
  }
  return verdict == Verdict::kLast ? Crashed() : absl::OkStatus();
}

void ModelDisk::MakeDirectory(const std::string& path) {
  if (directories_.contains(path)) return;
  const std::string parent = ParentDirectory(path);
  MakeDirectory(parent);
  directories_[parent].subdirectories.insert(NameOf(path));
  directories_[path];
}

absl::Status ModelDisk::MakeDirectories(const std::string& given) {
  const std::string path = Normal(given);
  const Verdict verdict = Begin("make directories", path);
  if (verdict == Verdict::kDead || verdict == Verdict::kLast) return Crashed();
  if (verdict == Verdict::kFull) return Full(path);
  const std::lock_guard lock(mutex_);
  for (std::string part = path; !directories_.contains(part); part = ParentDirectory(part)) {
    if (FindFile(part) == nullptr) continue;
    return absl::UnavailableError(absl::StrCat("'", part, "' is not a directory"));
  }
  MakeDirectory(path);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ModelDisk::List(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return Crashed();
  if (!unlisted_.empty() && path.ends_with(unlisted_)) {
    return absl::UnavailableError(absl::StrCat("cannot list '", path, "'"));
  }
  std::vector<std::string> names;
  const auto it = directories_.find(Normal(path));
  if (it == directories_.end()) return names;
  for (const auto& [name, inode] : it->second.current) names.push_back(name);
  names.insert(names.end(), it->second.subdirectories.begin(), it->second.subdirectories.end());
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status ModelDisk::SyncDirectory(const std::string& given) {
  const std::string path = Normal(given);
  const Verdict verdict = Begin("sync directory", path);
  if (verdict == Verdict::kDead || verdict == Verdict::kLast) return Crashed();
  if (verdict == Verdict::kFull) return Full(path);
  const std::lock_guard lock(mutex_);
  const auto it = directories_.find(path);
  if (it == directories_.end()) return Missing(path);
  if (verdict == Verdict::kLoseSync) return absl::OkStatus();
  Directory& directory = it->second;
  for (const Pending& operation : directory.pending) Apply(operation, directory.durable);
  directory.pending.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<DiskLock>> ModelDisk::Lock(const std::string& given) {
  const std::string path = Normal(given);
  const Verdict verdict = Begin("lock", path);
  if (verdict == Verdict::kDead || verdict == Verdict::kLast) return Crashed();
  if (verdict == Verdict::kFull) return Full(path);
  const std::lock_guard lock(mutex_);
  Directory* directory = Holder(path);
  if (directory == nullptr) return Missing(path);
  if (FindFile(path) == nullptr) CreateFile(*directory, NameOf(path));
  if (!locks_.insert(path).second) {
    return absl::FailedPreconditionError(absl::StrCat("'", path, "' is locked by another process"));
  }
  return std::make_unique<ModelLock>(*this, path, generation_);
}

absl::Status ModelDisk::Overwrite(const std::string& path, std::string bytes) {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<Inode> inode = FindFile(Normal(path));
  if (inode == nullptr) return Missing(path);
  inode->content = std::move(bytes);
  inode->durable_size = inode->content.size();
  return absl::OkStatus();
}

std::vector<std::string> ModelDisk::Files() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, directory] : directories_) {
    const std::string prefix = path == "." ? "" : path == "/" ? "/" : path + "/";
    for (const auto& [name, inode] : directory.current) paths.push_back(prefix + name);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace streamml::support
