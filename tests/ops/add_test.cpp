#include "tests/ops/op_support.h"

namespace fathom::op_test {
namespace {

class AddTest : public OperationTest {};

TEST_P(AddTest, EveryElementOnce) {
  for (const std::int64_t columns : {1, 7, 16, 33, 700}) {
    const Array<float> x = random.normals(200 * columns);
    const Array<float> out = random.normals(200 * columns);
    std::vector<float> expected;
    for (std::int64_t index = 0; index < x.size(); ++index) expected.push_back(out[index] + x[index]);
    backend->add({.x = x.view<2>({200, columns}), .out = out.view<2>({200, columns})});
    expect_same_bits(out, expected, "sum");
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, AddTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
