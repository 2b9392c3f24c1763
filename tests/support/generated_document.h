// Documents whose text below a marker is made from the code.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace streamml::support {

inline std::string ReadDocument(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Fails unless `generated` is what stands below the marker; with STREAMML_UPDATE_DOCS in the
// environment it is written there instead. `name` is for people: "docs/manifest.md".
inline void CheckIsFresh(const std::string& path, std::string_view name, std::string_view marker,
                         const std::string& generated) {
  const std::string committed = ReadDocument(path);
  const size_t end = committed.find(marker);
  ASSERT_NE(end, std::string::npos) << path << " has no marker";
  const std::string fresh = committed.substr(0, end + marker.size()) + generated;
  if (std::getenv("STREAMML_UPDATE_DOCS") != nullptr) {
    std::ofstream(path) << fresh;
    return;
  }
  EXPECT_EQ(committed, fresh) << name
                              << " is stale; the test's first lines say how to write it anew";
}

}  // namespace streamml::support
