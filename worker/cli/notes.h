// Notes about the opening of a data folder, fit to be read when there are many lanes.
#pragma once

#include <string>
#include <vector>

namespace streamml::cli {

// Notes that are alike but for the lane in front ("lane NAME: "), numbers and paths in quotes are
// one, in the place of the first, where there are at least three of them:
//   "16 lanes, features[0] to features[15]: recovered from the snapshot at 3 to 17, ..."
//   "cut 20 to 480 uncommitted bytes off 'data/scores/part-00000.jsonl' and 13 more"
// Other notes stay as they are.
std::vector<std::string> Summarize(const std::vector<std::string>& notes);

}  // namespace streamml::cli
