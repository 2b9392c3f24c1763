// A manifest as values: read strictly from YAML, defaults filled in, every value's place kept.
//
//   ASSIGN_OR_RETURN(Manifest manifest, Parse(text, "job.yaml"));
//   RETURN_IF_ERROR(ToStatus(Validate(manifest), manifest.file_name));         // validate.h
//   ASSIGN_OR_RETURN(Bindings bindings, ParseBindings(flags));                  // bind.h
//   ASSIGN_OR_RETURN(Bindings files, ResolveFiles(manifest, bindings));
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "job/manifest/positions.h"
#include "proto/streamml/job/v1/job.pb.h"

namespace streamml::manifest {

// Largest manifest, in bytes.
inline constexpr size_t kMaxManifestBytes = 1 << 20;

struct Manifest {
  job::v1::StreamMLJob job;
  Positions positions;
  std::string file_name;  // as given to Parse, for messages
};

// Reads one manifest. Refused, with INVALID_ARGUMENT and one line
// "file:line:column: path: message" for each of the first 20 mistakes: what is not YAML; more than
// one document; a field that is unknown, missing, given twice, without value or ill-typed; a text
// that has not the form that its rule in the .proto asks for; two entries of a list with the same
// name; a union with none or several of its alternatives. Rules between fields are Validate's.
//
// Everything that has a default is set in the result: those in the .proto, and workers.lanes =
// min(log.partitions, 16). Memory is bounded by a small multiple of the text; aliases are followed
// up to 100,000 values in all.
absl::StatusOr<Manifest> Parse(std::string_view yaml, std::string_view file_name);

}  // namespace streamml::manifest
