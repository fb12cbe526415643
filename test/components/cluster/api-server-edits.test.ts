/** The texts of a control plane before and after: what is ours changes, all else stays. */

import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { authenticationText } from "../../../components/cluster/api-server/authentication.ts";
import {
  withSignInClusterConfiguration,
  withSignInManifest,
} from "../../../components/cluster/api-server/program/edits.ts";

const FOLDER = "/etc/kubernetes/authentication";
const FILE = `${FOLDER}/sign-in-0.json`;
const MANIFEST = stringify({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "kube-apiserver", namespace: "kube-system" },
  spec: {
    containers: [
      {
        name: "kube-apiserver",
        command: [
          "kube-apiserver",
          "--advertise-address=10.0.0.1",
          "--oidc-issuer-url=https://old.test/",
          "--oidc-client-id=old",
        ],
        volumeMounts: [{ mountPath: "/etc/kubernetes/pki", name: "k8s-certs", readOnly: true }],
      },
    ],
    volumes: [{ hostPath: { path: "/etc/kubernetes/pki", type: "DirectoryOrCreate" }, name: "k8s-certs" }],
  },
});

describe("the manifest", () => {
  const changed = withSignInManifest(MANIFEST, FILE, FOLDER);

  test("names the sign-in, mounts it, and no longer names the one issuer of before", () => {
    const { spec } = parse(changed);
    expect(spec.containers[0].command).toEqual([
      "kube-apiserver",
      "--advertise-address=10.0.0.1",
      `--authentication-config=${FILE}`,
    ]);
    expect(spec.containers[0].volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath)).toEqual([
      "/etc/kubernetes/pki",
      FOLDER,
    ]);
    expect(spec.volumes.map(({ name }: { name: string }) => name)).toEqual(["k8s-certs", "authentication-config"]);
  });

  test("is left byte by byte when it is right already", () => {
    expect(withSignInManifest(changed, FILE, FOLDER)).toBe(changed);
  });

  test("names one sign-in only when that changes", () => {
    const next = withSignInManifest(changed, `${FOLDER}/sign-in-1.json`, FOLDER);
    expect(next.match(/authentication-config=/g)).toHaveLength(1);
    expect(parse(next).spec.volumes).toHaveLength(2);
  });

  test.each(["", "kind: Pod", "spec: {containers: [{name: other, command: [x]}]}"])(
    "that is none is not touched: %j",
    (text) => {
      expect(() => withSignInManifest(text, FILE, FOLDER)).toThrow("no container kube-apiserver");
    },
  );
});

describe("kubeadm's ClusterConfiguration", () => {
  test.each([
    [
      "v1beta3, a map",
      { "audit-log-path": "/x", "oidc-issuer-url": "https://old.test/" },
      { "audit-log-path": "/x", "authentication-config": FILE },
    ],
    [
      "v1beta4, a list",
      [
        { name: "audit-log-path", value: "/x" },
        { name: "oidc-client-id", value: "old" },
      ],
      [
        { name: "audit-log-path", value: "/x" },
        { name: "authentication-config", value: FILE },
      ],
    ],
  ])("keeps its other arguments: %s", (form, extraArgs, wanted) => {
    const apiVersion = `kubeadm.k8s.io/${form.slice(0, 7)}`;
    const before = stringify({
      apiVersion,
      kind: "ClusterConfiguration",
      networking: { podSubnet: "10.0.0.0/16" },
      apiServer: { extraArgs },
    });
    const after = withSignInClusterConfiguration(before, FILE, FOLDER);
    expect(parse(after).apiServer.extraArgs).toEqual(wanted);
    expect(parse(after).networking).toEqual({ podSubnet: "10.0.0.0/16" });
    expect(withSignInClusterConfiguration(after, FILE, FOLDER)).toBe(after);
  });
});

test("the sign-in takes every issuer with the same rules, and no prefixes", () => {
  const { jwt } = JSON.parse(
    authenticationText([
      { url: "https://a.test", audiences: ["a"] },
      { url: "https://b.test", audiences: ["b"], caPem: "PEM" },
    ]),
  );
  expect(jwt.map(({ issuer }: { issuer: unknown }) => issuer)).toEqual([
    { url: "https://a.test", audiences: ["a"], audienceMatchPolicy: "MatchAny" },
    { url: "https://b.test", audiences: ["b"], audienceMatchPolicy: "MatchAny", certificateAuthority: "PEM" },
  ]);
  for (const { claimMappings, userValidationRules } of jwt) {
    expect(claimMappings).toEqual({
      username: { claim: "email", prefix: "" },
      groups: { claim: "groups", prefix: "" },
    });
    expect(userValidationRules.map(({ expression }: { expression: string }) => expression)).toEqual([
      "!user.username.startsWith('system:')",
      "user.username.contains('@')",
      "user.groups.all(group, !group.startsWith('system:'))",
    ]);
  }
});
