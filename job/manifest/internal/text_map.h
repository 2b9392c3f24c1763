// Finds the characters of a scalar's value in the text of the file.
#pragma once

#include <string_view>
#include <vector>

#include "job/manifest/positions.h"

namespace streamml::manifest::internal {

// `value` is what YAML makes of the scalar that begins at byte `offset` of `file`, in any style:
// literal (|), folded (>), quoted or plain. The runs are as Positions::AddText wants them: the last
// one marks the end, with file_offset npos if the value could not be followed further.
std::vector<TextRun> MapText(std::string_view file, size_t offset, std::string_view value);

}  // namespace streamml::manifest::internal
