// Whole objects under keys, outside of the worker: what snapshots are copied to. A folder, or S3
// and what speaks its protocol.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/disk.h"

namespace streamml::state {

struct ObjectPage {
  std::vector<std::string> keys;  // sorted
  std::string next;               // where the next page begins; empty: this is the last
};

// kIfNew leaves an object alone that is there already.
enum class PutMode { kIfNew, kReplace };

// Thread-safe. A key is a path: names of letters, digits, '.', '_', '-' and '=' with '/' between,
// none of them "." or ".."; other keys are INVALID_ARGUMENT. An object is there as a whole or not
// at all, and what a Put that returned OK wrote is seen by every later call, also of other
// processes, and survives all that the store itself survives.
//
// Errors: UNAVAILABLE for what may pass, after a bounded time of trying again; PERMISSION_DENIED;
// NOT_FOUND for an object that is not there; RESOURCE_EXHAUSTED for a full one; DATA_LOSS when what
// is read is not what was written; INVALID_ARGUMENT where the store is not the one that was meant
// (no such bucket, a folder that cannot be one); CANCELLED when stopped. Messages name store and
// key, and hold no secret.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // `body` must not change meanwhile. ALREADY_EXISTS, with kIfNew, when another content is there;
  // that the same content is there is OK. After another error the object may be there or not.
  virtual absl::Status Put(const std::string& key, const ReadFile& body, PutMode mode) = 0;

  // Hands over the content in pieces, in order, each byte once, and compares its checksum after
  // the last. An error of `receive` ends it and is returned. After an error the pieces are worth
  // nothing.
  using ReceiveFunction = std::function<absl::Status(std::string_view piece)>;
  virtual absl::Status Get(const std::string& key, const ReceiveFunction& receive) = 0;

  // Bytes of the object.
  virtual absl::StatusOr<uint64_t> Size(const std::string& key) = 0;

  // Keys of the objects right under `folder` (a key and '/'), a page at a time: the first with an
  // empty `from`, each other with the `next` of the one before. What comes and goes meanwhile may
  // be in it or not. Keys that end in ".tmp" are remains of a Put that was cut off, or one that is
  // under way.
  virtual absl::StatusOr<ObjectPage> List(const std::string& folder, const std::string& from) = 0;

  // That it is not there is OK.
  virtual absl::Status Delete(const std::string& key) = 0;
};

inline constexpr std::string_view kTemporaryObjectSuffix = ".tmp";

// All pages.
absl::StatusOr<std::vector<std::string>> ListAll(ObjectStore& store, const std::string& folder);

// For objects that fit into memory.
absl::Status PutBytes(ObjectStore& store, const std::string& key, std::string_view bytes,
                      PutMode mode);
// RESOURCE_EXHAUSTED for one that is larger than `limit` bytes.
absl::StatusOr<std::string> GetBytes(ObjectStore& store, const std::string& key, uint64_t limit);

// SHA-256, 32 bytes: for objects that are named by their content.
std::string ContentHash(std::string_view bytes);

// INVALID_ARGUMENT unless `key` is one.
absl::Status CheckObjectKey(std::string_view key);

}  // namespace streamml::state
