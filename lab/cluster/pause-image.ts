/** Defines the image that holds a pod's namespaces: a program that waits, and reaps processes that nobody waits for. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../run.ts";
import { PAUSE_IMAGE } from "./containerd.ts";
import type { ImageRecipe } from "./images.ts";

const SOURCE = `#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal) { (void)signal; _exit(0); }
static void clear(int signal) { (void)signal; while (waitpid(-1, NULL, WNOHANG) > 0) {} }

int main(void) {
  signal(SIGTERM, end);
  signal(SIGINT, end);
  signal(SIGCHLD, clear);
  for (;;) pause();
}
`;

export const pauseImage: ImageRecipe = {
  name: PAUSE_IMAGE,
  key: SOURCE,
  async fill(root) {
    const source = join(root, "..", "pause.c");
    await writeFile(source, SOURCE);
    await run(["gcc", "-Os", "-static", "-s", "-o", join(root, "pause"), source]);
  },
  config: { Entrypoint: ["/pause"], User: "65535:65535" },
};
