// `streamml explain`: what a job is made of.
#include <iostream>

#include "base/status.h"
#include "job/manifest/bind.h"
#include "job/manifest/diagnostic.h"
#include "job/manifest/validate.h"
#include "worker/cli/commands.h"
#include "worker/cli/exit_code.h"
#include "worker/cli/load.h"
#include "worker/plan/plan.h"

namespace streamml::cli {
namespace {

// Without files for every source the plan is that of one file or partition each.
absl::StatusOr<plan::JobPlan> Plan(const CommandLine& line) {
  ASSIGN_OR_RETURN(const manifest::Manifest manifest, LoadManifest(line.job));
  RETURN_IF_ERROR(manifest::ToStatus(manifest::Validate(manifest), manifest.file_name));
  ASSIGN_OR_RETURN(const manifest::Bindings bindings, manifest::ParseBindings(line.bindings));
  if (!bindings.empty()) {
    ASSIGN_OR_RETURN(const manifest::Bindings files, manifest::ResolveFiles(manifest, bindings));
    return plan::MakePlan(manifest, files, plan::RealFiles());
  }
  const auto files = manifest::ResolveFiles(manifest, bindings);
  if (files.ok()) {
    auto plan = plan::MakePlan(manifest, *files, plan::RealFiles());
    if (plan.ok()) return plan;
  }
  std::cout << "planned without looking at files and topics, as if each source had one file or "
               "partition\n";
  return plan::CheckPlan(manifest);
}

}  // namespace

int ExplainJob(const CommandLine& line) {
  const auto plan = Plan(line);
  if (!plan.ok()) return Fail(plan.status());
  std::cout << plan::Explain(*plan);
  return kExitDone;
}

}  // namespace streamml::cli
