// The annotation that marks secrets, and those that have none.
#include "source/config/sensitive.h"

#include "udpa/annotations/sensitive.pb.h"

namespace proxenos::config {
namespace {

// Of our own messages, which stand alone and so do not import the annotation.
constexpr const char* kOwn[] = {"proxenos.http.cache.v3.CacheStore.Redis.password"};

}  // namespace

bool IsSensitive(const google::protobuf::FieldDescriptor& field) {
  if (field.options().GetExtension(udpa::annotations::sensitive)) return true;
  for (const char* name : kOwn) {
    if (field.full_name() == name) return true;
  }
  return false;
}

}  // namespace proxenos::config
