// A savepoint as what the lanes of a new incarnation begin from.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "worker/lane/restore_source.h"
#include "worker/plan/plan.h"
#include "worker/savepoint/savepoint_store.h"

namespace streamml::savepoint {

// The incarnation is the plan's. FAILED_PRECONDITION when the savepoint cannot be of the plan's
// job. The store must outlive it.
absl::StatusOr<std::unique_ptr<lane::RestoreSource>> MakeRestoreSource(const plan::JobPlan& plan,
                                                                       const SavepointStore& store,
                                                                       Document document);

}  // namespace streamml::savepoint
