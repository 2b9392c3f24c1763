#include "worker/state/store/object_store.h"

#include <algorithm>

#include "base/status.h"
#include "worker/state/store/internal/sha256.h"

namespace streamml::state {
namespace {

// Bytes in memory as a file. Lives no longer than they.
class BytesFile final : public ReadFile {
 public:
  explicit BytesFile(std::string_view bytes) : bytes_(bytes) {}
  absl::Status ReadAt(uint64_t offset, size_t size, std::string& out) const override {
    out = bytes_.substr(std::min<uint64_t>(offset, bytes_.size()), size);
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> Size() const override { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

bool IsKeyCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-' || c == '=';
}

bool IsKeyName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), IsKeyCharacter);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ListAll(ObjectStore& store, const std::string& folder) {
  std::vector<std::string> keys;
  std::string from;
  do {
    ASSIGN_OR_RETURN(ObjectPage page, store.List(folder, from));
    keys.insert(keys.end(), page.keys.begin(), page.keys.end());
    from = std::move(page.next);
  } while (!from.empty());
  return keys;
}

absl::Status PutBytes(ObjectStore& store, const std::string& key, std::string_view bytes,
                      PutMode mode) {
  return store.Put(key, BytesFile(bytes), mode);
}

absl::StatusOr<std::string> GetBytes(ObjectStore& store, const std::string& key, uint64_t limit) {
  std::string bytes;
  RETURN_IF_ERROR(store.Get(key, [&](std::string_view piece) {
    if (piece.size() > limit - bytes.size()) {
      return absl::ResourceExhaustedError(
          absl::StrCat("object '", key, "' is larger than ", limit, " bytes"));
    }
    bytes.append(piece);
    return absl::OkStatus();
  }));
  return bytes;
}

std::string ContentHash(std::string_view bytes) { return Sha256Of(bytes); }

absl::Status CheckObjectKey(std::string_view key) {
  std::string_view rest = key;
  while (true) {
    const size_t slash = rest.find('/');
    if (!IsKeyName(rest.substr(0, slash))) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", key, "' cannot be the key of an object: names of letters, digits, '.', '_', '-' ",
          "and '=' with '/' between are"));
    }
    if (slash == std::string_view::npos) return absl::OkStatus();
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace streamml::state
