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

// Sources that read a topic and need a file in its place before the job runs.
std::vector<std::string> Unbound(const manifest::Manifest& manifest,
                                 const manifest::Bindings& bindings) {
  // With a log on Kafka the job reads its topics itself.
  if (!manifest.job.spec().log().cluster().empty()) return {};
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

absl::StatusOr<manifest::Manifest> Load(const CommandLine& line) {
  absl::StatusOr<manifest::Manifest> manifest = LoadManifest(line.job);
  const std::string message(manifest.status().message());
  // A file that cannot be read has no mistakes to count.
  if (manifest.ok() || !message.starts_with(line.job + ":")) return manifest;
  return absl::InvalidArgumentError(
      absl::StrCat(message, "\n", Counts(CountLines(message), 0),
                   "; names, paths, SQL, learners and metrics are checked once these are mended"));
}

// Files that were bound must be there. One that only the manifest names may be somewhere else than
// here: `validate` is of use also without data.
absl::Status CheckFiles(const manifest::Manifest& manifest, const manifest::Bindings& bindings) {
  ASSIGN_OR_RETURN(const manifest::Bindings files, manifest::ResolveFiles(manifest, bindings));
  std::vector<std::string> mistakes;
  for (const auto& [source, patterns] : files) {
    for (const std::string& pattern : patterns) {
      const absl::Status found = plan::RealFiles().list(pattern).status();
      if (found.ok()) continue;
      const std::string path = absl::StrCat("spec.sources[", source, "]");
      if (bindings.contains(source)) {
        mistakes.push_back(absl::StrCat("--bind ", source, "=", pattern, ": ", found.message()));
        continue;
      }
      const std::string field = absl::StrCat(path, ".file");
      const manifest::Diagnostic warning{
          manifest::Severity::kNotBuilt, field, manifest.positions.Find(field),
          absl::StrCat("warning: ", found.message(), "; `run` needs it, or --bind ", source,
                       "=FILE")};
      std::cerr << manifest::Format(warning, manifest.file_name) << "\n";
    }
  }
  if (mistakes.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(mistakes, "\n"));
}

absl::Status Validate(const CommandLine& line) {
  ASSIGN_OR_RETURN(const manifest::Manifest manifest, Load(line));
  RETURN_IF_ERROR(Check(manifest));
  ASSIGN_OR_RETURN(const manifest::Bindings bindings, manifest::ParseBindings(line.bindings));
  RETURN_IF_ERROR(CheckFiles(manifest, bindings));
  const std::vector<std::string> unbound = Unbound(manifest, bindings);
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
