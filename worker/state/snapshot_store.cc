#include "worker/state/snapshot_store.h"

namespace streamml::state {

// Chained, so that bytes moved from one part to the next change the digest, and nothing is copied.
Digest EntryDigest(std::string_view state, std::string_view key, std::string_view value) {
  Digest digest;
  digest.Chain(state);
  digest.Chain(key);
  digest.Chain(value);
  return digest;
}

}  // namespace streamml::state
