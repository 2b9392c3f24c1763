// What the tests of the manifest share.
#pragma once

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "base/status.h"
#include "job/manifest/diagnostic.h"
#include "job/manifest/manifest.h"
#include "job/manifest/validate.h"

namespace streamml::manifest {

inline std::string ReadFile(const std::string& path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

inline std::string DataPath(std::string_view name) {
  return absl::StrCat(STREAMML_TEST_DATA, "/", name);
}

// What `streamml validate` says about a manifest: a line per mistake, "" if there is none.
inline std::string Report(std::string_view yaml, std::string_view file_name) {
  const absl::StatusOr<Manifest> manifest = Parse(yaml, file_name);
  if (!manifest.ok()) return std::string(manifest.status().message());
  return absl::StrJoin(Validate(*manifest), "\n", [&](std::string* out, const Diagnostic& d) {
    absl::StrAppend(out, d.severity == Severity::kNotBuilt ? "[not built] " : "",
                    Format(d, file_name));
  });
}

// A small manifest that is fine; tests replace parts of it.
inline constexpr std::string_view kSmall = R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: small}
spec:
  sources:
  - name: events
    file: events.jsonl
    format: json
    columns:
    - {name: at, type: timestamp}
    - {name: amount, type: double precision}
    - {name: label, type: boolean}
    watermark: {column: at}
  views:
  - name: doubled
    sql: SELECT at, amount * 2 AS twice, label FROM events
  models:
  - name: guess
    score: doubled
    train: {from: doubled, label: label, mode: inline}
    features: {numeric: [twice]}
    learner: {name: ftrl}
  sinks:
  - {name: guesses, from: guess}
)";

// kSmall with the first `from` replaced by `to`; `from` must be there.
inline std::string Edited(std::string_view from, std::string_view to) {
  std::string text(kSmall);
  const size_t at = text.find(from);
  if (at == std::string::npos) return absl::StrCat("kSmall does not contain: ", from);
  return text.replace(at, from.size(), to);
}

}  // namespace streamml::manifest
