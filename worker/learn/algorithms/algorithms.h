// The entries of the learner table, one function per file of this folder.
#pragma once

#include "worker/learn/learner.h"

namespace streamml::learn {

LearnerEntry FtrlEntry();
LearnerEntry SgdEntry();

}  // namespace streamml::learn
