#include "fathom/server/accept_encoding.h"

#include <gtest/gtest.h>

namespace fathom::server {
namespace {

TEST(AcceptEncoding, GzipIsTakenWhereItIsNamed) {
  for (const char* accepted :
       {"gzip", "gzip, deflate, br, zstd", "deflate,gzip;q=0.5", "GZIP", "x-gzip", "*", "br;q=1.0, gzip;q=0.001",
        " identity ; q=0 ,\tgzip ; q=1", "*;q=0, gzip", "gzip;level=9"})
    EXPECT_TRUE(accepts_gzip(accepted)) << accepted;
}

TEST(AcceptEncoding, AndNotWhereItIsRefusedOrNobodySpeaksOfIt) {
  for (const char* accepted : {"", "identity", "br, zstd", "gzip;q=0", "gzip; Q=0.000", "*, gzip;q=0", "*;q=0",
                               "gzipped", "br;gzip", ",", ";", "gzip;q=0;q=1", "q=gzip"})
    EXPECT_FALSE(accepts_gzip(accepted)) << accepted;
}

}  // namespace
}  // namespace fathom::server
