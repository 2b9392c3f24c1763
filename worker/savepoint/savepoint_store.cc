#include "worker/savepoint/savepoint_store.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "base/bytes.h"
#include "base/status.h"

namespace streamml::savepoint {
namespace {

constexpr std::string_view kMagic = "SMLSVPT\n";
constexpr size_t kDigestSize = sizeof(Digest);
constexpr uint32_t kVersion = 1;
constexpr std::string_view kSuffix = ".savepoint";
constexpr uint64_t kMaxDocument = uint64_t{256} << 20;
constexpr uint64_t kMaxObject = uint64_t{1} << 30;
constexpr std::string_view kWayOut = "; way out: restore another one, or put back a copy of it";

std::string Named(const std::string& name) { return absl::StrCat("savepoint '", name, "'"); }

std::string Encode(const v1::Savepoint& savepoint) {
  std::string bytes(kMagic);
  bytes += savepoint.SerializeAsString();
  const Digest digest = Hash128(bytes);
  ByteWriter writer(bytes);
  writer.U64(digest.low);
  writer.U64(digest.high);
  return bytes;
}

absl::StatusOr<Document> Decode(const std::string& name, std::string_view bytes) {
  const auto damaged = [&](std::string_view what) {
    return absl::DataLossError(absl::StrCat(Named(name), ": its document ", what, kWayOut));
  };
  if (bytes.size() < kMagic.size() + kDigestSize || !bytes.starts_with(kMagic)) {
    return damaged("is cut off or not one");
  }
  const std::string_view content = bytes.substr(0, bytes.size() - kDigestSize);
  ByteReader reader(bytes.substr(content.size()));
  Document document;
  document.digest.low = reader.U64();
  document.digest.high = reader.U64();
  if (Hash128(content) != document.digest) return damaged("does not have its checksum");
  const std::string_view message = content.substr(kMagic.size());
  if (!document.savepoint.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    return damaged("cannot be parsed");
  }
  const v1::Savepoint& savepoint = document.savepoint;
  if (savepoint.version() != kVersion) {
    return damaged(absl::StrCat("has version ", savepoint.version(), "; this build reads version ",
                                kVersion, "; run the build that wrote it"));
  }
  if (savepoint.name() != name) return damaged(absl::StrCat("is that of '", savepoint.name(), "'"));
  for (int i = 0; i < savepoint.lanes_size(); ++i) {
    if (savepoint.lanes(i).lane() != static_cast<uint32_t>(i)) return damaged("lacks a lane");
    if (savepoint.lanes(i).transactions().empty()) return damaged("lacks a lane's transactions");
  }
  return document;
}

}  // namespace

SavepointStore::SavepointStore(state::ObjectStore& objects, std::string identity)
    : objects_(objects), identity_(std::move(identity)) {}

std::string SavepointStore::Folder() const { return absl::StrCat(identity_, "/savepoints/"); }

std::string SavepointStore::DocumentKey(const std::string& name) const {
  return absl::StrCat(Folder(), name, kSuffix);
}

std::string SavepointStore::ObjectFolder(const std::string& name) const {
  return absl::StrCat(Folder(), name, ".objects/");
}

absl::StatusOr<v1::Object> SavepointStore::Put(const std::string& name, std::string_view bytes) {
  v1::Object object;
  object.set_sha256(state::ContentHash(bytes));
  object.set_size(bytes.size());
  const std::string key = absl::StrCat(ObjectFolder(name), absl::BytesToHexString(object.sha256()));
  // Of an earlier attempt, perhaps cut off: the content is the same, and is written once more.
  const absl::Status status = state::PutBytes(objects_, key, bytes, state::PutMode::kReplace);
  if (!status.ok()) return Annotate(status, Named(name));
  return object;
}

absl::StatusOr<std::string> SavepointStore::Get(const std::string& name,
                                                const v1::Object& object) const {
  const std::string hex = absl::BytesToHexString(object.sha256());
  absl::StatusOr<std::string> bytes =
      state::GetBytes(objects_, absl::StrCat(ObjectFolder(name), hex), kMaxObject);
  if (absl::IsNotFound(bytes.status())) {
    return absl::DataLossError(
        absl::StrCat(Named(name), ": its object '", hex, "' is missing", kWayOut));
  }
  if (!bytes.ok()) {
    return Annotate(bytes.status(), absl::StrCat(Named(name), ": its object '", hex, "'"));
  }
  if (bytes->size() == object.size() && state::ContentHash(*bytes) == object.sha256()) return bytes;
  return absl::DataLossError(absl::StrCat(Named(name), ": its object '", hex, "' has ",
                                          bytes->size(), " bytes of another content, and ",
                                          object.size(), " were written", kWayOut));
}

absl::Status SavepointStore::CheckFree(const std::string& name) const {
  const absl::Status found = objects_.Size(DocumentKey(name)).status();
  if (absl::IsNotFound(found)) return absl::OkStatus();
  if (!found.ok() && !absl::IsDataLoss(found)) return Annotate(found, Named(name));
  return absl::AlreadyExistsError(
      absl::StrCat(Named(name), " is there already; take another name, or remove it first"));
}

absl::StatusOr<Document> SavepointStore::Publish(const v1::Savepoint& savepoint) {
  const std::string& name = savepoint.name();
  v1::Savepoint full = savepoint;
  full.set_version(kVersion);
  const std::string bytes = Encode(full);
  const absl::Status status =
      state::PutBytes(objects_, DocumentKey(name), bytes, state::PutMode::kIfNew);
  if (!status.ok()) return Annotate(status, Named(name));
  return Decode(name, bytes);
}

absl::StatusOr<Document> SavepointStore::Read(const std::string& name) const {
  const auto bytes = state::GetBytes(objects_, DocumentKey(name), kMaxDocument);
  if (bytes.ok()) return Decode(name, *bytes);
  if (absl::IsDataLoss(bytes.status())) {
    return absl::DataLossError(absl::StrCat(Named(name), ": ", bytes.status().message(), kWayOut));
  }
  if (!absl::IsNotFound(bytes.status())) return Annotate(bytes.status(), Named(name));
  absl::StatusOr<std::vector<std::string>> others = List();
  const bool none = !others.ok() || others->empty();
  return absl::NotFoundError(
      absl::StrCat(Named(name), " of job '", identity_, "' is not in the store",
                   none ? "; the store has none of this job"
                        : absl::StrCat("; it has ", others->size(), ", '", others->back(),
                                       "' is the last "
                                       "by name")));
}

absl::StatusOr<std::vector<std::string>> SavepointStore::List() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> keys, state::ListAll(objects_, Folder()));
  std::vector<std::string> names;
  for (const std::string& key : keys) {
    if (!key.ends_with(kSuffix)) continue;
    names.push_back(key.substr(Folder().size(), key.size() - Folder().size() - kSuffix.size()));
  }
  return names;
}

absl::Status SavepointStore::Remove(const std::string& name) {
  const absl::Status found = objects_.Size(DocumentKey(name)).status();
  ASSIGN_OR_RETURN(const std::vector<std::string> keys,
                   state::ListAll(objects_, ObjectFolder(name)));
  if (absl::IsNotFound(found) && keys.empty()) return Read(name).status();
  // Without its document there is none, whatever becomes of the rest.
  RETURN_IF_ERROR(Annotate(objects_.Delete(DocumentKey(name)), Named(name)));
  for (const std::string& key : keys) RETURN_IF_ERROR(Annotate(objects_.Delete(key), Named(name)));
  return absl::OkStatus();
}

}  // namespace streamml::savepoint
