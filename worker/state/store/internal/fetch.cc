#include "worker/state/store/internal/fetch.h"

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"

namespace streamml::state {
namespace {

constexpr size_t kPieceSize = size_t{1} << 20;

using FillFunction = std::function<absl::Status(const ObjectStore::ReceiveFunction& receive)>;

// Writes what `fill` hands over to `path`, synced. DATA_LOSS when it is not the file's content.
absl::Status Write(Disk& disk, const std::string& path, const StoredFile& file,
                   const FillFunction& fill) {
  RETURN_IF_ERROR(disk.Remove(path));
  ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> out, disk.OpenForAppend(path));
  Sha256 hash;
  RETURN_IF_ERROR(fill([&](std::string_view piece) {
    hash.Add(piece);
    return out->Append(piece);
  }));
  if (out->size() != file.size || hash.Finish() != file.sha256) {
    return absl::DataLossError(absl::StrCat("file '", file.name, "' of ", out->size(),
                                            " bytes is not the one of ", file.size,
                                            " bytes that was stored"));
  }
  return out->Sync();
}

absl::Status CopyPieces(Disk& disk, const SnapshotFile& from,
                        const ObjectStore::ReceiveFunction& receive) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ReadFile> source, disk.OpenForRead(from.path));
  std::string piece;
  uint64_t offset = 0;
  do {
    RETURN_IF_ERROR(source->ReadAt(offset, kPieceSize, piece));
    RETURN_IF_ERROR(receive(piece));
    offset += piece.size();
  } while (piece.size() == kPieceSize);
  return absl::OkStatus();
}

const SnapshotFile* FindHere(const std::vector<SnapshotFile>& here, const StoredFile& file) {
  for (const SnapshotFile& candidate : here) {
    if (candidate.size == file.size && candidate.digest == file.digest) return &candidate;
  }
  return nullptr;
}

absl::Status FetchFile(LaneStore& store, const StoredFile& file, const std::string& path,
                       const std::vector<SnapshotFile>& here, Disk& disk) {
  if (const SnapshotFile* same = FindHere(here, file)) {
    const absl::Status copied = Write(
        disk, path, file, [&](const auto& receive) { return CopyPieces(disk, *same, receive); });
    if (copied.ok()) return copied;  // else a damaged one: the store has it too
  }
  const std::string key = store.FileKey(file.object);
  const FillFunction get = [&](const auto& receive) { return store.objects().Get(key, receive); };
  absl::Status status = Write(disk, path, file, get);
  // Bits may have been lost on the way.
  if (absl::IsDataLoss(status)) status = Write(disk, path, file, get);
  return absl::IsNotFound(status) ? absl::DataLossError(status.message()) : status;
}

}  // namespace

absl::Status Fetch(LaneStore& store, const Manifest& manifest,
                   const std::vector<SnapshotFile>& here, Disk& disk, SnapshotFiles& local) {
  std::vector<std::string> names;
  names.reserve(manifest.files.size());
  for (const StoredFile& file : manifest.files) names.push_back(file.name);
  ASSIGN_OR_RETURN(const std::vector<std::string> paths,
                   local.BeginImport(manifest.info.key, names));
  for (size_t i = 0; i < paths.size(); ++i) {
    RETURN_IF_ERROR(FetchFile(store, manifest.files[i], paths[i], here, disk));
  }
  return local.EndImport(manifest.info.key);
}

}  // namespace streamml::state
