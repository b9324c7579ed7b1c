#include "bench/run/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

void interrupt_watch(void) {
  const struct sigaction action = {.sa_handler = on_interrupt}; /* no SA_RESTART: poll() ends */
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

bool interrupt_seen(void) {
  return interrupted != 0;
}

void interrupt_forget(void) {
  interrupted = 0;
}
