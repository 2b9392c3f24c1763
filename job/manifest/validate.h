// The rules of a manifest that go beyond single fields, and what this build cannot do yet.
#pragma once

#include <vector>

#include "job/manifest/diagnostic.h"
#include "job/manifest/manifest.h"

namespace streamml::manifest {

// All mistakes, in order of their place in the file; empty: the manifest is fine as far as can be
// said without its SQL and the tables of learners and metrics, which the planner checks. Checked
// are: relation names are unique over sources, views and models; references to clusters and
// relations; watermark columns; fields that need or exclude others; bounds between fields; whatever
// a rule in the .proto calls not built. `manifest` comes from Parse, with or without Bind.
std::vector<Diagnostic> Validate(const Manifest& manifest);

// What keeps the job from running on several workers, which may be on several machines: sources
// that read files and sinks that write them. Severity kNotBuilt.
std::vector<Diagnostic> ValidateForWorkers(const Manifest& manifest);

}  // namespace streamml::manifest
