#include "worker/state/rocksdb/internal/descriptor.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/status.h"
#include "worker/state/snapshot_format.h"

namespace streamml::state {
namespace {

constexpr std::string_view kMagic = "SMLROCK\n";
constexpr size_t kPieceSize = size_t{1} << 20;

std::string PathIn(const std::string& folder, std::string_view name) {
  return absl::StrCat(folder, "/", name);
}

// What is missing from a snapshot is lost, not just not found.
absl::Status MissingIsLoss(const absl::Status& status) {
  return absl::IsNotFound(status) ? absl::DataLossError(status.message()) : status;
}

absl::Status CheckSize(Disk& disk, const std::string& folder, const FileRecord& record) {
  const std::string path = PathIn(folder, record.name);
  const auto file = disk.OpenForRead(path);
  if (!file.ok()) return MissingIsLoss(file.status());
  ASSIGN_OR_RETURN(const uint64_t size, (*file)->Size());
  if (size == record.size) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("'", path, "' has ", size, " bytes but ", record.size, " were stored"));
}

}  // namespace

absl::StatusOr<FileRecord> DescribeFile(Disk& disk, const std::string& folder,
                                        const std::string& name) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ReadFile> file, disk.OpenForRead(PathIn(folder, name)));
  FileRecord record{name, 0, {}};
  std::string piece;
  do {
    RETURN_IF_ERROR(file->ReadAt(record.size, kPieceSize, piece));
    record.digest.Chain(piece);
    record.size += piece.size();
  } while (piece.size() == kPieceSize);
  return record;
}

absl::Status WriteDescriptor(Disk& disk, const std::string& folder, const Descriptor& descriptor) {
  std::string contents;
  ByteWriter writer(contents);
  writer.Varint(descriptor.num_entries);
  writer.Varint(descriptor.files.size());
  for (const FileRecord& file : descriptor.files) {
    writer.Text(file.name);
    writer.Varint(file.size);
    WriteDigest(file.digest, writer);
  }
  return WriteWhole(disk, PathIn(folder, kDescriptorName),
                    SealFrame(kMagic, descriptor.info, contents));
}

absl::StatusOr<Descriptor> ReadDescriptor(Disk& disk, const std::string& folder,
                                          const SnapshotKey& key) {
  const std::string path = PathIn(folder, kDescriptorName);
  const absl::StatusOr<std::string> bytes = ReadWhole(disk, path);
  if (!bytes.ok()) return MissingIsLoss(bytes.status());
  absl::StatusOr<SnapshotFrame> frame = OpenFrame(kMagic, key, *bytes);
  if (!frame.ok()) return Annotate(frame.status(), absl::StrCat("'", path, "'"));
  Descriptor descriptor{std::move(frame->info), 0, {}};
  ByteReader reader(frame->contents);
  descriptor.num_entries = reader.Varint();
  const uint64_t num_files = reader.Varint();
  for (uint64_t i = 0; i < num_files && reader.ok(); ++i) {
    FileRecord file;
    file.name = std::string(reader.Text());
    file.size = reader.Varint();
    file.digest = ReadDigest(reader);
    if (file.name.find('/') != std::string::npos) break;
    descriptor.files.push_back(std::move(file));
  }
  if (reader.AtEnd()) return descriptor;
  return absl::DataLossError(absl::StrCat("'", path, "': list of files cannot be read"));
}

absl::Status CheckSizes(Disk& disk, const std::string& folder, const Descriptor& descriptor) {
  for (const FileRecord& record : descriptor.files)
    RETURN_IF_ERROR(CheckSize(disk, folder, record));
  return absl::OkStatus();
}

absl::Status CheckContents(Disk& disk, const std::string& folder, const Descriptor& descriptor) {
  for (const FileRecord& record : descriptor.files) {
    RETURN_IF_ERROR(CheckSize(disk, folder, record));
    ASSIGN_OR_RETURN(const FileRecord actual, DescribeFile(disk, folder, record.name));
    if (actual.digest == record.digest) continue;
    return absl::DataLossError(absl::StrCat("'", PathIn(folder, record.name), "': checksum is ",
                                            actual.digest.ToHex(), " but ", record.digest.ToHex(),
                                            " was stored"));
  }
  return absl::OkStatus();
}

}  // namespace streamml::state
