#include "worker/operators/model.h"

#include <array>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/worker/learn/support.h"

namespace streamml::operators {
namespace {

using data::Type;
using learn::Cells;
using learn::MakeSchema;
using learn::Null;
using learn::ToBatch;
using testing::HasSubstr;

// The first 20 records of River's phishing set; the last column is the label.
constexpr std::array<std::array<double, 10>, 20> kPhishing = {{
    {0, 0, 0, 0, 0, 0.5, 1, 1, 1, 1},       {1, 0, 0.5, 0.5, 0, 0.5, 0, 1, 0, 1},
    {0, 0, 1, 0, 0.5, 0.5, 0, 1, 0, 1},     {0, 0, 1, 0, 0, 1, 0.5, 0, 0, 1},
    {1, 0, 0.5, 1, 0, 0.5, 0.5, 1, 0, 0},   {1, 0.5, 1, 1, 0.5, 0.5, 0.5, 1, 1, 0},
    {0, 0.5, 0, 0, 1, 1, 0.5, 0, 0, 1},     {0, 0, 0.5, 0, 0, 1, 0, 0, 0, 1},
    {1, 0.5, 1, 1, 1, 0, 1, 1, 0, 0},       {1, 0, 0.5, 0, 1, 0.5, 1, 1, 0, 1},
    {1, 0.5, 1, 0.5, 0, 1, 0.5, 0, 0, 0},   {0, 0, 0, 1, 0, 0.5, 0, 1, 0, 1},
    {0.5, 0.5, 0, 0.5, 0.5, 1, 1, 0, 1, 1}, {0, 0.5, 0.5, 0.5, 0, 1, 0, 0, 0, 1},
    {1, 1, 1, 0, 1, 0, 1, 1, 0, 0},         {0.5, 0, 0, 0.5, 1, 1, 0.5, 0, 0, 1},
    {1, 0, 0.5, 1, 0.5, 0.5, 0, 1, 0, 1},   {0.5, 0, 1, 0, 0, 1, 0, 1, 0, 1},
    {1, 0.5, 0, 0, 1, 1, 0, 0, 0, 0},       {1, 0, 0.5, 0, 1, 0, 0.5, 1, 0, 0},
}};
const std::vector<std::string> kColumns = {"empty_server_form_handler",
                                           "popup_window",
                                           "https",
                                           "request_from_other_domain",
                                           "anchor_from_other_domain",
                                           "is_popular",
                                           "long_url",
                                           "age_of_domain",
                                           "ip_in_url"};

std::shared_ptr<const data::Schema> PhishingSchema() {
  std::vector<data::Field> fields;
  for (const std::string& name : kColumns) fields.push_back({name, Type::kDouble});
  fields.push_back({"is_phishing", Type::kBigint});
  return MakeSchema(fields);
}

data::Batch PhishingRows() {
  std::vector<Cells> rows;
  for (const auto& record : kPhishing) {
    Cells& row = rows.emplace_back(record.begin(), record.end());
    row.back() = static_cast<int64_t>(record.back());
  }
  return ToBatch(PhishingSchema(), rows);
}

struct Model {
  state::StateSet states;
  std::unique_ptr<ModelOperator> model;
};

std::unique_ptr<Model> MakeModel(const ModelSpec& spec,
                                 const std::shared_ptr<const data::Schema>& schema) {
  auto result = std::make_unique<Model>();
  auto model = ModelOperator::Make(spec, schema, {"fraud", "model", &result->states});
  EXPECT_TRUE(model.ok()) << model.status();
  result->model = *std::move(model);
  return result;
}

ModelSpec PhishingSpec(std::string learner, learn::Parameters parameters) {
  return {.name = "phishing",
          .features = {.numeric = kColumns, .scale = learn::Scale::kStandard},
          .learner = std::move(learner),
          .parameters = std::move(parameters),
          .label = "is_phishing",
          .metrics = {"accuracy"}};
}

void ExpectScores(const ModelSpec& spec, const std::vector<double>& expected) {
  const auto made = MakeModel(spec, PhishingSchema());
  Dropped dropped;
  const data::Batch output = *made->model->Process(PhishingRows(), dropped);
  ASSERT_EQ(output.num_rows(), expected.size());
  const data::Column& scores = output.column(10);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(scores.Double(i), expected[i], 1e-13 * expected[i]) << "record " << i + 1;
    EXPECT_EQ(output.column(11).Integer(i), static_cast<int64_t>(i));
  }
}

// Oracle river-lr-phishing: River 0.26.1, StandardScaler | LogisticRegression(SGD(0.005)).
TEST(ModelTest, SgdAgreesWithRiverOnTheFirstPhishingRecords) {
  ExpectScores(
      PhishingSpec("sgd", {{"learningRate", "0.005"}, {"l2", "0"}, {"interceptRate", "0.01"}}),
      {0.5,
       0.5012499973958399,
       0.5043670764630949,
       0.5049274789989846,
       0.5024079862369718,
       0.5003859830660307,
       0.5084604948773681,
       0.5181285638056106,
       0.48353019488593346,
       0.49694469900681554,
       0.5095033515376035,
       0.5031192223249387,
       0.4998087806530109,
       0.5173504786606365,
       0.48182743212444323,
       0.5242240630188815,
       0.4990925980782946,
       0.5177637589728841,
       0.5255645086223052,
       0.4932399419031113});
}

// Oracle ftrl-standard-phishing: reference implementation in Python.
TEST(ModelTest, FtrlAgreesWithTheReferenceOnTheFirstPhishingRecords) {
  ExpectScores(
      PhishingSpec("ftrl", {{"alpha", "0.1"}, {"beta", "1"}, {"l1", "0.1"}, {"l2", "0.1"}}),
      {0.5,
       0.50662212931878,
       0.5334002524895264,
       0.5346203747512772,
       0.5123048102473658,
       0.4917127719273089,
       0.5716019785553427,
       0.6504923285785416,
       0.3471364519779853,
       0.46015863876054297,
       0.5702525326114625,
       0.510939743726915,
       0.46112604775062516,
       0.6208054603321073,
       0.3456126611513914,
       0.6579432481494174,
       0.4700457327293732,
       0.6117517303675105,
       0.6529845379207463,
       0.43666633760176793});
}

std::shared_ptr<const data::Schema> SmallSchema(Type label) {
  return MakeSchema({{"x", Type::kDouble}, {"secret", Type::kDouble}, {"label", label}});
}

ModelSpec SmallSpec() {
  return {.name = "m", .features = {.numeric = {"x"}}, .learner = "sgd", .label = "label"};
}

TEST(ModelTest, OutputIsTheInputThenScoreAndVersion) {
  const auto made = MakeModel(SmallSpec(), SmallSchema(Type::kBoolean));
  const data::Schema& schema = *made->model->output_schema();
  ASSERT_EQ(schema.size(), 5u);
  EXPECT_EQ(schema.field(3), (data::Field{"score", Type::kDouble}));
  EXPECT_EQ(schema.field(4), (data::Field{"model_version", Type::kBigint}));
}

TEST(ModelTest, RowWithoutLabelIsScoredButNotLearned) {
  const auto made = MakeModel(SmallSpec(), SmallSchema(Type::kBoolean));
  const data::Batch input =
      ToBatch(SmallSchema(Type::kBoolean),
              {{1.0, 0.0, true}, {1.0, 0.0, Null{}}, {1.0, 0.0, Null{}}, {1.0, 0.0, false}});
  Dropped dropped;
  const data::Batch output = *made->model->Process(input, dropped);
  EXPECT_EQ(output.column(4).integers(), (std::vector<int64_t>{0, 1, 1, 1}));
  EXPECT_EQ(output.column(3).Double(0), 0.5);
  EXPECT_GT(output.column(3).Double(1), 0.5);
  EXPECT_EQ(output.column(3).Double(1), output.column(3).Double(3));
  EXPECT_EQ(made->model->Report().examples, 2u);
  EXPECT_TRUE(dropped.failed.empty());
}

TEST(ModelTest, LabelOtherThanZeroAndOneFailsTheRowAlone) {
  const auto made = MakeModel(SmallSpec(), SmallSchema(Type::kBigint));
  const data::Batch input =
      ToBatch(SmallSchema(Type::kBigint),
              {{1.0, 0.0, int64_t{1}}, {2.5, 0.0, int64_t{2}}, {1.0, 0.0, int64_t{0}}});
  Dropped dropped;
  const data::Batch output = *made->model->Process(input, dropped);
  EXPECT_EQ(output.num_rows(), 2u);
  EXPECT_EQ(output.origin(1).offset, 2u);
  EXPECT_EQ(output.column(4).integers(), (std::vector<int64_t>{0, 1}));
  ASSERT_EQ(dropped.failed.size(), 1u);
  EXPECT_EQ(dropped.failed[0].origin.offset, 1u);
  EXPECT_EQ(dropped.failed[0].reason, "model 'm': label 'label' is 2; allowed: 0, 1, NULL");
  EXPECT_EQ(dropped.failed[0].row, R"({"x": 2.5, "secret": 0, "label": 2})");
}

TEST(ModelTest, ColumnsThatAreNotFeaturesNeverReachTheLearner) {
  Dropped dropped;
  std::vector<double> scores[2];
  for (int run = 0; run < 2; ++run) {
    const auto made = MakeModel(SmallSpec(), SmallSchema(Type::kBoolean));
    std::vector<Cells> rows;
    for (int i = 0; i < 30; ++i)
      rows.push_back({1.0 * (i % 5), run * 1000.0 * (i % 2), i % 2 == 1});
    scores[run] = made->model->Process(ToBatch(SmallSchema(Type::kBoolean), rows), dropped)
                      ->column(3)
                      .doubles();
  }
  EXPECT_EQ(scores[0], scores[1]);
}

TEST(ModelTest, EmptyBatchGivesAnEmptyBatch) {
  const auto made = MakeModel(SmallSpec(), SmallSchema(Type::kBoolean));
  Dropped dropped;
  const data::Batch output =
      *made->model->Process(ToBatch(SmallSchema(Type::kBoolean), {}), dropped);
  EXPECT_EQ(output.num_rows(), 0u);
  EXPECT_EQ(output.columns().size(), 5u);
}

std::string Refusal(const ModelSpec& spec, const std::shared_ptr<const data::Schema>& schema) {
  state::StateSet states;
  const absl::Status status = ModelOperator::Make(spec, schema, {"m", "model", &states}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(states.states().empty()) << "a refused model must not declare state";
  return std::string(status.message());
}

TEST(ModelTest, WrongSpecsAreRefusedByName) {
  ModelSpec spec = SmallSpec();
  EXPECT_THAT(
      Refusal(spec, SmallSchema(Type::kDouble)),
      HasSubstr(
          "model 'm': label column 'label' is double precision; allowed: boolean, or bigint"));
  EXPECT_THAT(Refusal(spec, SmallSchema(Type::kText)), HasSubstr("label column 'label' is text"));
  EXPECT_THAT(
      Refusal(
          spec,
          MakeSchema({{"x", Type::kDouble}, {"label", Type::kBoolean}, {"score", Type::kDouble}})),
      HasSubstr("has a column 'score'"));
  spec.label = "fraud";
  EXPECT_THAT(
      Refusal(spec, SmallSchema(Type::kBoolean)),
      HasSubstr("label column 'fraud' is not in the relation; its columns: x, secret, label"));
  spec = SmallSpec();
  spec.features.numeric.push_back("label");
  EXPECT_THAT(Refusal(spec, SmallSchema(Type::kBoolean)), HasSubstr("is also a feature"));
  spec = SmallSpec();
  spec.learner = "fttrl";
  EXPECT_THAT(Refusal(spec, SmallSchema(Type::kBoolean)),
              HasSubstr("model 'm': learner 'fttrl' is not known; did you mean 'ftrl'?"));
  spec = SmallSpec();
  spec.metrics = {"acuracy"};
  EXPECT_THAT(Refusal(spec, SmallSchema(Type::kBoolean)), HasSubstr("; did you mean 'accuracy'?"));
  spec = SmallSpec();
  spec.features.numeric = {"y"};
  EXPECT_THAT(Refusal(spec, SmallSchema(Type::kBoolean)),
              HasSubstr("model 'm': features: numeric: column 'y'"));
}

}  // namespace
}  // namespace streamml::operators
