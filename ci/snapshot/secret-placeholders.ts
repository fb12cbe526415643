/** Withholds what a secret property value holds and keeps its form, and collects its texts. Pure. */

import { createHash } from "node:crypto";
import { StepError } from "../environment.ts";
import type { SecretTexts } from "./secret-texts.ts";
import { isObject, KIND, type Properties, SIGNATURE, UNKNOWN, type Value } from "./state-schema.ts";

/** What stands in a secret's place. */
export const WITHHELD = "withheld";

/** An address that leads nowhere, for an asset that is fetched. */
const WITHHELD_URI = "https://withheld.invalid/";

/** The engine computes a missing hash from the file, which is not there; a hash of a secret would let it be guessed. */
const WITHHELD_HASH = createHash("sha256").update(WITHHELD).digest("hex");

const WITHHELD_URN = "urn:pulumi:withheld::withheld::withheld:index:Withheld::withheld";

/** What the values of one state are withheld by. */
export interface Withholding {
  readonly texts: SecretTexts;
  /** The program's credentials, and those of a preview in their place. */
  readonly instead: ReadonlyMap<string, string>;
  /** The ids of the state's resources by URN: a reference to one of them says nothing that the state does not. */
  readonly ids: ReadonlyMap<string, string | undefined>;
}

/** A value outside of any secret, with every secret below it withheld. @param where names the place in an error */
export function withoutSecretsBelow(value: Value, how: Withholding, where: string): Value {
  if (Array.isArray(value)) return value.map((item: Value) => withoutSecretsBelow(item, how, where));
  if (!isObject(value)) return value;
  if (kindOf(value, where) === "secret") return secretOf(withheld(plaintextOf(value, where), how, where));
  return mapValues(value, (item) => withoutSecretsBelow(item, how, where));
}

/** The value of a secret in the same form, without its content. */
export function withheld(value: Value, how: Withholding, where: string): Value {
  if (typeof value === "string") return withheldText(value, how);
  if (typeof value === "number") {
    how.texts.add(String(value));
    return 0;
  }
  if (typeof value === "boolean") return false;
  if (Array.isArray(value)) return value.map((item: Value) => withheld(item, how, where));
  if (!isObject(value)) return null;
  const kind = kindOf(value, where);
  const own = { [SIGNATURE]: value[SIGNATURE] ?? null };
  switch (kind) {
    case undefined:
      return withFieldNames(value, how, where);
    case "secret":
      return secretOf(withheld(plaintextOf(value, where), how, where));
    case "asset":
    case "archive":
      return { ...own, ...withheldContent(value, how, where) };
    case "reference":
      return { ...own, ...withheldReference(value, how) };
    case "float":
      return { ...own, value: "7ff8000000000001" };
  }
}

function withheldText(text: string, { texts, instead }: Withholding): string {
  if (text === UNKNOWN) return text;
  texts.add(text);
  return instead.get(text) ?? WITHHELD;
}

/**
 * A key names a field and stays, since a preview compares the form. A key that does not look like a field's name may be
 * the secret itself, as in a map from tokens to their owners.
 */
function withFieldNames(value: Properties, how: Withholding, where: string): Properties {
  const entries = Object.entries(value).map(([key, item], index) => {
    const isName = FIELD_NAME.test(key) && key.replace(/\D/g, "").length <= MOST_DIGITS;
    if (!isName) how.texts.add(key);
    return [isName ? key : `${WITHHELD}-${index + 1}`, withheld(item, how, where)] as const;
  });
  return Object.fromEntries(entries);
}

const FIELD_NAME = /^[A-Za-z_.][A-Za-z0-9_./-]{0,39}$/;
const MOST_DIGITS = 5;

function withheldContent(value: Properties, how: Withholding, where: string): Properties {
  const entries = Object.entries(value).filter(([key]) => key !== SIGNATURE);
  return Object.fromEntries([
    ["hash", WITHHELD_HASH],
    ...entries.map(([key, item]) => {
      if (key === "assets" && isObject(item)) return [key, withheldFiles(item, how, where)] as const;
      how.texts.add(String(item));
      return [key, CONTENT.get(key) ?? WITHHELD] as const;
    }),
  ]) as Properties;
}

/** A file's name in a secret archive is part of its content. */
function withheldFiles(files: Properties, how: Withholding, where: string): Properties {
  const entries = Object.entries(files).map(([name, file], index) => {
    how.texts.add(name);
    return [`${WITHHELD}-${index + 1}`, withheld(file, how, where)] as const;
  });
  return Object.fromEntries(entries);
}

const CONTENT: ReadonlyMap<string, string> = new Map([
  ["hash", WITHHELD_HASH],
  ["uri", WITHHELD_URI],
]);

function withheldReference({ urn, id, packageVersion }: Properties, { texts, ids }: Withholding): Properties {
  const isOwn = typeof urn === "string" && ids.has(urn);
  if (!isOwn) texts.add(String(urn));
  const isOwnId = isOwn && id === ids.get(urn);
  if (typeof id === "string" && !isOwnId) texts.add(id);
  return {
    urn: isOwn ? urn : WITHHELD_URN,
    ...(id === undefined ? {} : { id: isOwnId || id === "" ? id : WITHHELD }),
    ...(packageVersion === undefined
      ? {}
      : { packageVersion: VERSION.test(String(packageVersion)) ? packageVersion : WITHHELD }),
  };
}

const VERSION = /^(?:v?\d+\.\d+\.\d+[\w.+-]{0,20})?$/;

/** The value as a secret of the engine. */
export function secretOf(value: Value): Properties {
  return { [SIGNATURE]: KIND.secret, plaintext: JSON.stringify(value) };
}

export type Kind = keyof typeof KIND;

/** @returns undefined for a plain object. @throws StepError for a special value of an unknown kind or form */
export function kindOf(value: Properties, where: string): Kind | undefined {
  if (!Object.hasOwn(value, SIGNATURE)) return undefined;
  const kind = (Object.keys(KIND) as Kind[]).find((one) => KIND[one] === value[SIGNATURE]);
  if (kind === undefined) throw unknownForm(where, "a special value of an unknown kind");
  if (kind === "secret" && Object.hasOwn(value, "ciphertext"))
    throw unknownForm(where, "a secret that is still encrypted");
  const { required, optional } = FIELDS[kind];
  const entries = Object.entries(value).filter(([key]) => key !== SIGNATURE);
  const fields = new Map(Object.entries({ ...required, ...optional }));
  const isKnown = entries.every(([key, item]) => fields.get(key)?.(item) ?? false);
  if (!isKnown || Object.keys(required).some((key) => !Object.hasOwn(value, key)))
    throw unknownForm(where, `a value of the kind "${kind}" with unknown fields`);
  return kind;
}

type Fields = Readonly<Record<string, (value: Value) => boolean>>;

const isText = (value: Value): boolean => typeof value === "string";
const isContent = (value: Value): boolean =>
  isObject(value) && Object.values(value).every((item) => isObject(item) && CONTENTS.includes(item[SIGNATURE] ?? null));
const CONTENTS: readonly Value[] = [KIND.asset, KIND.archive];

const FIELDS: Readonly<Record<Kind, { readonly required: Fields; readonly optional: Fields }>> = {
  secret: { required: { plaintext: isText }, optional: {} },
  asset: { required: {}, optional: { hash: isText, text: isText, path: isText, uri: isText } },
  archive: { required: {}, optional: { hash: isText, assets: isContent, path: isText, uri: isText } },
  reference: { required: { urn: isText }, optional: { id: isText, packageVersion: isText } },
  float: { required: { value: isText }, optional: {} },
};

/** What a secret in plain text holds. @throws StepError */
export function plaintextOf({ plaintext }: Properties, where: string): Value {
  try {
    return JSON.parse(String(plaintext)) as Value;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    // The parser's own message repeats the text.
    throw unknownForm(where, "a secret whose text is not JSON");
  }
}

const unknownForm = (where: string, found: string): StepError =>
  new StepError(
    `${where} holds ${found} in the exported state: nothing was published. ` +
      "ci/snapshot/secret-placeholders.ts lists what the engine is known to write; extend it, or pin the engine to an older version.",
  );

/** The same object with other values; a key such as `__proto__` stays a key. */
export const mapValues = (value: Properties, change: (item: Value, key: string) => Value): Properties =>
  Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item, key)]));
