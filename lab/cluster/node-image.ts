/**
 * Defines the image of node for pods that run a small program of ours: this machine's own node, under the name of the
 * public image that they name.
 */
import { programImage } from "./program-image.ts";

/** The content is the node that runs the lab, not this very release. */
export const NODE_IMAGE = "docker.io/library/node:22.21.1-bookworm-slim";

export const nodeImage = programImage(NODE_IMAGE, `${process.version} ${process.execPath}`, process.execPath);
