// An ObjectStore in a folder: a disk or a network file system that the workers share.
#pragma once

#include <memory>
#include <string>

#include "base/disk.h"
#include "worker/state/store/object_store.h"

namespace streamml::state {

// The object of a key is the file `folder`/<key>: the content, its SHA-256 and 8 bytes that say so.
// It is written beside its place under a name that ends in ".tmp", synced, renamed, and the folder
// synced. `folder` and what is under it are made by the first Put and belong to the store alone.
//
// kIfNew looks before it writes: of two processes that write one key in the same moment the later
// one may replace what the other wrote. `disk` must outlive the store.
std::unique_ptr<ObjectStore> MakeFolderStore(Disk& disk, std::string folder);

}  // namespace streamml::state
