#include "worker/state/store/folder_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/status.h"
#include "worker/state/store/internal/sha256.h"

namespace streamml::state {
namespace {

constexpr std::string_view kMagic = "SMLOBJ1\n";
constexpr size_t kHashSize = 32;
constexpr size_t kTrailerSize = kHashSize + kMagic.size();
constexpr size_t kPieceSize = size_t{1} << 20;
constexpr size_t kKeysPerPage = 1000;

// The content's part of an object's file.
struct OpenObject {
  std::unique_ptr<ReadFile> file;
  uint64_t size = 0;
  Sha256Bytes hash;
};

class FolderStore final : public ObjectStore {
 public:
  FolderStore(Disk& disk, std::string folder) : disk_(disk), folder_(std::move(folder)) {}

  absl::Status Put(const std::string& key, const ReadFile& body, PutMode mode) override;
  absl::Status Get(const std::string& key, const ReceiveFunction& receive) override;
  absl::StatusOr<uint64_t> Size(const std::string& key) override;
  absl::StatusOr<ObjectPage> List(const std::string& folder, const std::string& from) override;
  absl::Status Delete(const std::string& key) override;

 private:
  std::string PathOf(std::string_view key) const { return absl::StrCat(folder_, "/", key); }
  absl::StatusOr<OpenObject> Open(const std::string& key) const;
  absl::StatusOr<bool> IsThere(const std::string& key, const ReadFile& body) const;
  absl::Status WriteTemporary(const std::string& path, const ReadFile& body);
  absl::StatusOr<std::unique_ptr<AppendFile>> Create(const std::string& path);

  Disk& disk_;
  std::string folder_;
};

absl::StatusOr<OpenObject> FolderStore::Open(const std::string& key) const {
  RETURN_IF_ERROR(CheckObjectKey(key));
  OpenObject object;
  ASSIGN_OR_RETURN(object.file, disk_.OpenForRead(PathOf(key)));
  ASSIGN_OR_RETURN(const uint64_t size, object.file->Size());
  std::string trailer;
  if (size >= kTrailerSize) {
    object.size = size - kTrailerSize;
    RETURN_IF_ERROR(object.file->ReadAt(object.size, kTrailerSize, trailer));
  }
  if (!trailer.ends_with(kMagic)) {
    return absl::DataLossError(
        absl::StrCat("object '", PathOf(key), "': the file is cut off or not of this store"));
  }
  object.hash = trailer.substr(0, kHashSize);
  return object;
}

// Whether `body` is there already; ALREADY_EXISTS when another content is. A damaged object is
// none.
absl::StatusOr<bool> FolderStore::IsThere(const std::string& key, const ReadFile& body) const {
  const absl::StatusOr<OpenObject> object = Open(key);
  if (absl::IsNotFound(object.status()) || absl::IsDataLoss(object.status())) return false;
  RETURN_IF_ERROR(object.status());
  ASSIGN_OR_RETURN(const Sha256Bytes hash, Sha256Of(body));
  if (hash == object->hash) return true;
  return absl::AlreadyExistsError(
      absl::StrCat("object '", PathOf(key), "' is there with another content"));
}

absl::StatusOr<std::unique_ptr<AppendFile>> FolderStore::Create(const std::string& path) {
  absl::StatusOr<std::unique_ptr<AppendFile>> file = disk_.OpenForAppend(path);
  if (!absl::IsNotFound(file.status())) return file;
  RETURN_IF_ERROR(disk_.MakeDirectories(ParentDirectory(path)));
  return disk_.OpenForAppend(path);
}

absl::Status FolderStore::WriteTemporary(const std::string& path, const ReadFile& body) {
  ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> file, Create(path));
  Sha256 hash;
  std::string piece;
  uint64_t offset = 0;
  do {
    RETURN_IF_ERROR(body.ReadAt(offset, kPieceSize, piece));
    RETURN_IF_ERROR(file->Append(piece));
    hash.Add(piece);
    offset += piece.size();
  } while (piece.size() == kPieceSize);
  RETURN_IF_ERROR(file->Append(absl::StrCat(hash.Finish(), kMagic)));
  return file->Sync();
}

absl::Status FolderStore::Put(const std::string& key, const ReadFile& body, PutMode mode) {
  RETURN_IF_ERROR(CheckObjectKey(key));
  if (mode == PutMode::kIfNew) {
    ASSIGN_OR_RETURN(const bool is_there, IsThere(key, body));
    if (is_there) return absl::OkStatus();
  }
  const std::string path = PathOf(key);
  const std::string temporary = absl::StrCat(path, ".", UniqueName(), kTemporaryObjectSuffix);
  absl::Status status = WriteTemporary(temporary, body);
  if (status.ok()) status = disk_.Rename(temporary, path);
  if (status.ok()) return disk_.SyncDirectory(ParentDirectory(path));
  disk_.Remove(temporary).IgnoreError();  // the first error is the one to tell
  return status;
}

absl::Status FolderStore::Get(const std::string& key, const ReceiveFunction& receive) {
  ASSIGN_OR_RETURN(const OpenObject object, Open(key));
  Sha256 hash;
  std::string piece;
  for (uint64_t offset = 0; offset < object.size; offset += piece.size()) {
    const size_t size = std::min<uint64_t>(kPieceSize, object.size - offset);
    RETURN_IF_ERROR(object.file->ReadAt(offset, size, piece));
    if (piece.size() != size) {
      return absl::DataLossError(absl::StrCat("object '", PathOf(key), "' became shorter"));
    }
    hash.Add(piece);
    RETURN_IF_ERROR(receive(piece));
  }
  if (hash.Finish() == object.hash) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("object '", PathOf(key), "': the content does not have the stored SHA-256"));
}

absl::StatusOr<uint64_t> FolderStore::Size(const std::string& key) {
  ASSIGN_OR_RETURN(const OpenObject object, Open(key));
  return object.size;
}

absl::StatusOr<ObjectPage> FolderStore::List(const std::string& folder, const std::string& from) {
  if (!folder.ends_with('/')) {
    return absl::InvalidArgumentError(absl::StrCat("'", folder, "' does not end in '/'"));
  }
  const std::string path = PathOf(folder.substr(0, folder.size() - 1));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List(path));
  ObjectPage page;
  auto name = std::lower_bound(names.begin(), names.end(), from);
  for (; name != names.end() && page.keys.size() < kKeysPerPage; ++name) {
    page.keys.push_back(absl::StrCat(folder, *name));
  }
  if (name != names.end()) page.next = *name;
  return page;
}

absl::Status FolderStore::Delete(const std::string& key) {
  RETURN_IF_ERROR(CheckObjectKey(key));
  return disk_.Remove(PathOf(key));  // one that comes back after a crash is deleted again
}

}  // namespace

std::unique_ptr<ObjectStore> MakeFolderStore(Disk& disk, std::string folder) {
  return std::make_unique<FolderStore>(disk, std::move(folder));
}

}  // namespace streamml::state
