// A fake origin in a process of its own, for tests that kill one: origin NAME [PORT]. Prints its
// port and serves until it is killed.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "test/support/fake_origin.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int port = argc > 2 ? std::atoi(argv[2]) : 0;
  proxenos::testing::FakeOrigin origin(argv[1], static_cast<uint16_t>(port));
  std::printf("%d\n", origin.port());
  std::fflush(stdout);
  for (;;) pause();
}
