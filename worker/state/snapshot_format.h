// Names of stored snapshots and the frame around what is stored, shared by all kinds of
// SnapshotStore.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "worker/state/snapshot_store.h"

namespace streamml::state {

// "00000000000000000042-<32 hexadecimal digits>": sequence and history; sorts by sequence.
std::string SnapshotName(const SnapshotKey& key);
std::optional<SnapshotKey> ParseSnapshotName(std::string_view name);

void WriteDigest(const Digest& digest, ByteWriter& writer);
Digest ReadDigest(ByteReader& reader);

// What a frame holds; the views point into its bytes.
struct SnapshotFrame {
  SnapshotInfo info;
  std::string_view contents;  // the store's own
};

// Magic (8 bytes), format version, key, engine, state digest, contents, checksum of all before it.
std::string SealFrame(std::string_view magic, const SnapshotInfo& info, std::string_view contents);

// Checks all that SealFrame wrote and that the frame is of `key`. DATA_LOSS says what is wrong.
absl::StatusOr<SnapshotFrame> OpenFrame(std::string_view magic, const SnapshotKey& key,
                                        std::string_view bytes);

}  // namespace streamml::state
