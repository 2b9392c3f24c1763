// Names of columns without AS.
#pragma once

#include <string>

#include "worker/sql/internal/tree.h"

namespace streamml::sql::internal {

// The name PostgreSQL gives (FigureColname of parse_target.c), or "" where that is ?column?.
std::string OutputName(const Tree& expression);

}  // namespace streamml::sql::internal
