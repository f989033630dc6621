#include "fathom/engine/fair_share.h"

#include <gtest/gtest.h>

#include <string>

namespace fathom {
namespace {

TEST(FairShare, WhoeverComesNewStartsLevelWithTheLeastServed) {
  FairShare<std::string> share;
  share.join("ada");
  share.join("ben");
  share.charge("ada", 100.0);
  share.charge("ben", 40.0);
  share.join("eve");
  EXPECT_EQ(share.served("eve"), 40.0) << "waiting before it came earns it nothing";
}

TEST(FairShare, LeavingAndComingBackGainsNothing) {
  FairShare<std::string> share;
  share.join("ada");
  share.join("ben");
  share.charge("ada", 100.0);
  share.charge("ben", 40.0);
  share.leave("ada");
  share.join("ada");
  EXPECT_EQ(share.served("ada"), 100.0);
}

TEST(FairShare, AKeyIsThereUntilItLeftAsOftenAsItJoined) {
  FairShare<std::string> share;
  share.join("ada");
  share.join("ada");
  share.charge("ada", 5.0);
  share.leave("ada");
  share.join("ben");
  EXPECT_EQ(share.served("ben"), 5.0) << "ada is still there";
  share.leave("ada");
  share.leave("ada");
  share.leave("nobody");
}

TEST(FairShare, WhoOwesNothingIsForgotten) {
  FairShare<std::string> share;
  share.join("stays");
  for (int user = 0; user < 1000; ++user) {
    const std::string name = std::to_string(user);
    share.join(name);
    share.charge(name, 1.0);
    share.charge("stays", 2.0);
    share.leave(name);
  }
  EXPECT_LE(share.remembered(), 3);
  share.leave("stays");
  EXPECT_EQ(share.remembered(), 0) << "nobody is there: nobody has taken from anybody";
}

}  // namespace
}  // namespace fathom
