// Facts of lanes as the protocol tells them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>

#include "base/clock.h"
#include "proto/streamml/fleet/v1/fleet.pb.h"
#include "worker/lane/host.h"

namespace streamml::control {

// Rows per second of each lane, from counts that are looked at now and then. One thread at a time.
class RowRates {
 public:
  // Takes in what a lane has read so far, and gives its rate over the last seconds: 0 at the first
  // look, and for a lane whose count went back (another owner went on from a snapshot).
  double Note(uint32_t lane, uint64_t rows, int64_t now_us);
  // Forgets the lanes that were not noted since `since_us`.
  void ForgetBefore(int64_t since_us);

 private:
  struct Sample {
    int64_t time_us;
    uint64_t rows;
  };
  std::map<uint32_t, std::deque<Sample>> samples_;
};

// `plan` gives the lane's name and what its stage reads; a lane that it has not stays without. Ages
// are as of the clock's now; a lag that was looked at ten seconds ago is not known.
fleet::v1::LaneFacts ToProto(const lane::LaneFacts& facts, double rows_per_second,
                             const fleet::v1::PlanReply& plan, Clock& clock);

}  // namespace streamml::control
