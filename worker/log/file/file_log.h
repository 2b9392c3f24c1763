// The log of a job on one machine: a folder with one append-only file sequence per lane.
//
// A transaction is one contiguous piece of its lane's file, so it is atomic by its checksums and
// durable by one sync: header (magic, sizes, sequence, watermark, hash of the header before, a
// table of frames with their hashes, hash of all that), then the journal record and the frames'
// rows. A channel is read by walking the headers of its producer's file. Only the last transaction
// can be torn, because the next one is not started before it is synced; Open() cuts a torn one off
// and refuses any other damage that it sees. It looks at all of the newest two files of a lane, and
// at the headers and sizes of the others, so that opening does not take longer the more is kept;
// what is damaged there is found by whoever reads it.
//
// Truncate() removes whole files, the oldest first, as long as all in them is needed by nobody:
// neither for the lane's own journal nor by a lane that reads its rows.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/disk.h"
#include "worker/log/log.h"

namespace streamml::log {

struct FileLogOptions {
  uint64_t segment_bytes = 64 << 20;                   // a new file is begun beyond this
  uint64_t max_transaction_bytes = uint64_t{2} << 30;  // no more: sizes are stored in 32 bits
  // By lane, the lanes that read its rows: none of its files is removed before each of them has
  // said, since the log was opened, what it needs. A lane that is not named here loses nothing.
  std::map<uint32_t, std::set<uint32_t>> readers = {};
};

// Opens or creates the log in `folder` for lanes 0 .. num_lanes-1 and takes its lock. `notes` gets
// a line for each torn tail that was cut. FAILED_PRECONDITION when another process holds the log;
// DATA_LOSS with path, byte and way out when a file is damaged elsewhere than in its last
// transaction. The disk must outlive it. After an error of the disk a lane's writers, also those
// opened later, return that error for every commit: the log must be opened anew.
absl::StatusOr<std::unique_ptr<Log>> OpenFileLog(Disk& disk, const std::string& folder,
                                                 uint32_t num_lanes, const FileLogOptions& options,
                                                 std::vector<std::string>& notes);

}  // namespace streamml::log
