// Tells the thread sanitizer what it cannot see: gRPC, which is not instrumented, orders the start
// of a call before each of its callbacks. Empty in every other build.
#pragma once

#ifdef PROXENOS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace proxenos::xds {

// Before `object` is given to gRPC, which will call it on other threads.
inline void HandToGrpc([[maybe_unused]] void* object) {
#ifdef PROXENOS_TSAN
  __tsan_release(object);
#endif
}

// First in each of those calls.
inline void CalledByGrpc([[maybe_unused]] void* object) {
#ifdef PROXENOS_TSAN
  __tsan_acquire(object);
#endif
}

}  // namespace proxenos::xds
