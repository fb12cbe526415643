/** Finds the parts of a credential that must not be shown. Hiding the whole would hide the plain words in it from every message. */

import { parse } from "yaml";

/**
 * @param value a credential in any form that the pipelines know: a token, an address, lines `NAME=value`, a connection
 * string, or a document in JSON or YAML such as a kubeconfig
 * @returns the value itself where it has no form of these
 */
export function secretParts(value: string): readonly string[] {
  const text = value.trim();
  if (text === "") return [];
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  if (lines.every((line) => VARIABLE.test(line)))
    return lines.flatMap((line) => {
      const [, name = "", content = ""] = VARIABLE.exec(line) ?? [];
      return partsOfVariable(name, content);
    });
  return partsOf(text) ?? [text];
}

/** A region or a switch is no secret, and hiding every "true" would make a log unreadable. */
export function partsOfVariable(name: string, value: string): readonly string[] {
  if (ADDRESS.test(value)) return partsOfAddress(value);
  if (SECRET_NAME.test(name)) return partsOf(value) ?? [value];
  return value.length < SHORTEST || PLAIN_NAME.test(name) ? [] : (partsOf(value) ?? [value]);
}

const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/;
const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\/\S+$/i;
const SECRET_NAME = /PASS|TOKEN|KEY|SECRET|CREDENTIAL|SAS|SIGNATURE|CERT/i;
const PLAIN_NAME = /(?:REGION|ACCOUNT|PROFILE|NAMESPACE)$/;
/** Characters of a value whose name does not say that it is secret. */
const SHORTEST = 6;

/** @returns undefined for a text without a form */
function partsOf(text: string): readonly string[] | undefined {
  if (ADDRESS.test(text)) return partsOfAddress(text);
  const found = /^\w+=[^;]*(?:;\w+=[^;]*)+;?$/.test(text) ? partsOfConnection(text) : partsOfDocument(text);
  return found.length === 0 ? undefined : found;
}

/** Azure's form: `AccountName=…;AccountKey=…`. */
const partsOfConnection = (text: string): readonly string[] =>
  text.split(";").flatMap((field) => {
    const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(field) ?? [];
    return SECRET_NAME.test(name) || ADDRESS.test(value) ? partsOfVariable(name, value) : [];
  });

/** Password, query, and of a web address what its path cannot be guessed by: that of a chat's webhook is its credential. */
function partsOfAddress(address: string): readonly string[] {
  const [, scheme = "", user = "", path = "", query = ""] =
    /^([^:]+):\/\/(?:([^@/?#]*(?:@[^@/?#]*)*)@)?[^/?#]*([^?#]*)(?:\?([^#]*))?/.exec(address) ?? [];
  const password = user.slice(user.indexOf(":") + 1);
  const values = query.split("&").flatMap((pair) => {
    const [, name = "", value = ""] = /^([^=]*)=(.*)$/.exec(pair) ?? [];
    return PLAIN_QUERY.has(name) ? [] : [value];
  });
  const segments = /^https?$/i.test(scheme) ? path.split("/").filter((segment) => segment.length >= SHORTEST) : [];
  const random = segments.filter((segment) => !/^[a-z-]+$/.test(segment));
  const parts = [user.includes(":") ? password : "", ...values, ...(random.length > 0 ? random : segments)];
  return parts.flatMap((part) => (part === "" ? [] : [part, decoded(part)]));
}

const PLAIN_QUERY = new Set(["region", "endpoint", "sslmode", "s3ForcePathStyle", "use_path_style", "disableSSL"]);

/** A password may hold a sign of per cent that is no escape. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function partsOfDocument(text: string): readonly string[] {
  let document: unknown;
  try {
    document = parse(text, { logLevel: "silent" });
  } catch {
    return [];
  }
  return typeof document === "object" ? leaves("", document) : [];
}

function leaves(name: string, value: unknown): readonly string[] {
  if (typeof value === "string")
    return SECRET_NAME.test(name) || ADDRESS.test(value) ? partsOfVariable(name, value) : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => leaves(Array.isArray(value) ? name : key, below));
}
