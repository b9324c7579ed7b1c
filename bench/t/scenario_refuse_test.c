/* What a scenario is refused for, and where: one row a refusal. Those of
 * scenarios/bad have their own test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bench/scenario/plan.h"
#include "bench/t/scenario_text.h"

struct row {
  const char *text, *expected;
};

static void check(const struct row *rows, size_t n) {
  for (size_t i = 0; i < n; i++)
    text_refused(rows[i].text, rows[i].expected);
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

/* A node, a link ... in an otherwise good file. */
#define NODE(keys)  TOP "nodes:\n  relay: { role: relay }\n  x: { " keys " }\n"
#define RELAY(keys) TOP "nodes:\n  relay: { role: relay, " keys " }\n"
#define LINK(keys)                                                                                 \
  TOP "nodes:\n  relay: { role: relay }\n  x: { role: subscriber }\nlinks:\n"                      \
      "  - { between: [x, relay], " keys " }\n"
#define TRACK(keys)        TOP NODES LINKS "tracks:\n  t: { " keys " }\n"
#define SUBSCRIPTION(keys) TOP NODES LINKS TRACKS "subscriptions:\n  - { " keys " }\n"
#define EVENT(keys)        SMALL "timeline:\n  - { " keys " }\n"
#define EXPECT(keys)       SMALL "expect: { " keys " }\n"

static void of_the_top(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"about: x\n" NODES, "1:1: expected the key 'scenario' (its name), found none"},
      {"scenario: small\n" NODES,
       "1:1: expected the key 'duration' (how long is published), found none"},
      {"scenario: small\nduration: 1s\nnodes: {}\n", "3:8: expected at least one node, found none"},
      {"scenario: -x\nduration: 1s\n",
       "1:11: expected the name of the scenario (a letter or digit, then letters, digits, '-', "
       "'_'; at most "
       "48), found '-x'"},
      {"scenario: small\nduration: 0\n", "2:11: expected at least 1ns, found '0'"},
      {"scenario: small\nduration: 25h\n", "2:11: expected at most 24h, found '25h'"},
      {"scenario: small\nduration:\n",
       "2:10: expected a time such as 250ms (ns us ms s min h), found nothing"},
      {"scenario: small\nduration: 1s\nseed: -1\n", "3:7: expected at least 0, found '-1'"},
      {"scenario: small\nduration: 1s\nseed: x\n", "3:7: expected a whole number, found 'x'"},
      {"scenario: small\nduration: 1s\nmodes: []\n", "3:8: expected live, sim or both, found none"},
      {"scenario: small\nduration: 1s\nmodes: [live, live]\n",
       "3:15: expected each mode once, found 'live' again"},
      {"scenario: small\nduration: 1s\nmodes: [real]\n",
       "3:9: expected one of live, sim, found 'real'"},
      {"scenario: small\nduration: 1s\nmodes: live\n",
       "3:8: expected a list of names, found 'live'"},
  };
  CHECK(rows);
}

static void of_nodes(void **state) {
  (void)state;
  static const struct row rows[] = {
      {NODE("count: 1"),
       "5:6: expected the key 'role' (publisher, subscriber, relay, router or rogue), found none"},
      {TOP "nodes:\n  a.b: { role: relay }\n",
       "4:3: expected the name of a node (a letter, then letters, digits, '-', '_'; at most 48), "
       "found 'a.b'"},
      {NODE("role: rogue"),
       "5:6: expected the key 'does' (what this rogue does wrong), found none"},
      {NODE("role: rogue, does: ack-floods"),
       "5:27: expected one of optimistic-ack, ack-unsent, ack-flood, never-ack, no-streams, "
       "tiny-window, slow-reader, retire-prior-to, bad-frame, stream-limit, flow-limit, "
       "double-fin, "
       "other-size, cut-moqt, bad-length, found 'ack-floods'; did you mean 'ack-flood'?"},
      {NODE("role: rogue, does: []"), "5:27: expected one deed at least, found an empty list"},
      {NODE("role: rogue, does: [bad-frame, bad-frame]"),
       "5:39: expected each deed once, found 'bad-frame' again"},
      {NODE("role: rogue, does: { bad-frame: 1 }"),
       "5:27: expected a deed or a list of deeds, found a mapping"},
      {NODE("role: publisher, does: ack-flood"),
       "5:25: expected no key 'does': it belongs to a rogue, and this is a publisher"},
      {NODE("role: relay, window: 1MiB"),
       "5:21: expected no key 'window': it belongs to an endpoint, and this is a relay"},
      {NODE("role: router, per_host: 2"),
       "5:22: expected no key 'per_host': it belongs to an endpoint, and this is a router"},
      {NODE("role: subscriber, upstream: relay"),
       "5:26: expected no key 'upstream': it belongs to a relay (an endpoint has 'relay'), and "
       "this "
       "is a subscriber"},
      {NODE("role: subscriber, per_host: 0"), "5:36: expected at least 1, found '0'"},
      {NODE("role: subscriber, cid_len: 21"), "5:35: expected at most 20, found '21'"},
      {NODE("role: subscriber, streams: 0"), "5:35: expected at least 1, found '0'"},
      {NODE("role: subscriber, window: 0"), "5:34: expected at least 1B, found '0'"},
      {NODE("role: subscriber, window: -1"), "5:34: expected at least 1B, found '-1'"},
      {NODE("role: subscriber, ack_delay: 17s"), "5:37: expected at most 16383ms, found '17s'"},
      {NODE("role: subscriber, relay: relais"),
       "5:33: expected the name of a node, found 'relais'; did you mean 'relay'?"},
      {NODE("role: subscriber, relay: relay, count: 2"),
       "1:1: expected a link between 'x[0]' and 'relay', whom it dials, or a way through routers "
       "of "
       "one IP version, found none"},
      {RELAY("datapath: fast"), "4:35: expected one of kernel, user, stock, found 'fast'"},
      {RELAY("protection: tsl"),
       "4:37: expected one of none, tls, found 'tsl'; did you mean 'tls'?"},
      {RELAY("cipher: rc4"), "4:33: expected one of chacha20, aes128gcm, found 'rc4'"},
      {RELAY("congestion: bbr"), "4:37: expected one of newreno, cubic, found 'bbr'"},
      {RELAY("policy: random"),
       "4:33: expected one of none, priority-limit, deadline, skip-to-group, found 'random'"},
      {RELAY("cache: 1"
             "0TB"),
       "4:32: expected a size such as 64KiB (B kB MB GB KiB MiB GiB), found '10TB'"},
      {RELAY("upstream: relay"),
       "4:35: expected upstreams that end, found a circle through 'relay'"},
      {TOP
       "nodes:\n  top: { role: relay }\n  low: { role: relay, upstream: top, protection: none }\n",
       "5:33: expected an upstream with protection none, found 'top' with tls"},
      {TOP "nodes:\n  relay: { role: relay, count: 2 }\n  x: { role: publisher, relay: relay }\n",
       "5:32: expected one node, found 'relay', which is 2; write \"relay[0]\""},
      {TOP "nodes:\n  a: { role: router, count: 16000 }\n  b: { role: router, count: 385 }\n",
       "5:3: expected at most 16384 nodes in all, found 16385"},
  };
  CHECK(rows);
}

static void of_links(void **state) {
  (void)state;
  static const struct row rows[] = {
      {TOP NODES "links:\n  - { delay: 1ms }\n",
       "8:5: expected the key 'between' (its two ends, [A, B]), found none"},
      {TOP NODES "links:\n  - { between: [pub, relay, sub] }\n",
       "8:16: expected two names, [A, B], found 3"},
      {TOP NODES "links:\n  - { between: [pub, \"sub[x]\"] }\n",
       "8:22: expected the name of a node, found 'sub[x]'"},
      {TOP NODES "links:\n  - { between: [pub, \"sub[1\"] }\n",
       "8:22: expected the name of a node, found 'sub[1'"},
      {TOP "nodes:\n  relay: { role: relay }\n  x: { role: subscriber, count: 2, per_host: 2 }\n"
           "links:\n  - { between: [\"x[0]\", \"x[1]\"] }\n",
       "7:16: expected a link between two hosts, found 'x[0]' and 'x[1]' on the same one"},
      {LINK("mtu: 1279"), "7:33: expected at least 1280, found '1279'"},
      {LINK("mtu: 65536"), "7:33: expected at most 65535, found '65536'"},
      {LINK("delay: 61s"), "7:35: expected at most 1min, found '61s'"},
      {LINK("rate: fast"),
       "7:34: expected a rate such as 20mbit (bit kbit mbit gbit), found 'fast'"},
      {LINK("queue: 2GiB"), "7:35: expected at most 1GiB, found '2GiB'"},
      {LINK("loss: 1"),
       "7:34: expected a share from 0% to 100% with at most four decimals, found '1'"},
      {LINK("burst: 1%"),
       "7:35: expected { enter: 1%, leave: 30%, loss: 100% } or off, found '1%'"},
      {LINK("burst: { enter: 1% }"),
       "7:35: expected the key 'leave' (chance of a packet to end it), found none"},
      {LINK("burst: { entre: 1% }"),
       "7:37: expected a key of a burst (enter, leave, loss), found 'entre'; did you mean "
       "'enter'?"},
      {LINK("reorder: { by: 1ms }"),
       "7:37: expected the key 'share' (how many packets), found none"},
      {LINK("reorder: [1%]"), "7:37: expected a mapping (a reordering), found a list"},
      {LINK("forward: { delay: 1ms, jitter: 2ms }"),
       "7:59: expected a jitter of at most the delay, 1ms, found 2ms"},
      {LINK("forward: { mtu: 1400 }"),
       "7:39: expected a key of one direction of a link (delay, jitter, loss, duplicate, corrupt, "
       "rate, queue, burst, reorder, faults), found 'mtu'"},
      {LINK("faults: [{ frame: ACK }]"),
       "7:37: expected the key 'do' (drop, duplicate, corrupt or delay), found none"},
      {LINK("faults: [{ do: drop }]"),
       "7:37: expected 'frame' or 'index' (which packets the fault hits), found neither"},
      {LINK("faults: [{ do: drop, index: 1, nth: 2 }]"),
       "7:59: expected no key 'nth': it counts packets with a 'frame'; use 'index'"},
      {LINK("faults: [{ do: drop, frame: ACK, index: 1, nth: 2 }]"),
       "7:71: expected no key 'nth': 'index' already names the packets"},
      {LINK("faults: [{ do: drop, frame: ACK, nth: 0 }]"), "7:66: expected at least 1, found '0'"},
      {LINK("faults: [{ do: drop, index: 9..8 }]"),
       "7:56: expected a range that begins with its smaller end, found '9..8'"},
      {LINK("faults: [{ do: drop, index: 1, by: 1ms }]"),
       "7:59: expected no key 'by': only 'do: delay' has it"},
      {LINK("faults: [{ do: drop, frame: AKC }]"),
       "7:56: expected one of PADDING, PING, ACK, RESET_STREAM, STOP_SENDING, CRYPTO, NEW_TOKEN, "
       "STREAM, MAX_DATA, MAX_STREAM_DATA, MAX_STREAMS, DATA_BLOCKED, STREAM_DATA_BLOCKED, "
       "STREAMS_BLOCKED, "
       "NEW_CONNECTION_ID, ..., found 'AKC'; did you mean 'ACK'?"},
      /* A way of two IP versions, and one through an endpoint, are none. */
      {TOP "nodes:\n  x: { role: publisher }\n  hop: { role: router }\n  relay: { role: relay }\n"
           "links:\n  - { between: [x, hop] }\n  - { between: [hop, relay], ip: 6 }\n",
       "7:1: expected a link between 'x' and 'relay', whom it dials, or a way through routers of "
       "one "
       "IP version, found none"},
      {TOP "nodes:\n  x: { role: publisher }\n  y: { role: publisher }\n  relay: { role: relay }\n"
           "links:\n  - { between: [x, y] }\n  - { between: [y, relay] }\n",
       "7:1: expected a link between 'x' and 'relay', whom it dials, or a way through routers of "
       "one "
       "IP version, found none"},
  };
  CHECK(rows);
}

static void of_tracks(void **state) {
  (void)state;
  text_file("nothing.bin", "", 0);
  static const struct row rows[] = {
      {TRACK("as: datagrams"), "11:6: expected the key 'from' (its publisher), found none"},
      {TRACK("from: sub"), "11:14: expected one node, found 'sub', which is 3; write \"sub[0]\""},
      {TRACK("from: \"sub[0]\", as: datagrams"),
       "11:14: expected a publisher or a rogue, found 'sub[0]', a subscriber"},
      {TRACK("from: pub"), "11:6: expected the key 'as' (datagrams or subgroups), found none"},
      {TRACK("from: pub, as: streams"),
       "11:23: expected one of datagrams, subgroups, found 'streams'"},
      {TRACK("from: pub, as: datagrams, subgroup: object"),
       "11:34: expected no key 'subgroup': datagrams have no subgroups"},
      {TRACK("from: pub, as: subgroups, layers: 2"),
       "11:34: expected no key 'layers': only 'subgroup: layer' has them"},
      {TRACK("from: pub, as: subgroups, subgroup: layer, layers: 0"),
       "11:59: expected at least 1, found '0'"},
      {TRACK("from: pub, as: subgroups, every: 1ms"),
       "11:6: expected the key 'size' (bytes of an object, N or A..B), found none"},
      {TRACK("from: pub, as: subgroups, every: 100ns, size: 1"),
       "11:41: expected at least 1us, found '100ns'"},
      {TRACK("from: pub, as: subgroups, every: 1ms, size: 20..10"),
       "11:52: expected a range that begins with its smaller end, found '20..10'"},
      {TRACK("from: pub, as: subgroups, every: 1ms, size: -5"),
       "11:52: expected a size of at least 0, found '-5'"},
      {TRACK("from: pub, as: subgroups, every: 1ms, size: 17MiB"),
       "11:52: expected at most 16MiB, found '17MiB'"},
      {TRACK("from: pub, as: subgroups, every: 1ms, size: 1, group: 0"),
       "11:62: expected at least 1, found '0'"},
      {TRACK("from: pub, as: subgroups, every: 1ms, size: 1, priority: 256"),
       "11:65: expected at most 255, found '256'"},
      {"scenario: small\nduration: 24h\n" NODES LINKS
       "tracks:\n  t: { from: pub, as: subgroups, every: 1ms, size: 1 }\n",
       "11:41: expected at most 10000000 objects in 24h, found 86400001"},
      {TRACK("from: pub, as: subgroups, file: nothing.bin, every: 1ms, size: 1"),
       "11:40: expected a file to publish, found 'nothing.bin': it is empty"},
      {TRACK("from: pub, as: subgroups, file: ., every: 1ms, size: 1"),
       "11:40: expected a file to publish, found '.': it is a folder"},
      {TRACK("from: pub, as: subgroups, file: nothing.bin, every: 1ms, size: 1..2"),
       "11:71: expected one size of at least 1 to cut a file into, found '1..2'"},
      {TRACK("from: pub, as: subgroups, trace: x.csv, file: nothing.bin"),
       "11:48: expected no key 'file': a track has one source, and 'trace' is given"},
  };
  CHECK(rows);
}

static void of_subscriptions(void **state) {
  (void)state;
  static const struct row rows[] = {
      {SUBSCRIPTION("tracks: [chat]"), "13:5: expected the key 'who' (the subscriber), found none"},
      {SUBSCRIPTION("who: sub"), "13:5: expected the key 'tracks' (what it wants), found none"},
      {SUBSCRIPTION("who: sub, tracks: []"), "13:25: expected at least one track, found none"},
      {SUBSCRIPTION("who: sub, tracks: chat"), "13:25: expected a list of names, found 'chat'"},
      {SUBSCRIPTION("who: sub, tracks: [chat, chat]"),
       "13:32: expected each track once, found 'chat' again"},
      {SUBSCRIPTION("who: pub, tracks: [chat]"),
       "13:12: expected a subscriber or a rogue, found 'pub', a publisher"},
      {SUBSCRIPTION("who: sub, tracks: [chat], at: 2s"), "13:37: expected at most 1s, found '2s'"},
      {SUBSCRIPTION("who: sub, tracks: [chat], start: now"),
       "13:40: expected 'next-group', found 'now'"},
      {SUBSCRIPTION("who: sub, tracks: [chat], priority_limit: 256"),
       "13:49: expected at most 255, found '256'"},
      {SUBSCRIPTION("who: sub, tracks: [chat], delivery_timeout: soon"),
       "13:51: expected a time such as 250ms (ns us ms s min h), found 'soon'"},
      {TOP "nodes:\n  pub: { role: publisher, relay: a }\n  a: { role: relay }\n"
           "  b: { role: relay }\n  sub: { role: subscriber, relay: b }\n"
           "links:\n  - { between: [pub, a] }\n  - { between: [sub, b] }\n" TRACKS SUBSCRIPTIONS,
       "14:26: expected a track that reaches 'sub' over its relay 'b' and that one's upstreams, "
       "found 'chat', published at 'a'"},
  };
  CHECK(rows);
}

static void of_events(void **state) {
  (void)state;
  static const struct row rows[] = {
      {EVENT("node: sub, do: die"),
       "15:5: expected the key 'at' (when, from the start of publishing), found none"},
      {EVENT("at: 1s, node: sub"),
       "15:5: expected one of 'set' and 'do' (what happens), found neither"},
      {EVENT("at: 1s, node: sub, link: [pub, relay], do: die"),
       "15:15: expected one of 'link' and 'node' (what it happens to), found both"},
      {EVENT("at: 1s, node: sub, do: die, times: 3"),
       "15:5: expected the key 'every' (the time between the 'times'), found none"},
      {EVENT("at: 1s, node: sub, do: die, every: 1ms"),
       "15:5: expected the key 'times' (how often, with 'every'), found none"},
      {EVENT("at: 1s, node: sub, do: die, every: 1s, times: 7"),
       "15:53: expected the last of them at 6s at most, the end of duration and drain, found it "
       "later"},
      {EVENT("at: 1s, node: sub, do: die, every: 1us, times: 10000"),
       "15:5: expected at most 10000 events in all, found more"},
      {EVENT("at: 1s, node: sub, do: die, every: 0, times: 2"),
       "15:42: expected at least 1ns, found '0'"},
      {EVENT("at: 1s, link: [pub, sub], do: down"),
       "15:21: expected the two ends of a link, found 'pub' and 'sub[0]', which have none"},
      {EVENT("at: 1s, link: [pub], do: down"), "15:21: expected two names, [A, B], found 1"},
      {EVENT("at: 1s, link: [pub, relay], do: off"),
       "15:39: expected one of down, up, found 'off'"},
      {EVENT("at: 1s, link: [pub, relay], do: die"),
       "15:39: expected one of down, up, found 'die'"},
      {EVENT("at: 1s, link: [pub, relay], set: {}"),
       "15:40: expected what changes, such as loss: 20%, found nothing"},
      {EVENT("at: 1s, link: [pub, relay], set: { priority_limit: 1 }"),
       "15:42: expected no key 'priority_limit': it belongs to 'node', and this is a 'link'"},
      {EVENT("at: 1s, link: [pub, relay], set: { jitter: 1ms }"),
       "15:50: expected a jitter of at most the delay, 0, found 1ms"},
      {EVENT("at: 1s, link: [pub, relay], set: { mtu: 1400 }"),
       "15:42: expected a key of what an event sets (priority_limit, delay, jitter, loss, "
       "duplicate, corrupt, rate, queue, burst, reorder, forward, backward), found 'mtu'"},
      {EVENT("at: 1s, link: [pub, relay], do: down, for: 1s"),
       "15:45: expected no key 'for': only 'do: stall' has it"},
      {EVENT("at: 1s, node: sub, set: { loss: 1% }"),
       "15:33: expected 'priority_limit', all that a node can be set to; 'loss' belongs to 'link'"},
      {EVENT("at: 1s, node: sub, set: {}"), "15:31: expected priority_limit: N, found nothing"},
      {EVENT("at: 1s, node: pub, set: { priority_limit: 1 }"),
       "15:49: expected a subscriber or a rogue for it, found a publisher"},
      {EVENT("at: 1s, node: sub, set: { priority_limit: -1 }"),
       "15:49: expected at least 0, found '-1'"},
      {EVENT("at: 1s, node: relay, do: reconnect"),
       "15:21: expected an endpoint to reconnect, found 'relay', a relay"},
      {EVENT("at: 1s, node: sub, do: stall"),
       "15:5: expected the key 'for' (how long it stands still), found none"},
      {EVENT("at: 1s, node: sub, do: stall, for: 0"), "15:42: expected at least 1ns, found '0'"},
      {EVENT("at: 1s, node: sub, do: subscribe"),
       "15:5: expected the key 'tracks' (which ones), found none"},
      {EVENT("at: 1s, node: sub, do: die, tracks: [chat]"),
       "15:35: expected no key 'tracks': only 'do: subscribe' and 'unsubscribe' have them"},
      {EVENT("at: 1s, node: sub, do: die, same_port: true"),
       "15:35: expected no key 'same_port': only 'do: reconnect' has it"},
      {EVENT("at: 1s, node: sub, do: reconnect, same_port: yes"),
       "15:52: expected one of false, true, found 'yes'"},
  };
  CHECK(rows);
}

static void of_expectations(void **state) {
  (void)state;
  static const struct row rows[] = {
      {SMALL "defects: [two-counters, two-counters]\n",
       "14:25: expected each defect once, found 'two-counters' again"},
      {SMALL "defects: [slow-agent]\n",
       "14:11: expected slow-agent: TIME, such as 200ms, found no value"},
      {SMALL "defects: [slow-agent: 7]\n",
       "14:23: expected slow-agent: TIME, such as 200ms, found '7'"},
      {SMALL "defects: [pn-guess: many]\n",
       "14:21: expected a whole number or a time, found 'many'"},
      {SMALL "defects: [{ pn-guess: 1, orphan: 1 }]\n",
       "14:11: expected NAME or one NAME: VALUE, found 2 keys"},
      {EXPECT("latncy: { p99: 1s }"),
       "14:11: expected the name of a check, found 'latncy'; did you mean 'latency'?"},
      {EXPECT("latency: { p98: 1s }"),
       "14:22: expected a key of what a check is given (skip, p50, p99, max), found 'p98'; did you "
       "mean 'p99'?"},
      {EXPECT("latency: { p99: 0 }"), "14:27: expected at least 1ns, found '0'"},
      {EXPECT("latency: 1s"), "14:20: expected a mapping (what a check is given), found '1s'"},
      {EXPECT("isolated: { p99: 1s }"), "14:23: expected no key 'p99': only 'latency' has budgets"},
      {EXPECT("latency: { skip: slow, p99: 1s }"),
       "14:34: expected no key 'p99': the check is skipped and has no use for it"},
      {EXPECT("latency: { skip: }"),
       "14:28: expected the reason why 'latency' is skipped, found nothing"},
      {EXPECT("convict: [pn-unique, pn-unique]"),
       "14:32: expected each check once, found 'pn-unique' again"},
      {EXPECT("convict: [pn-unique], also: [pn-unique]"),
       "14:40: expected a check that 'convict' does not name, found 'pn-unique'"},
      {EXPECT("closes: { subs: NO_ERROR }"),
       "14:21: expected the name of a node, found 'subs'; did you mean 'sub'?"},
      {EXPECT("closes: { sub: NO_EROR }"),
       "14:26: expected the name or number of a QUIC or MoQT error, found 'NO_EROR'; did you mean "
       "'NO_ERROR'?"},
      {EXPECT("closes: { sub: 0x }"),
       "14:26: expected the name or number of a QUIC or MoQT error, found '0x'"},
      {EXPECT("closes: { sub: 0xffffffffffffffff }"),
       "14:26: expected an error code below 2^62, found '0xffffffffffffffff'"},
      {EXPECT("closes: { sub: 1, \"sub[1]\": 2 }"),
       "14:29: expected each node once, found 'sub[1]' again"},
      {EXPECT("examined: { pn-unique: 0 }"), "14:34: expected at least 1, found '0'"},
      {EXPECT("examined: { pn-uniq: 1 }"),
       "14:23: expected the name of a check, found 'pn-uniq'; did you mean 'pn-unique'?"},
      {EXPECT("subscribers: { pub: { sendings: 2 } }"),
       "14:26: expected a subscriber, found a publisher"},
      {EXPECT("subscribers: { sub: {}, \"sub[1]\": {} }"),
       "14:35: expected each node once, found 'sub[1]' again"},
      {EXPECT("subscribers: { subs: { sendings: 2 } }"),
       "14:26: expected the name of a node, found 'subs'; did you mean 'sub'?"},
      {EXPECT("subscribers: { sub: { sendings: 0 } }"), "14:43: expected at least 1, found '0'"},
      {EXPECT("subscribers: { sub: { sendings: 10 } }"), "14:43: expected at most 9, found '10'"},
      {EXPECT("subscribers: { sub: { fast_path: 60%..40% } }"),
       "14:44: expected shares such as 40%..60%, found '60%..40%'"},
      {EXPECT("subscribers: { sub: { fast_path: all } }"),
       "14:44: expected shares such as 40%..60%, found 'all'"},
  };
  CHECK(rows);
}

/* Errors stay one line of bounded length, whatever stands in the file. */
static void of_ugly_text(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"scenario: \"a\\nb\\e\"\nduration: 1s\n",
       "1:11: expected the name of the scenario (a letter or digit, then letters, digits, '-', "
       "'_'; at most "
       "48), found 'a?b?'"},
      {"scenario: \"a\\0b\"\n", "1:11: expected text, found a NUL character in it"},
      {"scenario: "
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9\xc3\xa9\xc3\xa9\n"
       "duration: 1s\n",
       "1:11: expected the name of the scenario (a letter or digit, then letters, digits, '-', "
       "'_'; at most "
       "48), found 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'"},
      {"scenario: small\n%s%n: 1\n",
       "2:3: not YAML: found unexpected non-alphabetical character (while scanning a directive)"},
      {"scenario: small\n\"%s%n\": 1\n",
       "2:1: expected a key of a scenario (scenario, about, seed, duration, drain, modes, "
       "interleave, nodes, links, tracks, subscriptions, timeline, defects, expect), found '%s%n'"},
      {"scenario: small\nduration: 1s\nnodes: [\n",
       "4:1: not YAML: did not find expected node "
       "content (while parsing a flow node)"},
  };
  CHECK(rows);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_the_top),       cmocka_unit_test(of_nodes),
      cmocka_unit_test(of_links),         cmocka_unit_test(of_tracks),
      cmocka_unit_test(of_subscriptions), cmocka_unit_test(of_events),
      cmocka_unit_test(of_expectations),  cmocka_unit_test(of_ugly_text),
  };
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
