// What of listeners of UDP and of the UDP proxy is honoured.
#include "source/config/fields_table.h"

namespace proxenos::config {

std::vector<MessageRules> UdpFields() {
  return {
      {"envoy.config.listener.v3.UdpListenerConfig",
       {
           Use("downstream_socket_config"),
           Refuse("quic_options", "there is no HTTP/3 yet"),
           Refuse("udp_packet_packet_writer_config", "datagrams leave by sendmsg"),
       }},
      {"envoy.config.core.v3.UdpSocketConfig",
       {
           Use("max_rx_datagram_size"),
           Leave("prefer_gro", "It changes what reading costs, and nothing that anybody sees."),
       }},
      {"envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig",
       {
           Use("stat_prefix cluster matcher idle_timeout hash_policies upstream_socket_config "
               "use_per_packet_load_balancing access_log proxy_access_log access_log_options"),
           Use("use_original_src_ip").Only("false", "hosts would answer clients past the proxy"),
           Refuse("session_filters", "sessions have no filters yet"),
           Refuse("tunneling_config", "datagrams are carried as they are, not over HTTP"),
       }},
      {"envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig.HashPolicy",
       {Use("source_ip key")}},
      {"envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig.UdpAccessLogOptions",
       {
           Use("access_log_flush_interval"),
           Leave("flush_access_log_on_tunnel_connected", "There are no tunnels."),
       }},
      {"envoy.extensions.filters.udp.udp_proxy.v3.Route", {Use("cluster")}},
  };
}

}  // namespace proxenos::config
