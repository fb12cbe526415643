/**
 * Implements `node --import tsx lab/sign-in/main.ts <who> [port]`: signs a browser of this machine in as that person
 * before the lab's DevVM, until Ctrl-C.
 */
import { factsOfDevVm } from "../devvm/index.ts";
import { openInstance } from "../instance.ts";
import { log } from "../log.ts";
import { startSignIn } from "./proxy.ts";

/** Where the lab's page listens on its DevVM, and on loopback here: the origin that the page is told. */
const PAGE_PORT = 8901;

const [who = "wizard", port = String(PAGE_PORT)] = process.argv.slice(2);
const { address } = await factsOfDevVm().read(await openInstance(process.env.WS_LAB || "lab"));
const signIn = await startSignIn({ host: address, port: Number(port) }, Number(port));
signIn.as(who);
log(`${who} has signed in: open ${signIn.origin}`);
process.once("SIGINT", () => void signIn.stop().then(() => process.exit(0)));
