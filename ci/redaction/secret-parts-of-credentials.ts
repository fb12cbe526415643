/** Finds the parts of a credential that must not be shown. Hiding the whole would hide the plain words in it from every message. */

import { parseDocument, visit, isScalar } from "yaml";

/**
 * @param name the variable or credential, in upper or lower case: its ending tells lines `NAME=value` (`…_environment`), a
 * kubeconfig, a chat's webhook and a login from everything else, which is hidden as a whole
 */
export function secretParts(name: string, value: string): readonly string[] {
  const text = value.trim();
  if (text === "" || /_user$/i.test(name)) return [];
  if (/environment$/i.test(name)) return text.split(/\r?\n/).flatMap(partsOfLine);
  if (/webhook$/i.test(name)) return partsOfWebhook(text);
  if (/kubeconfig$/i.test(name)) return partsOfDocument(text);
  return partsOfVariable(name, text);
}

function partsOfLine(line: string): readonly string[] {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/.exec(line) ?? [];
  if (name !== undefined && value !== undefined) return partsOfVariable(name, value);
  return line.startsWith("#") || line.trim() === "" ? [] : [line.trim()];
}

/** A region, a file or a switch is no secret, and hiding every "true" would make a log unreadable. */
function partsOfVariable(name: string, value: string): readonly string[] {
  if (/CONNECTION_STRING$/i.test(name)) return orWhole(value, value.split(";").flatMap(partsOfField));
  if (SWITCH.test(value)) return [];
  if (PLAIN_NAME.test(name) && PLAIN_VALUE.test(value)) return ADDRESS.test(value) ? partsOfAddress(value) : [];
  if (/CREDENTIALS$/i.test(name) && /^[{/]/.test(value)) return value.startsWith("/") ? [] : partsOfDocument(value);
  // A key may begin with a slash, and a passphrase look like anything: what is secret by its name is hidden as a whole.
  if (SECRET_NAME.test(name)) return [value, ...partsOfQuery(value)];
  if (ADDRESS.test(value)) return partsOfAddress(value);
  return value.length < SHORTEST || /^\/[\w./-]+$/.test(value) ? [] : [value];
}

const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\//i;
const SECRET_NAME = /PASS|TOKEN|KEY|SECRET|CREDENTIAL|SAS|SIG|CODE|CLIENT-CERTIFICATE-DATA/i;
const PLAIN_NAME =
  /(?:REGION|ACCOUNT|PROFILE|NAMESPACE|FILE|PATH|CERT|BUNDLE|PROJECT|USER|HOST|DATABASE|PROVIDER|MODE)$/i;
/** A file's content, an option string or a document is none, whatever its name says. */
const PLAIN_VALUE = /^[^\s{=]+$|^[a-z][a-z0-9+.-]*:\/\/\S+$/i;
const SWITCH = /^(?:true|false|yes|no|on|off)$/i;
/** Characters of a value whose name does not say that it is secret. */
const SHORTEST = 6;

const orWhole = (value: string, parts: readonly string[]): readonly string[] => (parts.length > 0 ? parts : [value]);

/** Of Azure's form: `AccountName=…;AccountKey=…`. */
function partsOfField(field: string): readonly string[] {
  const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(field) ?? [];
  return value !== "" && SECRET_NAME.test(name) ? [value, ...partsOfQuery(value)] : [];
}

/**
 * The user's password, and what in the query is secret. A password may hold any sign but a blank. A user without one is
 * a token on the web, and elsewhere the name of an account.
 */
function partsOfAddress(address: string): readonly string[] {
  const rest = address.replace(ADDRESS, "");
  const isTokenUser = (user: string) => /^https?:/i.test(address) || isToken(user);
  // An address in the query has a user of its own.
  const own = rest.slice(0, /[?&][^=&]*=[a-z][a-z0-9+.-]*:\/\//i.exec(rest)?.index);
  const at = own.lastIndexOf("@");
  const user = at < 0 ? "" : rest.slice(0, at);
  const password = user.includes(":") ? user.slice(user.indexOf(":") + 1) : isTokenUser(user) ? user : "";
  const [, query = ""] = /\?([^#]*)/.exec(rest.slice(at + 1)) ?? [];
  return [...inEachForm(password), ...partsOfQuery(query)];
}

/** Neither a word such as the name of an account, nor one with a number behind it. */
const isToken = (text: string): boolean =>
  text.length >= 16 && ((/\d/.test(text) && /[a-z]/i.test(text)) || (/[a-z]/.test(text) && /[A-Z]/.test(text)));

const partsOfQuery = (query: string): readonly string[] =>
  query.split("&").flatMap((pair) => {
    const [, name = "", value = ""] = /^([^=]*)=(.*)$/.exec(pair) ?? [];
    const [whole = ""] = inEachForm(value).slice(-1);
    if (ADDRESS.test(whole)) return partsOfAddress(whole);
    const isRandom = isToken(whole) && !whole.includes("/") && !HOST.test(whole);
    return isRandom || SECRET_NAME.test(name) ? inEachForm(value) : [];
  });

const HOST = /^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+(?::\d{1,5})?$/;

/** The path of a webhook is its credential, but for the words that the servers put into it. */
function partsOfWebhook(address: string): readonly string[] {
  if (!ADDRESS.test(address)) return [address];
  const [, path = ""] = /^[^:]+:\/\/[^/?#]*([^?#]*)/.exec(address) ?? [];
  const segments = path.split("/").filter((one) => one.length >= SHORTEST && !PLAIN_SEGMENT.test(one));
  return [...partsOfAddress(address), ...segments.flatMap(inEachForm)];
}

const PLAIN_SEGMENT =
  /^(?:hooks?|services|api|webhooks?|workflows|incoming|external|messages|triggers|invoke|manual|paths|spaces|rooms|deployments?)$/i;

/** As it stands, and decoded. A password may hold a sign of per cent that is no escape. */
function inEachForm(part: string): readonly string[] {
  if (part === "") return [];
  try {
    return [...new Set([part, decodeURIComponent(part)])];
  } catch {
    return [part];
  }
}

/** Of YAML or JSON: the values below secret names, those of variables, and those of a command's options. */
function partsOfDocument(text: string): readonly string[] {
  try {
    const document = parseDocument(text, { schema: "failsafe" });
    if (document.errors.length + document.warnings.length > 0) return [text];
    const parts: string[] = [];
    visit(document, {
      Pair: (_key, { key, value }) => {
        const name = isScalar(key) ? String(key.value) : "";
        if (!isScalar(value)) return;
        const content = String(value.value);
        if (ADDRESS.test(content)) parts.push(...partsOfAddress(content));
        else if (SECRET_NAME.test(name)) parts.push(...partsOfVariable(name, content), ...decoded(name, content));
        else if (name === "value" && content.length >= SHORTEST && !SWITCH.test(content)) parts.push(content);
      },
      Scalar: (_key, { value }) => {
        const [, option] = /^--[\w-]+=(.+)$/.exec(String(value)) ?? [];
        if (option !== undefined && option.length >= SHORTEST) parts.push(option);
      },
    });
    return orWhole(
      text,
      parts.filter((part) => part !== ""),
    );
  } catch {
    return [text];
  }
}

/** A kubeconfig holds keys in base64, and a program that reads one may repeat what it has decoded. */
function decoded(name: string, content: string): readonly string[] {
  const text = /-data$/.test(name) ? Buffer.from(content, "base64").toString("utf8") : "";
  return text.length < SHORTEST ? [] : [text];
}
