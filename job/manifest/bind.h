// Puts files in place of topics: the --bind NAME=FILE of a local run.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "job/manifest/manifest.h"

namespace streamml::manifest {

// Source name -> paths or glob patterns, in the order given. Patterns are not expanded here.
using Bindings = std::map<std::string, std::vector<std::string>, std::less<>>;

// Reads the values of --bind flags, "NAME=FILE" each; a name may come several times, its files add
// up. INVALID_ARGUMENT without "=", a name or a file, or when a file comes twice for a name.
absl::StatusOr<Bindings> ParseBindings(absl::Span<const std::string> flags);

// The files of each source that is read from files: those of `bindings`, else the manifest's own
// `file`, which lies beside the manifest. A source that has only a topic is left out: it is read
// from there. INVALID_ARGUMENT, one line per mistake, if a binding names no source of the manifest
// (the sources are listed).
absl::StatusOr<Bindings> ResolveFiles(const Manifest& manifest, const Bindings& bindings);

}  // namespace streamml::manifest
