// The real disk.
#pragma once

#include <memory>

#include "base/disk.h"

namespace streamml {

std::unique_ptr<Disk> MakePosixDisk();

}  // namespace streamml
