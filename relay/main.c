/* fanbench-relay: a MoQT relay whose copies are made in the kernel. */
#include "relay/host/daemon.h"
#include "relay/host/options.h"

int main(int argc, char **argv) {
  struct options options;
  switch (options_parse(argc, argv, &options)) {
  case OPTIONS_HELP:
    options_help(stdout);
    return 0;
  case OPTIONS_BAD:
    return 2;
  case OPTIONS_OK:
    break;
  }
  return daemon_run(&options);
}
