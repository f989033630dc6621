#include "fathom/evaluation/bits_per_byte.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/evaluation/evaluation_support.h"

namespace fathom::testing {
namespace {

const std::vector<std::string> kDocuments = {"The first document is one line.",
                                             "A second one,\nof two lines, with é, 漢 and 🐟 in it, and longer than the "
                                             "others so that it is cut into several windows.",
                                             "3", "fourth\n"};

std::string file_of(const std::vector<std::string>& documents) {
  std::string text;
  for (const std::string& document : documents) text += document + "\n\f\n";
  return text;
}

// Token by token, each from a cache of its own, the softmax in long double: nothing of the code under test.
TextFigures plainly(const AskedModel& asked, std::int64_t window) {
  const EvaluatedModel& model = asked.model();
  TextFigures figures;
  for (const std::string& document : kDocuments) {
    std::vector<std::int32_t> ids = model.tokenizer.encode(document);
    ids.insert(ids.begin(), static_cast<std::int32_t>(model.transformer.config().bos_token));
    ++figures.documents;
    for (std::size_t begin = 0; begin < ids.size(); begin += static_cast<std::size_t>(window)) {
      const std::size_t end = std::min(ids.size(), begin + static_cast<std::size_t>(window));
      if (end - begin > 1) ++figures.windows;
      for (std::size_t target = begin + 1; target < end; ++target) {
        SequenceCache cache = model.transformer.make_cache();
        const BatchRun run{.cache = &cache,
                           .ids = std::span(ids).subspan(begin, target - begin),
                           .logits_from = static_cast<std::int64_t>(target - begin) - 1};
        const auto logits = model.transformer.forward({&run, 1})[0];
        long double sum = 0;
        for (const float logit : logits.span()) sum += std::exp(static_cast<long double>(logit));
        const long double logit = logits.span()[static_cast<std::size_t>(ids[target])];
        figures.bits += static_cast<double>((std::log(sum) - logit) / std::log(2.0L));
        ++figures.tokens;
        figures.bytes += std::ssize(model.tokenizer.piece(ids[target]));
      }
    }
  }
  return figures;
}

void expect_equal(const TextFigures& found, const TextFigures& expected) {
  EXPECT_EQ(found.documents, expected.documents);
  EXPECT_EQ(found.windows, expected.windows);
  EXPECT_EQ(found.tokens, expected.tokens);
  EXPECT_EQ(found.bytes, expected.bytes);
  EXPECT_NEAR(found.bits, expected.bits, 1e-5 * expected.bits);
}

class BitsPerByteTest : public ::testing::Test {
 protected:
  TextFigures measure(const AskedModel& asked, std::string_view bytes, std::int64_t window,
                      std::int64_t documents = 0) {
    write_text(directory_ / "text", bytes);
    return measure_text(asked.model(), {.file = directory_ / "text", .window = window, .documents = documents},
                        [](double share) {
                          EXPECT_GE(share, 0.0);
                          EXPECT_LE(share, 1.0);
                        });
  }
  const TemporaryDirectory directory_;
};

TEST_F(BitsPerByteTest, EqualsThePlainSum) {
  const AskedModel asked;
  for (const std::int64_t window : {2, 7, 4096})
    expect_equal(measure(asked, file_of(kDocuments), window), plainly(asked, window));
}

TEST_F(BitsPerByteTest, AWholeDocumentCountsEveryByte) {
  const AskedModel asked;
  std::int64_t bytes = 0;
  for (const std::string& document : kDocuments) bytes += std::ssize(document);
  const TextFigures figures = measure(asked, file_of(kDocuments), 4096);
  EXPECT_EQ(figures.bytes, bytes);
  EXPECT_DOUBLE_EQ(figures.bits_per_byte(), figures.bits / static_cast<double>(figures.bytes));
}

TEST_F(BitsPerByteTest, NeitherBatchNorPackingMatters) {
  const AskedModel wide;
  const TextFigures one = measure(wide, file_of(kDocuments), 16);
  for (const auto& [tokens, sequences] : {std::pair{1, 1}, {5, 2}, {17, 64}}) {
    const AskedModel narrow(tokens, sequences);
    const TextFigures other = measure(narrow, packed(file_of(kDocuments)), 16);
    EXPECT_EQ(other.tokens, one.tokens);
    EXPECT_NEAR(other.bits, one.bits, 1e-9 * one.bits) << "only the order of the sum differs";
  }
}

TEST_F(BitsPerByteTest, TheFirstDocumentsAlone) {
  const AskedModel asked;
  const TextFigures figures = measure(asked, file_of(kDocuments), 64, 1);
  EXPECT_EQ(figures.documents, 1);
  EXPECT_EQ(figures.bytes, std::ssize(kDocuments.front()));
  EXPECT_EQ(measure(asked, file_of(kDocuments), 64, 100).documents, 4);
}

TEST_F(BitsPerByteTest, FaultsNameTheFile) {
  const AskedModel asked;
  const auto error = [&](std::string_view bytes, std::int64_t window = 64) {
    return error_of([&] { measure(asked, bytes, window); });
  };
  EXPECT_NE(error("").find("holds no text"), std::string::npos);
  EXPECT_NE(error("fine\n\f\nsays <think> aloud\n").find("document 1 spells a special token"), std::string::npos);
  EXPECT_NE(error("a\xFFz").find("no UTF-8"), std::string::npos);
  const std::string whole = packed(file_of(kDocuments));
  EXPECT_NE(error(whole.substr(0, whole.size() - 5)).find("truncated"), std::string::npos);
  EXPECT_NE(error("a", 2'000'000).find("a window of 2000000 tokens, the model's positions end at 1048576"),
            std::string::npos);
  EXPECT_NE(
      error_of([&] { measure_text(asked.model(), {.file = "/no/such/text"}, [](double) {}); }).find("/no/such/text"),
      std::string::npos);
}

TEST(BitsBehind, TheLastPartOfAText) {
  const AskedModel asked;
  const AskedModel narrow(3, 1);
  std::vector<std::int32_t> ids = asked.model().tokenizer.encode(kDocuments[1]);
  for (const std::size_t given : {std::size_t{1}, std::size_t{6}, ids.size() - 1}) {
    double bits = 0.0;
    for (std::size_t target = given; target < ids.size(); ++target) {
      SequenceCache cache = asked.model().transformer.make_cache();
      const BatchRun run{
          .cache = &cache, .ids = std::span(ids).first(target), .logits_from = static_cast<std::int64_t>(target) - 1};
      bits += bits_of(asked.model().transformer.forward({&run, 1}).span(), ids[target]);
    }
    for (const AskedModel* model : {&asked, &narrow})
      EXPECT_DOUBLE_EQ(bits_behind(model->model(), std::span(ids).first(given), std::span(ids).subspan(given)), bits);
  }
  EXPECT_THROW(bits_behind(asked.model(), {}, ids), InternalError);
  EXPECT_THROW(bits_behind(asked.model(), ids, {}), InternalError);
}

TEST(BitsOf, TheSoftmaxsShare) {
  const std::vector<float> even(8, 3.0F);
  EXPECT_NEAR(bits_of(even, 5), 3.0, 1e-6);
  const std::vector<float> sure = {100.0F, -100.0F, 0.0F};
  EXPECT_NEAR(bits_of(sure, 0), 0.0, 1e-6);
  EXPECT_NEAR(bits_of(sure, 1), 200.0 / std::log(2.0), 1e-3);
  const std::vector<float> large = {1e30F, 1e30F};
  EXPECT_NEAR(bits_of(large, 1), 1.0, 1e-6) << "nothing overflows";
}

}  // namespace
}  // namespace fathom::testing
