// The failing end of CHECK.
#include "source/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace proxenos::base {

void CheckFailed(const char* file, int line, const char* expression) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace proxenos::base
