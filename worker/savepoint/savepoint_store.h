// Savepoints in an ObjectStore:
//
//   <identity>/savepoints/<name>.savepoint           the document, written last
//   <identity>/savepoints/<name>.objects/<SHA-256>   what it names
//
// Each is whole by itself: it may be copied elsewhere, nothing else refers to its objects, and the
// snapshots of lanes in the same store have nothing to do with them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/hash.h"
#include "proto/streamml/savepoint/v1/savepoint.pb.h"
#include "worker/state/store/object_store.h"

namespace streamml::savepoint {

struct Document {
  v1::Savepoint savepoint;
  Digest digest;  // of its bytes
};

// Thread-safe. Names of savepoints and jobs are DNS labels. Errors are those of ObjectStore, with
// the savepoint's name.
class SavepointStore {
 public:
  // The objects must outlive it.
  SavepointStore(state::ObjectStore& objects, std::string identity);

  // Puts an object beside the document that `name` will have.
  absl::StatusOr<v1::Object> Put(const std::string& name, std::string_view bytes);
  // DATA_LOSS, with the way out, for one that is missing or is not what the document names.
  absl::StatusOr<std::string> Get(const std::string& name, const v1::Object& object) const;

  // ALREADY_EXISTS, before anything is put, when there is a savepoint of that name.
  absl::Status CheckFree(const std::string& name) const;
  // From now on there is a savepoint; all its objects are there. ALREADY_EXISTS.
  absl::StatusOr<Document> Publish(const v1::Savepoint& savepoint);
  // NOT_FOUND; DATA_LOSS for a damaged one, or of a version that this build does not read.
  absl::StatusOr<Document> Read(const std::string& name) const;
  // Names of those that are whole, sorted.
  absl::StatusOr<std::vector<std::string>> List() const;
  // The document first; also what is left of one that was not finished. NOT_FOUND when there is
  // nothing of that name.
  absl::Status Remove(const std::string& name);

 private:
  std::string Folder() const;
  std::string DocumentKey(const std::string& name) const;
  std::string ObjectFolder(const std::string& name) const;

  state::ObjectStore& objects_;
  const std::string identity_;
};

}  // namespace streamml::savepoint
