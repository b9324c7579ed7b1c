#include "pcap-tools/cli/help.h"

#include <string.h>

static const char usage[] =
    "quicpcap: what a QUIC and MoQT capture says\n"
    "\n"
    "usage: quicpcap COMMAND [OPTION...] FILE...\n"
    "\n"
    "  summary   each connection on a few lines: who, handshake, losses, streams, tracks, end\n"
    "  explain   what went wrong or right, in sentences; also takes a run directory\n"
    "  packets   one row a QUIC packet, decrypted, at its sender's interface\n"
    "  acks      one row an ACK frame: what it newly acknowledges, round-trip time\n"
    "  streams   one row for each direction of each stream\n"
    "  objects   one row a MoQT object: place in its track, size, first and last byte\n"
    "  follow    the bytes of one stream\n"
    "  diff      packets of FILE1 with their copies in FILE2, and what a copy changed\n"
    "  verify    every check; also takes a run directory\n"
    "  mutate    passing run directories hurt in one place: which check tells\n"
    "  qlog      not built yet\n"
    "\n"
    "FILE is pcap or pcapng, also packed with gzip; - is standard input. Several captures\n"
    "of one run are merged by time. Keys come from the capture itself (pcapng) or from an\n"
    "NSS key log; connections without packet protection (a laboratory mode of fanbench)\n"
    "need none. What breaks off is told to the last whole packet, with exit code 2.\n"
    "\n"
    "  --keys FILE   NSS key log; without it the one that $SSLKEYLOGFILE names, if there\n"
    "  --json        one JSON object a line\n"
    "  --help        this text; quicpcap COMMAND --help: that command's\n"
    "\n"
    "exit code: 0 as expected, 1 not as expected (a check failed, something went wrong, a\n"
    "stream has a hole), 2 bad command line or input, 3 this machine lacks something,\n"
    "4 inconclusive\n"
    "\n"
    "examples:\n"
    "  quicpcap explain --keys keys.log client.pcap\n"
    "  quicpcap packets --conn 0 --from server --since 1.5 run/capture/relay-pub.pcapng\n"
    "  quicpcap streams --keys keys.log client.pcap server.pcap\n"
    "  tcpdump -U -w - udp port 443 | quicpcap packets -\n"
    "  quicpcap verify --json run/\n";

#define CONN   "  --conn N                one connection, by its number in `summary`\n"
#define FROM   "  --from client|server    what one side sends\n"
#define NUMBER "  --number A..B           packet numbers, both included; A and A.. work too\n"
#define STREAM "  --stream N              one stream ID\n"
#define FRAME  "  --frame TYPE            packets that hold such a frame: STREAM, ACK, ...\n"
#define TIME   "  --since S, --until S    seconds after the first packet; since included, until not\n"
#define ALWAYS                                                                                     \
  "  --keys FILE             NSS key log\n  --json                  one JSON object a line\n"

static const struct {
  const char *command, *text;
} texts[] = {
    {"summary",
     "usage: quicpcap summary [OPTION...] FILE...\n\n"
     "Each connection: addresses, version, IDs, server name, protocol, cipher, time of the\n"
     "handshake (first Initial to the client's first 1-RTT packet), packets and bytes each way,\n"
     "numbers that the capture does not show, streams, datagrams, MoQT subscriptions, its end.\n"
     "Each file: frames, how many are QUIC. And the secrets that are missing.\n\n" CONN ALWAYS
     "\nexample: quicpcap summary --keys keys.log client.pcap\n"},
    {"explain",
     "usage: quicpcap explain [OPTION...] FILE...|RUN-DIRECTORY\n\n"
     "Sentences about handshakes, path changes, losses, resets, flow control, refused requests,\n"
     "closes and packets that stay closed, each with file and frame; then what the checks find.\n"
     "Lines are marked WRONG, note or ok. Exit code 1: at least one WRONG.\n\n" CONN ALWAYS
     "\nexample: quicpcap explain run/\n"},
    {"packets",
     "usage: quicpcap packets [OPTION...] FILE...\n\n"
     "One row a QUIC packet at its sender's interface, with all its frames. --stream and --frame\n"
     "choose packets that hold such a frame.\n\n" CONN FROM NUMBER STREAM FRAME TIME ALWAYS
     "\nexample: quicpcap packets --conn 0 --frame RESET_STREAM client.pcap\n"},
    {"acks",
     "usage: quicpcap acks [OPTION...] FILE...\n\n"
     "One row an ACK frame as it arrives at the sender of the data: packet number space, delay\n"
     "that it reports, round-trip time (from the largest newly acknowledged packet at this\n"
     "interface to the ACK; delay not taken off), how many numbers are new, all ranges with\n"
     "the new ones in brackets.\n\n" CONN FROM NUMBER TIME ALWAYS
     "\nexample: quicpcap acks --from client --until 2 client.pcap\n"},
    {"streams",
     "usage: quicpcap streams [OPTION...] FILE...\n\n"
     "One row for each direction of each stream: kind, bytes, bytes sent again, how it ends, what\n"
     "it carries.\n\n" CONN FROM STREAM ALWAYS
     "\nexample: quicpcap streams --from server client.pcap\n"},
    {"objects",
     "usage: quicpcap objects [OPTION...] FILE...\n\n"
     "One row a MoQT object, when its last byte has come: track, group, subgroup, object, payload\n"
     "bytes, publisher priority (* = the track's default), stream or datagram, times of first and\n"
     "last byte at the server's interface, and END: whole, cut (bytes missing), reset, or the\n"
     "status it stands for.\n\n" CONN FROM STREAM TIME ALWAYS
     "\nexample: quicpcap objects --conn 1 run/capture/relay-sub.0.pcapng\n"},
    {"follow",
     "usage: quicpcap follow --stream N [--conn N] [--from client|server] [--hex] FILE...\n\n"
     "The bytes of one direction of a stream, in order, to standard output. --conn may be left\n"
     "out if there is one connection; --from, if one side only sends on the stream. Exit code 1:\n"
     "the stream has a hole, everything in front of it is written.\n\n" CONN FROM STREAM
     "  --hex                   offsets, hex digits, characters\n" ALWAYS
     "\nexample: quicpcap follow --conn 0 --stream 3 --hex client.pcap\n"},
    {"diff",
     "usage: quicpcap diff [OPTION...] FILE1 FILE2\n\n"
     "Pairs packets that carry stream data of one direction or datagrams in FILE1 with packets of\n"
     "FILE2 that carry the same content, as a relay's copies do, and shows what differs:\n"
     "destination ID, packet number, stream ID, alias, frames left out (padded). Rows without a\n"
     "partner say so: they were not copied, or their bytes were cut into other frames. MoQT\n"
     "content is the same if track, group, subgroup or object, position and bytes are.\n\n" ALWAYS
     "\nexample: quicpcap diff run/capture/relay-pub.pcapng run/capture/relay-sub.0.pcapng\n"},
    {"verify",
     "usage: quicpcap verify [--keys FILE] [--json] FILE...|RUN-DIRECTORY\n\n"
     "Every check of the catalogue; `fanbench list --checks` names them.\n\n" ALWAYS
     "\nexample: quicpcap verify run/\n"},
    {"mutate",
     "usage: quicpcap mutate [OPTION...] RUN-DIRECTORY...\n\n"
     "The judge judged. Each operator changes one place of a run that passes: a number\n"
     "repeated, an ACK widened, a copy removed, a line of a log altered... Then the check that\n"
     "the operator names must fail, and no other one that it does not name. One row an operator:\n"
     "places there are in all runs, how many were tried, how often its check told, which other\n"
     "checks told. What went otherwise is told on stderr. Exit code 1 if anything did.\n\n"
     "  --places N              at most so many places an operator [20]\n"
     "  --seed N                which of the places [0]\n"
     "  --operator NAME         one operator only\n"
     "  --out DIR               keep the hurt runs there, each a run directory\n"
     "  --json                  one JSON object a line\n"
     "\nexample: quicpcap mutate --operator number-repeated --places 1 --out hurt run/\n"},
};

void qp_help(FILE *to) {
  fputs(usage, to);
}

void qp_help_command(const char *command, FILE *to) {
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (!strcmp(texts[i].command, command)) {
      fputs(texts[i].text, to);
      return;
    }
  }
  qp_help(to);
}
