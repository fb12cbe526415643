/** Who may sign in to the API server: tokens of the lab's two issuers, sound ones and others, against the real server. */

import { beforeAll, describe, expect, test } from "vitest";
import type { Issuers } from "../../../lab/oidc/issuers.ts";
import { type LabCluster, openLabCluster } from "./lab-cluster.ts";
import { openSignIn, token, whoAmI } from "./sign-in.ts";

let lab: LabCluster;
let issuers: Issuers;

beforeAll(async () => {
  lab = await openLabCluster();
  issuers = await openSignIn(lab);
});

const ANCA = "anca@people.test";
const userOf = async (bearer: string) => {
  const { status, body } = await whoAmI(lab, bearer);
  return { status, username: body?.status?.userInfo?.username, groups: body?.status?.userInfo?.groups };
};

describe("is taken", () => {
  test("from the command line's issuer: the e-mail is the user and the groups are the groups", async () => {
    expect(await userOf(token(issuers.commandLine, ANCA, ["kubernetes-admins"]))).toEqual({
      status: 201,
      username: ANCA,
      groups: ["kubernetes-admins", "system:authenticated"],
    });
  });

  test("from the dashboard's issuer", async () => {
    expect(await userOf(token(issuers.dashboard, ANCA))).toEqual({
      status: 201,
      username: ANCA,
      groups: ["system:authenticated"],
    });
  });

  test("without any groups", async () => {
    const bearer = issuers.commandLine.token({ email: ANCA, email_verified: true });
    expect((await userOf(bearer)).username).toBe(ANCA);
  });
});

describe("is refused", () => {
  const good = { email: ANCA, email_verified: true };
  test.each<[string, Record<string, unknown>]>([
    ["one of the system's users", { ...good, email: "system:admin" }],
    ["one of the system's accounts", { ...good, email: "system:serviceaccount:kube-system:default" }],
    ["a user of the system's with an e-mail's sign", { ...good, email: "system:node:a@b" }],
    ["one of the system's groups", { ...good, groups: ["system:masters"] }],
    ["one of the system's groups among others", { ...good, groups: ["kubernetes-admins", "system:nodes"] }],
    ["an e-mail that is not verified", { ...good, email_verified: false }],
    ["an e-mail of which nothing is said", { email: ANCA }],
    ["an e-mail that is verified as a word", { ...good, email_verified: "true" }],
    ["no e-mail", { email_verified: true }],
    ["an empty e-mail", { ...good, email: "" }],
    ["a name that is no e-mail", { ...good, email: "kubernetes-admin" }],
    ["another audience", { ...good, aud: "another" }],
    ["another issuer's name", { ...good, iss: "https://other.test/" }],
    ["a token that is over", { ...good, exp: Math.floor(Date.now() / 1000) - 60 }],
    ["a token that is not yet", { ...good, nbf: Math.floor(Date.now() / 1000) + 3_600 }],
  ])("%s", async (_, claims) => {
    expect((await userOf(issuers.commandLine.token(claims))).status).toBe(401);
  });

  test("a token that the other issuer signed", async () => {
    const bearer = issuers.dashboard.token({ email: ANCA, email_verified: true, iss: issuers.commandLine.url });
    expect((await userOf(bearer)).status).toBe(401);
  });

  test("a token that nobody signed", async () => {
    const [, body] = token(issuers.commandLine, ANCA).split(".");
    const head = Buffer.from('{"alg":"none"}').toString("base64url");
    expect((await userOf(`${head}.${body}.`)).status).toBe(401);
  });
});

test("an e-mail in other letters is somebody else, who holds no right", async () => {
  const as = lab.as(token(issuers.commandLine, "WIZARD@people.test"));
  expect((await as("GET", "/api/v1/secrets")).status).toBe(403);
});
