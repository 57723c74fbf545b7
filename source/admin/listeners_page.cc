// /listeners: the listeners in force and where they are bound.
#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/admin/v3/listeners.pb.h"
#include "source/admin/host_proto.h"
#include "source/admin/pages.h"
#include "source/config/json_output.h"

namespace proxenos::admin {

Response ListenersPage(AdminSource& source, const Request& request) {
  if (request.params.Get("format") != "json") {
    std::string text;
    source.for_each_listener([&text](const ListenerView& listener) {
      for (const net::Address& address : listener.addresses) {
        absl::StrAppend(&text, listener.name, "::", address.ToString(), "\n");
      }
    });
    return Response::Text(std::move(text));
  }
  envoy::admin::v3::Listeners listeners;
  source.for_each_listener([&listeners](const ListenerView& listener) {
    auto& status = *listeners.add_listener_statuses();
    status.set_name(std::string(listener.name));
    for (size_t i = 0; i < listener.addresses.size(); ++i) {
      AddressToProto(listener.addresses[i], i == 0 ? *status.mutable_local_address()
                                                   : *status.add_additional_local_addresses());
    }
  });
  return Response::Json(config::ToJson(listeners));
}

}  // namespace proxenos::admin
