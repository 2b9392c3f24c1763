#include "base/at_field.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace streamml {
namespace {

TEST(AtField, PathsGrowFromTheInside) {
  absl::Status status = absl::InvalidArgumentError("no such column");
  EXPECT_EQ(FieldOf(status), "");
  status = AtField(AtField(AtField(status, "[2]"), "columns"), "features");
  EXPECT_EQ(FieldOf(status), "features.columns[2]");
  EXPECT_EQ(status.message(), "no such column");
}

TEST(AtField, AnnotationsKeepThePathAndOkHasNone) {
  const absl::Status status = AtField(absl::InvalidArgumentError("bad"), "label");
  EXPECT_EQ(FieldOf(Annotate(status, "model 'm'")), "label");
  EXPECT_TRUE(AtField(absl::OkStatus(), "label").ok());
}

}  // namespace
}  // namespace streamml
