// Who computed what of a journal, up to some place in it: what replay must not cross (I3).
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "proto/streamml/journal/v1/journal.pb.h"

namespace streamml::lane::internal {

// A value.
class Provenance {
 public:
  Provenance() = default;
  explicit Provenance(journal::v1::Provenance stored) : data_(std::move(stored)) {}
  const journal::v1::Provenance& stored() const { return data_; }

  void NoteClaim(const std::string& fingerprint) { data_.set_claimed(fingerprint); }
  // The record of this number computed something.
  void NoteComputed(uint64_t sequence) {
    if (data_.computing() != data_.claimed()) {
      data_.set_other(data_.computing());
      data_.set_last_other(data_.last_computed());
      data_.set_computing(data_.claimed());
    }
    data_.set_last_computed(sequence);
  }

  // Fingerprint of the last claim.
  const std::string& claimed() const { return data_.claimed(); }
  // The last position that was computed under another fingerprint than `own`; 0: none.
  uint64_t LastForeign(const std::string& own) const {
    return data_.computing() == own ? data_.last_other() : data_.last_computed();
  }
  // That fingerprint.
  const std::string& Foreign(const std::string& own) const {
    return data_.computing() == own ? data_.other() : data_.computing();
  }

 private:
  journal::v1::Provenance data_;
};

}  // namespace streamml::lane::internal
