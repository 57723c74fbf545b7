"""That the tests' own HTTP/2 is right: HPACK by the examples of RFC 7541, appendix C, and frames both ways."""

import pathlib
import socket
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import h2wire  # noqa: E402
import hpack  # noqa: E402
import report  # noqa: E402


class HpackTest(unittest.TestCase):
    def test_requests_without_huffman(self):
        decoder = hpack.Decoder()
        first = decoder.decode(bytes.fromhex("828684410f7777772e6578616d706c652e636f6d"))
        self.assertEqual(first, [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")])
        second = decoder.decode(bytes.fromhex("828684be58086e6f2d6361636865"))
        self.assertEqual(second[3:], [(":authority", "www.example.com"), ("cache-control", "no-cache")])

    def test_responses_with_huffman_and_eviction(self):
        decoder = hpack.Decoder(256)
        decoder.decode(bytes.fromhex("488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad17186"
                                     "3c78f0b97c8e9ae82ae43d3"))
        self.assertEqual(decoder.decode(bytes.fromhex("4883640effc1c0bf"))[0], (":status", "307"))
        third = decoder.decode(bytes.fromhex(
            "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f"
            "3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"))
        self.assertEqual(third[-1], ("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"))
        self.assertEqual(len(decoder.entries), 3)

    def test_encoder_and_decoder_agree(self):
        fields = [("a", ""), ("b", "x" * 5000), ("c", "\xe9\0")]
        self.assertEqual(hpack.Decoder().decode(hpack.encode(fields)), fields)

    def test_integers(self):
        self.assertEqual(hpack.integer(10, 5), b"\x0a")
        self.assertEqual(hpack.integer(1337, 5), bytes([31, 154, 10]))

    def test_what_is_wrong(self):
        for block in ("80", "be", "3fe21f", "0a82", "0001618a1c"):
            with self.assertRaises((ValueError, IndexError), msg=block):
                hpack.Decoder().decode(bytes.fromhex(block))


class ConnectionTest(unittest.TestCase):
    def test_request_and_response(self):
        """More than a window's worth each way, with a header block that needs CONTINUATION."""
        ends = socket.socketpair()
        self.addCleanup(lambda: [end.close() for end in ends])
        ends[0].settimeout(20), ends[1].settimeout(20)
        large, body = ("x-large", "v" * 40000), bytes(range(256)) * 1000
        seen = {}

        def serve():
            server = h2wire.Connection(ends[1], server=True, window=65535)
            seen["preface"] = server.bytes(len(h2wire.PREFACE))
            seen["request"] = server.response(1)
            server.send(h2wire.headers(1, [(":status", "103")]) + h2wire.headers(1, [(":status", "200"), large]))
            server.send_body(1, bytes(seen["request"].body), end=False)
            server.send(h2wire.headers(1, [("x-sum", "1")], True))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        client = h2wire.Connection(ends[0], window=65535)
        stream = client.open(h2wire.request("/p", "POST", fields=[large]), end=False)
        self.assertTrue(client.send_body(stream, body))
        answer = client.response(stream)
        thread.join()
        self.assertEqual(seen["preface"], h2wire.PREFACE)
        self.assertEqual((dict(seen["request"].headers)["x-large"], seen["request"].body), (large[1], body))
        self.assertEqual((answer.status, answer.body, answer.trailers), (200, body, [("x-sum", "1")]))
        self.assertEqual((answer.informational, answer.field("x-large")), ([[(":status", "103")]], large[1]))


if __name__ == "__main__":
    report.main("h2wire")
