"""Abuse of HTTP/2 against the real binary: each attack is ended, counted, and costs neither memory nor
the requests of other clients, who ask over HTTP/1.1 and HTTP/2 of the same worker all the while.

  http2_abuse_test.py --proxy BINARY [--foreign] [CASE...]

--foreign is for another proxy, which ends attackers without a word, counts them by other names and may
take more memory: that the attacks themselves are right.
"""

import argparse
import pathlib
import select
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import bystander  # noqa: E402
import h2wire  # noqa: E402
import hpack  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402

# What an attack may make the process grow by. Far below what any of them would take unchecked.
MEMORY_BYTES = 32 << 20
# What an attacker sends at most. A proxy that lets all of it pass has no defence.
ATTEMPTS = 40000


class Attacker(h2wire.Connection):
    """A connection that sends much, and reads only so that the proxy's answers do not stand in its way."""

    def __init__(self, port, **more):
        super().__init__(h2wire.wire.connect(port), **more)
        self.wait(lambda: self.peer_settings or self.frames)

    def drain(self):
        """Takes in what has come already."""
        while self.buffer or select.select([self.sock], [], [], 0)[0]:
            if self.read() is None:
                return

    def flood(self, pieces, burst=50):
        """Sends until the proxy ends the connection; how many pieces went out."""
        sent, batch = 0, []
        for piece in pieces:
            batch.append(piece)
            if len(batch) < burst:
                continue
            if not self.send(b"".join(batch)):
                break
            sent, batch = sent + len(batch), []
            self.drain()
            if self.goaway or self.ended:
                break
        else:
            self.send(b"".join(batch))
        return sent


def get(stream, end=True, **more):
    return h2wire.headers(stream, h2wire.request(**more), end)


class AbuseTest(unittest.TestCase):
    binary = ""
    foreign = False

    def setUp(self):
        self.origin = origin.Origin()
        self.proxy = proxy.Proxy(self.binary, bootstrap.bootstrap(
            clusters=[bootstrap.cluster("origin", self.origin.port)]))
        self.addCleanup(self.proxy.__exit__)
        self.bystanders = [kind(self.proxy.port) for kind in (bystander.Http1Bystander, bystander.Http2Bystander)]
        for one in self.bystanders:
            one.__enter__()
            self.addCleanup(one.__exit__)
        self.memory = self.proxy.rss_bytes()

    def check_world(self, memory=MEMORY_BYTES):
        """Others were served during the attack, and are after it."""
        for one in self.bystanders:
            one.wait_for(20)
            self.assertEqual(one.failures, [])
        self.assertTrue(self.proxy.alive(), self.proxy.words())
        if not self.foreign:
            self.assertLess(self.proxy.rss_bytes() - self.memory, memory)

    def check_ended(self, attacker, *stats, codes=(h2wire.ENHANCE_YOUR_CALM,)):
        """The attacker was sent away, with a word; one of the stats tells of it."""
        self.assertIn(attacker.expect_end(), ("closed", "reset"))
        if not self.foreign:
            self.assertIsNotNone(attacker.goaway, "no GOAWAY")
            self.assertIn(attacker.goaway[1], codes)
        self.check_counted(*stats)
        self.check_world()

    def check_counted(self, *stats):
        counted = {name: value for name, value in self.proxy.stats().items() if "http2." in name and value}
        self.assertTrue(self.foreign or any(name.endswith("http2." + stat) for name in counted for stat in stats), counted)

    def test_rapid_reset(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood(get(stream) + h2wire.rst_stream(stream) for stream in range(1, 2 * ATTEMPTS, 2))
        self.check_ended(attacker, "reset_flood")
        # What the attacker took back hardly reached the origin.
        self.assertLess(len([r for r in self.origin.take_seen() if "bystander" not in r["start"]]), 1000)

    def test_made_you_reset_by_window_update(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood(get(stream, path="/silent") + h2wire.window_update(stream, 0)
                       for stream in range(1, 2 * ATTEMPTS, 2))
        # Whether the first of them is an error of the stream or of the connection is the receiver's choice.
        self.check_ended(attacker, "reset_flood", "goaway_sent", codes=(h2wire.ENHANCE_YOUR_CALM, h2wire.PROTOCOL_ERROR))

    def test_made_you_reset_by_window_overflow(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood(get(stream, path="/silent") + h2wire.window_update(stream, 0x7fffffff)
                       for stream in range(1, 2 * ATTEMPTS, 2))
        self.check_ended(attacker, "reset_flood", codes=(h2wire.ENHANCE_YOUR_CALM, h2wire.FLOW_CONTROL_ERROR))

    def test_made_you_reset_by_data_after_end(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood(get(stream, path="/silent") + h2wire.frame(h2wire.DATA, 0, stream, b"x")
                       for stream in range(1, 2 * ATTEMPTS, 2))
        self.check_ended(attacker, "reset_flood", "goaway_sent", codes=(h2wire.ENHANCE_YOUR_CALM, h2wire.STREAM_CLOSED))

    def test_made_you_reset_by_short_priority(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood(get(stream, path="/silent") + h2wire.frame(h2wire.PRIORITY, 0, stream, b"1234")
                       for stream in range(1, 2 * ATTEMPTS, 2))
        self.check_ended(attacker, "reset_flood", "goaway_sent", codes=(h2wire.ENHANCE_YOUR_CALM, h2wire.FRAME_SIZE_ERROR))

    def test_made_you_reset_by_malformed_requests(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood(h2wire.headers(stream, h2wire.request(fields=[("Upper", "case")]), True)
                       for stream in range(1, 2 * ATTEMPTS, 2))
        self.check_ended(attacker, "reset_flood", "rx_messaging_error",
                         codes=(h2wire.ENHANCE_YOUR_CALM, h2wire.PROTOCOL_ERROR))

    def test_continuation_flood(self):
        attacker = Attacker(self.proxy.port)
        start = h2wire.frame(h2wire.HEADERS, 0, 1, hpack.encode(h2wire.request()))
        more = h2wire.frame(h2wire.CONTINUATION, 0, 1, hpack.literal("x", "y"))
        attacker.flood([start] + [more] * ATTEMPTS)
        self.check_ended(attacker, "inbound_continuation_flood", "header_overflow",
                         codes=(h2wire.ENHANCE_YOUR_CALM, h2wire.PROTOCOL_ERROR))

    def test_continuation_flood_without_octets(self):
        attacker = Attacker(self.proxy.port)
        start = h2wire.frame(h2wire.HEADERS, 0, 1, hpack.encode(h2wire.request()))
        attacker.flood([start] + [h2wire.frame(h2wire.CONTINUATION, 0, 1)] * ATTEMPTS)
        self.check_ended(attacker, "inbound_continuation_flood", "inbound_empty_frames_flood",
                         codes=(h2wire.ENHANCE_YOUR_CALM, h2wire.PROTOCOL_ERROR))

    def test_continuation_flood_after_the_end(self):
        """The block overflows, and END_HEADERS never comes: what is dropped is still counted."""
        attacker = Attacker(self.proxy.port)
        start = h2wire.frame(h2wire.HEADERS, h2wire.END_STREAM, 1, hpack.encode(h2wire.request()))
        more = h2wire.frame(h2wire.CONTINUATION, 0, 1, hpack.literal("x", "y" * 16000))
        attacker.flood([start] + [more] * 4000, burst=4)
        self.check_ended(attacker, "inbound_continuation_flood", "header_overflow",
                         codes=(h2wire.ENHANCE_YOUR_CALM, h2wire.PROTOCOL_ERROR))

    def bomb(self, fields):
        """A block that unfolds: one large field is stored, then named again and again."""
        return (hpack.encode(h2wire.request()) + hpack.literal("x-bomb", "b" * 3900, indexing=True)
                + hpack.indexed(62) * fields)

    def test_hpack_bomb(self):
        """16 KiB become 60 MiB, on each stream; the answer is 431 or a reset, and the memory is not taken."""
        attacker = Attacker(self.proxy.port)
        for number in range(20):
            stream = attacker.next_stream
            attacker.next_stream += 2
            if number == 0:
                block = self.bomb(12000)
            else:
                block = hpack.encode(h2wire.request()) + hpack.indexed(62) * 15000
            if not attacker.send(h2wire.frame(h2wire.HEADERS, h2wire.END_HEADERS | h2wire.END_STREAM, stream, block)):
                break
            answer = attacker.response(stream)
            self.assertTrue(answer.status == 431 or answer.reset is not None or attacker.ended, answer.headers)
            if attacker.goaway or attacker.ended:
                break
        self.check_counted("header_overflow", "rx_messaging_error", "inbound_continuation_flood")
        self.check_world()
        self.assertFalse([r for r in self.origin.take_seen() if "bystander" not in r["start"]])

    def test_too_many_small_fields(self):
        """As many fields of two octets as fit in a frame: each counts 32 more and one field."""
        attacker = Attacker(self.proxy.port)
        block = hpack.encode(h2wire.request()) + hpack.literal("a", "", indexing=True) + hpack.indexed(62) * 15000
        stream = attacker.next_stream
        attacker.send(h2wire.frame(h2wire.HEADERS, h2wire.END_HEADERS | h2wire.END_STREAM, stream, block))
        answer = attacker.response(stream)
        self.assertTrue(answer.status == 431 or answer.reset is not None or attacker.ended, answer.headers)
        self.check_counted("header_overflow", "rx_messaging_error")
        self.check_world()

    def test_settings_flood(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood([h2wire.settings({h2wire.INITIAL_WINDOW_SIZE: 65535})] * ATTEMPTS)
        self.check_ended(attacker, "inbound_settings_flood", "outbound_control_flood")

    def test_settings_flood_without_content(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood([h2wire.settings()] * ATTEMPTS)
        self.check_ended(attacker, "inbound_settings_flood", "outbound_control_flood")

    def test_ping_flood(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood([h2wire.ping()] * ATTEMPTS)
        self.check_ended(attacker, "inbound_ping_flood", "outbound_control_flood")

    def test_empty_data_flood(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood([get(1, end=False, method="POST")] + [h2wire.frame(h2wire.DATA, 0, 1)] * ATTEMPTS)
        self.check_ended(attacker, "inbound_empty_frames_flood")

    def test_padded_empty_data_flood(self):
        """Nothing but padding is nothing as well."""
        attacker = Attacker(self.proxy.port)
        padded = h2wire.frame(h2wire.DATA, 0x8, 1, b"\x02\0\0")
        attacker.flood([get(1, end=False, method="POST")] + [padded] * ATTEMPTS)
        self.check_ended(attacker, "inbound_empty_frames_flood",
                         codes=(h2wire.ENHANCE_YOUR_CALM, h2wire.FLOW_CONTROL_ERROR))

    def test_window_update_flood(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood([h2wire.window_update(0, 1)] * ATTEMPTS)
        self.check_ended(attacker, "inbound_window_update_frames_flood")

    def test_window_update_flood_on_a_stream(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood([get(1, end=False, method="POST", path="/silent")] + [h2wire.window_update(1, 1)] * ATTEMPTS)
        self.check_ended(attacker, "inbound_window_update_frames_flood")

    def test_priority_flood(self):
        attacker = Attacker(self.proxy.port)
        attacker.flood(h2wire.frame(h2wire.PRIORITY, 0, 2 * number % 200 + 1, b"\0\0\0\0\x10")
                       for number in range(ATTEMPTS))
        self.check_ended(attacker, "inbound_priority_frames_flood")

    def test_zero_length_headers(self):
        """Fields with neither name nor value are malformed, and cost no memory."""
        attacker = Attacker(self.proxy.port)
        block = hpack.encode(h2wire.request()) + hpack.literal("", "") * 4000
        sent = 0
        for stream in range(1, 2000, 2):
            sent += 1
            if not attacker.send(h2wire.frame(h2wire.HEADERS, h2wire.END_HEADERS | h2wire.END_STREAM, stream, block)):
                break
            answer = attacker.response(stream)
            self.assertTrue(answer.status in (400, 431) or answer.reset is not None or attacker.ended, answer.headers)
            if attacker.goaway or attacker.ended:
                break
        self.check_counted("rx_messaging_error", "header_overflow")
        self.check_world()

    def test_slow_read_of_streams(self):
        """A hundred large responses, for none of which there is window: each stream holds its budget only."""
        attacker = Attacker(self.proxy.port, window=0)
        attacker.credit = False
        streams = [attacker.open(h2wire.request("/large")) for _ in range(100)]
        attacker.wait(lambda: all(attacker.message(stream).headers or attacker.message(stream).reset for stream in streams))
        # 64 KiB here, as much in the filter chain, and what one turn reads from the origin's connection.
        budget = len(streams) * (384 << 10)
        self.check_world(budget)
        # One of them is served as soon as it has window, whatever the others do.
        if not attacker.ended and attacker.message(streams[-1]).reset is None:
            size = int(attacker.message(streams[-1]).field("content-length"))
            attacker.send(h2wire.window_update(streams[-1], size))
            answer = attacker.response(streams[-1])
            self.assertEqual(len(answer.body), size)
        self.check_world(budget)

    def test_slow_read_in_dribbles(self):
        """Window for one octet at a time, again and again."""
        attacker = Attacker(self.proxy.port, window=1)
        attacker.credit = False
        stream = attacker.open(h2wire.request("/large"))
        for _ in range(ATTEMPTS // 40):
            seen = attacker.frames
            if not attacker.send(h2wire.window_update(stream, 1)) or attacker.goaway:
                break
            attacker.wait(lambda: attacker.frames > seen)
        self.check_world()

    def test_slow_read_of_the_connection(self):
        """Nothing is read at all, while more and more is asked for."""
        attacker = Attacker(self.proxy.port)
        attacker.sock.settimeout(1)
        for stream in range(1, 2000, 2):
            if not attacker.send(get(stream, path="/large") + h2wire.window_update(stream, 1 << 24)):
                break
        self.check_world()

    def test_a_slow_sibling_starves_nobody(self):
        """On one connection a stream that is not read holds back no other."""
        client = Attacker(self.proxy.port, window=0)
        client.credit = False
        blocked = client.open(h2wire.request("/large"))
        for _ in range(50):
            stream = client.open(h2wire.request("/small"))
            client.send(h2wire.window_update(stream, 1 << 20))
            answer = client.response(stream)
            self.assertEqual((answer.status, answer.body), (200, b"origin"))
        self.assertLess(len(client.message(blocked).body), 1)
        self.check_world()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--foreign", action="store_true")
    parser.add_argument("--sanitized", action="store_true")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    proxy.Proxy.sanitized = args.sanitized
    AbuseTest.foreign = args.foreign
    AbuseTest.binary = args.proxy
    report.main("http2_abuse", args.cases)


if __name__ == "__main__":
    main()
