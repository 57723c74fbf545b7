// The annotation that marks secrets.
#include "source/config/sensitive.h"

#include "udpa/annotations/sensitive.pb.h"

namespace proxenos::config {

bool IsSensitive(const google::protobuf::FieldDescriptor& field) {
  return field.options().GetExtension(udpa::annotations::sensitive);
}

}  // namespace proxenos::config
