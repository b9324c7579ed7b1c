/* A journal (relay/fanout/journal.h) played into both executors, and what they do compared with each
 * other and with the run: the packet's reason, each copy byte for byte and in its order, records
 * (decisions, numbers, streams, charges), shared words and streams after each packet; all of them
 * once more at the end. After a difference the executors go on as they are, so what follows from
 * it is counted, too.
 *
 * A packet that went up unrun, in a live run, is given to both executors with the state that it came
 * upon: they must do the same, and then it is taken back.
 *
 * Of datapath `user` two things are not compared with the run, which does not know them: hardware
 * addresses and flow labels of copies, and how keystreams came about (ks_ready, ks_computed,
 * ks_raced). A journal without its end is refused, but for that of a relay that the run's
 * faults.jsonl says was killed. */
#ifndef FANBENCH_REPLAY_REPLAY_H
#define FANBENCH_REPLAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct replay_result {
  uint64_t packets, copies, bytes; /* compared; bytes: of copies, Ethernet frames */
  uint64_t records, words;         /* words: that the run changed, bytes / 8 */
  uint64_t takes, differences;
  uint64_t interrupted; /* of packets and takes: something happened in the middle of them */
  uint64_t declined;    /* packets that went up unrun */
  uint64_t tried;       /* of these: what the executors would have done was compared */
  uint64_t left_out;    /* packets that came later, when the journal was full */
  bool killed;          /* it ends where its relay was killed */
};

/* 0: played to its end (differences are in *result, the first ones on `tell`); 2: this is no whole
 * journal; 3: this machine cannot, or the order of its runs is not known. Then a sentence is in
 * err. Moves this process to one CPU. */
int replay_journal(const char *path, FILE *tell, struct replay_result *result, char *err,
                   size_t err_len);

#endif
