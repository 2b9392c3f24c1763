// `streamml validate`: every problem with its place.
#include <algorithm>
#include <iostream>

#include "absl/strings/str_join.h"
#include "base/status.h"
#include "job/manifest/bind.h"
#include "job/manifest/diagnostic.h"
#include "job/manifest/validate.h"
#include "worker/cli/commands.h"
#include "worker/cli/exit_code.h"
#include "worker/cli/load.h"

namespace streamml::cli {
namespace {

size_t CountLines(const std::string& text) {
  return 1 + static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

// Sources that read a topic and so need a file before the job runs here.
std::vector<std::string> Unbound(const manifest::Manifest& manifest,
                                 const manifest::Bindings& bindings) {
  std::vector<std::string> flags;
  for (const auto& source : manifest.job.spec().sources()) {
    if (source.file().empty() && !bindings.contains(source.name())) {
      flags.push_back(absl::StrCat("--bind ", source.name(), "=FILE"));
    }
  }
  return flags;
}

std::string Counts(size_t mistakes, size_t not_built) {
  return absl::StrCat(mistakes, mistakes == 1 ? " mistake" : " mistakes", ", ", not_built,
                      " not built yet");
}

// SQL, learners and metrics are checked once the manifest itself is fine: before, half of what they
// say would follow from what was said already.
absl::Status Check(const manifest::Manifest& manifest) {
  const std::vector<manifest::Diagnostic> problems = manifest::Validate(manifest);
  size_t mistakes = 0;
  for (const manifest::Diagnostic& problem : problems) {
    if (problem.severity == manifest::Severity::kError) ++mistakes;
  }
  std::string lines(manifest::ToStatus(problems, manifest.file_name).message());
  if (!problems.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(lines, "\n", Counts(mistakes, problems.size() - mistakes),
                     "; SQL, learners and metrics are checked once these are mended"));
  }
  const auto plan = plan::CheckPlan(manifest);
  if (plan.ok()) return absl::OkStatus();
  lines = std::string(plan.status().message());
  return absl::InvalidArgumentError(absl::StrCat(lines, "\n", Counts(CountLines(lines), 0)));
}

absl::Status Validate(const CommandLine& line) {
  ASSIGN_OR_RETURN(const manifest::Manifest manifest, LoadManifest(line.job));
  RETURN_IF_ERROR(Check(manifest));
  ASSIGN_OR_RETURN(const manifest::Bindings bindings, manifest::ParseBindings(line.bindings));
  const std::vector<std::string> unbound = Unbound(manifest, bindings);
  if (unbound.empty() || !bindings.empty()) {  // with files, what they say is checked too
    RETURN_IF_ERROR(LoadJob(line).status());
  }
  std::cout << line.job << ": valid";
  if (!unbound.empty()) std::cout << "; run it with " << absl::StrJoin(unbound, " ");
  std::cout << "\n";
  return absl::OkStatus();
}

}  // namespace

int ValidateJob(const CommandLine& line) {
  const absl::Status status = Validate(line);
  if (status.ok()) return kExitDone;
  std::cerr << ErrorText(status) << "\n";
  return ExitCode(status);
}

}  // namespace streamml::cli
