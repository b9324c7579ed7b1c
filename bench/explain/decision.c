/* The page of a decision: of the datapath about a packet, or about (packet, frame, subscriber). */
#include <string.h>

#include "bench/explain/explain.h"
#include "bpf/abi/decision.h"

static const struct decision {
  const char *name, *says;
} reasons[] =
    {
#define FB_X(e, n, text) {n, text},
        FB_PACKET_REASONS(FB_X)
#undef FB_X
},
  decisions[] = {
#define FB_X(e, n, text) {n, text},
      FB_DECISIONS(FB_X)
#undef FB_X
};

static const char *name(size_t i) {
  if (i < FB_DECISION_COUNT)
    return decisions[i].name;
  i -= FB_DECISION_COUNT;
  return i < FB_PACKET_REASON_COUNT ? reasons[i].name : NULL;
}

static const char *sender(size_t i) {
  if (i == FB_DEC_SEND)
    return "The datapath, at once: the copy carries the frame, under the next joint packet number.";
  if (i <= FB_DEC_LAST_FINAL)
    return "Nobody: the decision is final. The copy for this subscriber, if there is one, has "
           "PADDING in the frame's place.";
  return "User space, on the slow path: from the original, which goes up, or from the cache, under "
         "the same joint packet numbers, in MoQT order, as soon as it may.";
}

static void put_decision(struct page *page, size_t i) {
  page_title(page, "Who sends it then");
  page_text(page, "%s", sender(i));
  page_title(page, "Where it shows");
  page_text(
      page,
      "A line each (packet, frame, subscriber) in NODE-copies.jsonl of the run directory, and "
      "a counter in log/NODE.txt, which the relay prints at its end. The judge holds them "
      "against the captures: copy-count, copy-exact, priority-drop.");
  page_title(page, "See it");
  page_line(page, 4, "fanbench run scenarios/first/quickstart.yaml --mode sim --out out");
  page_line(page, 4, "grep -m1 '\"decision\":\"%s\"' out/*-copies.jsonl", decisions[i].name);
  page_line(page, 4, "grep -ho '\"decision\":\"[^\"]*\"' out/*-copies.jsonl | sort | uniq -c");
}

static void put_reason(struct page *page, size_t i) {
  page_title(page, "Who sends it then");
  if (i == FB_PKT_FANNED)
    page_text(page,
              "The datapath, frame by frame: each (frame, subscriber) has a decision of its "
              "own. The original goes up as well, for the ACK and the cache.");
  else if (i == FB_PKT_RESTORE_FAILED)
    page_text(page,
              "Nobody but the publisher, which gets no ACK and sends it again: the copies "
              "are out, the original is lost.");
  else
    page_text(page,
              "User space: the packet goes up as it came, ngtcp2 takes it or drops it, and "
              "what is fan-out in it leaves on the slow path.");
  page_title(page, "Where it shows");
  page_text(page,
            "A counter of the whole packet, which the relay prints at its end: log/NODE.txt "
            "in the run directory. fanned packets have lines in NODE-copies.jsonl as well.");
  page_title(page, "See it");
  page_line(page, 4, "fanbench run scenarios/first/quickstart.yaml --mode sim --out out");
  page_line(page, 4, "cat out/log/relay.txt");
}

static struct page *make(size_t i, char *why, size_t why_len) {
  const bool of_frame = i < FB_DECISION_COUNT;
  const struct decision *d = of_frame ? &decisions[i] : &reasons[i - FB_DECISION_COUNT];
  char title[128];
  struct page *page = page_new("decision", d->name);
  snprintf(why, why_len, "no memory");
  snprintf(title, sizeof title, "Decision %s (%s)", d->name,
           of_frame ? "about a frame and a subscriber" : "about a whole packet");
  page_title(page, title);
  page_text(page, "%s.", d->says);
  if (of_frame)
    put_decision(page, i);
  else
    put_reason(page, i - FB_DECISION_COUNT);
  page_title(page, "The code");
  page_line(page, 4, "bpf/abi/decision.h has the name; bpf/dp/%s",
            of_frame ? "admit.c and choose.c decide" : "parse.c and dp.c decide");
  return page;
}

const struct explain_subject explain_decisions = {.kind = "decision", .name = name, .page = make};
