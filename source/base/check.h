// Assertions about our own mistakes. CHECK is always on; DCHECK only where NDEBUG is not defined.
//
// Neither may ever depend on what a peer, a control plane or a file sends: those get an error
// value.
#pragma once

namespace proxenos::base {

// Prints `file:line: expression` to standard error and aborts. Never returns.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression);

}  // namespace proxenos::base

#define CHECK(condition)              \
  (__builtin_expect(!!(condition), 1) \
       ? static_cast<void>(0)         \
       : ::proxenos::base::CheckFailed(__FILE__, __LINE__, #condition))

#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(sizeof(!(condition)))
#else
#define DCHECK(condition) CHECK(condition)
#endif
