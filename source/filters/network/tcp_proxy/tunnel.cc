// A request's head, from formats.
#include "source/filters/network/tcp_proxy/tunnel.h"

#include "source/access_log/value.h"
#include "source/buffer/arena.h"

namespace proxenos::filters::tcp_proxy {

void Tunnel::Fill(const filter::StreamInfo& info, bool over_tls, http::RequestHead& head) const {
  buffer::Arena& arena = head.headers.arena();
  access_log::FormatInput input;
  input.stream = &info;
  const auto render = [&arena, &input](const access_log::Formatter& formatter) {
    std::string text;
    formatter.Format(input, text);
    return arena.Copy(text);
  };
  head.authority = render(hostname);
  if (post) {
    head.method = http::Method::kPost;
    head.method_text = "POST";
    head.path = path;
    head.scheme = over_tls ? "https" : "http";
    head.framing = http::Framing{http::Framing::kChunked, 0};
  } else {
    head.method = http::Method::kConnect;
    head.method_text = "CONNECT";
    head.framing = http::Framing{http::Framing::kTunnel, 0};
  }
  route::Apply(headers, head.headers,
               [this, &render](uint32_t index) { return render(formats[index]); });
}

}  // namespace proxenos::filters::tcp_proxy
