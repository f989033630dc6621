#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

class EmbedTest : public OperationTest {};

TEST_P(EmbedTest, EveryStreamStartsAsTheRow) {
  for (const WeightShape& shape : weight_shapes(50, 38)) {
    const TestWeight weight(shape, random);
    const auto table = backend->prepare_table(weight.view());
    const std::vector<std::int32_t> ids = {49, 0, 7, 7, 31};
    for (const std::int64_t streams : {1, 4}) {
      const Array<float> out(5 * streams * shape.in);
      backend->embed({.table = *table, .ids = ids, .streams = out.view<3>({5, streams, shape.in})});
      for (std::int64_t token = 0; token < 5; ++token)
        for (std::int64_t stream = 0; stream < streams; ++stream)
          for (std::int64_t channel = 0; channel < shape.in; ++channel)
            ASSERT_EQ(out[(token * streams + stream) * shape.in + channel], weight.at(ids[token], channel))
                << shape.name();
    }
  }
}

TEST_P(EmbedTest, ManyTokensAreRowsOfTheTableToo) {
  for (const std::int64_t channels : {36, 1028})
    for (const WeightShape& shape : weight_shapes(50, channels))
      for (const std::int64_t offset : {0, 1, 4}) {  // four floats at once where rows lie so
        const TestWeight weight(shape, random);
        const auto table = backend->prepare_table(weight.view());
        std::vector<std::int32_t> ids;
        for (std::int32_t token = 0; token < 67; ++token) ids.push_back(token * 7 % 50);
        const std::int64_t tokens = std::ssize(ids);
        const Array<float> out(tokens * 4 * shape.in, offset);
        backend->embed({.table = *table, .ids = ids, .streams = out.view<3>({tokens, 4, shape.in})});
        for (std::int64_t place = 0; place < tokens * 4 * shape.in; ++place)
          ASSERT_EQ(out[place], weight.at(ids[static_cast<std::size_t>(place / (4 * shape.in))], place % shape.in))
              << shape.name() << ", " << offset << " floats off";
      }
}

TEST_P(EmbedTest, AnIdOutsideTheVocabularyIsTheCallersFault) {
  const TestWeight weight({WeightFormat::bf16, 50, 8}, random);
  const auto table = backend->prepare_table(weight.view());
  const Array<float> out(8);
  for (const std::int32_t id : {50, -1, 1 << 30}) {
    const std::vector<std::int32_t> ids = {id};
    const auto call = [&] { backend->embed({.table = *table, .ids = ids, .streams = out.view<3>({1, 1, 8})}); };
    expect_names(fault_of<InputError>(call), {"vocabulary", std::to_string(id).c_str(), "50"});
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, EmbedTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
