// Serialising of values with the maps inside in a fixed order.
#include "source/json/flat_struct_config.h"

#include <algorithm>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace proxenos::json {

std::string SerializedValue(const google::protobuf::Value& value) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    value.SerializeToCodedStream(&out);
  }
  return bytes;
}

std::vector<std::pair<std::string, std::string>> FlattenStruct(
    const google::protobuf::Struct& proto) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (const auto& [name, value] : proto.fields())
    fields.emplace_back(name, SerializedValue(value));
  std::sort(fields.begin(), fields.end());
  return fields;
}

}  // namespace proxenos::json
