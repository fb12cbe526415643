/** Answers a pod's questions for the names of Services, straight from the API server. Started by `index.ts`. */
import { createSocket } from "node:dgram";
import { get } from "../http-ready.ts";
import { answerTo, CODES, type Question, questionOf, TYPE_A } from "./message.ts";

const [address = "", server = "", ca = "", cert = "", key = ""] = process.argv.slice(2);
const socket = createSocket("udp4");
socket.on("message", (message, sender) => {
  const question = questionOf(message);
  if (question === undefined) return;
  reply(question).then(
    (answer) => socket.send(answer, sender.port, sender.address),
    (error: Error) => {
      process.stderr.write(`${question.name}: ${error.message}\n`);
      socket.send(answerTo(question, CODES.serverFailure), sender.port, sender.address);
    },
  );
});
socket.bind(53, address, () => process.stderr.write("listening\n"));

/** Names elsewhere are refused: the lab knows nothing of the world, and a pod should learn that at once. */
async function reply(question: Question): Promise<Buffer> {
  if (question.name === "healthy.cluster.local") return answerTo(question, CODES.ok, ["127.0.0.1"]);
  if (!question.name.endsWith(".cluster.local")) return answerTo(question, CODES.refused);
  const [, service, namespace] = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc\.cluster\.local$/.exec(question.name) ?? [];
  const found = service === undefined ? undefined : await look(`services/${service}`, namespace ?? "");
  if (found === undefined) return answerTo(question, CODES.noSuchName);
  if (question.type !== TYPE_A) return answerTo(question, CODES.ok);
  const { clusterIP } = (found as { spec: { clusterIP?: string } }).spec;
  if (clusterIP !== "None") return answerTo(question, CODES.ok, clusterIP === undefined ? [] : [clusterIP]);
  return answerTo(question, CODES.ok, await readyPods(service ?? "", namespace ?? ""));
}

/** A Service without an address of its own stands for its pods. */
async function readyPods(service: string, namespace: string): Promise<string[]> {
  const found = (await look(`endpoints/${service}`, namespace)) as
    | { subsets?: readonly { addresses?: readonly { ip: string }[] }[] }
    | undefined;
  return (found?.subsets ?? []).flatMap(({ addresses }) => (addresses ?? []).map(({ ip }) => ip));
}

/** An object of the core API, or nothing where there is none. */
async function look(path: string, namespace: string): Promise<unknown> {
  const url = `${server}/api/v1/namespaces/${namespace}/${path}`;
  const { status, body } = await get(url, { ca, client: { cert, key } });
  if (status === 404) return undefined;
  if (status !== 200) throw new Error(`${url} answers ${status}`);
  return JSON.parse(body);
}
