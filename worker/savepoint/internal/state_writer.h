// Entries of a lane's states as objects of a savepoint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/hash.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "proto/streamml/savepoint/v1/savepoint.pb.h"
#include "worker/savepoint/savepoint_store.h"

namespace streamml::savepoint {

// Used by one thread. What it is made with must outlive it.
class StateWriter {
 public:
  StateWriter(SavepointStore& store, const std::string& savepoint,
              google::protobuf::RepeatedPtrField<v1::Object>& objects)
      : store_(store), savepoint_(savepoint), objects_(objects) {}

  absl::Status Add(std::string_view state, std::string_view key, std::string_view value);
  absl::Status Finish();

  uint64_t num_entries() const { return num_entries_; }
  const Digest& digest() const { return digest_; }

 private:
  SavepointStore& store_;
  const std::string& savepoint_;
  google::protobuf::RepeatedPtrField<v1::Object>& objects_;
  std::string bytes_;
  uint64_t num_entries_ = 0;
  Digest digest_;
};

// A digest as 16 bytes.
std::string DigestBytes(const Digest& digest);

}  // namespace streamml::savepoint
