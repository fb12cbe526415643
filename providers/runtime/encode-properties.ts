/**
 * Encodes and decodes properties on the wire: a protobuf Struct that marks secrets, unknowns and files by agreed
 * signatures.
 */
import structPb from "google-protobuf/google/protobuf/struct_pb.js";
import type { Struct, Value } from "google-protobuf/google/protobuf/struct_pb.js";
import { FileValue, isList, isMap, Secret, UNKNOWN, Unknown } from "./property-values.ts";
import type { PropertyMap, PropertyValue } from "./property-values.ts";

/** Reads properties that the engine sent. A missing Struct is an empty map. */
export function decode(struct: Struct | undefined): PropertyMap {
  const map: Record<string, PropertyValue> = {};
  struct?.getFieldsMap().forEach((value, name) => {
    map[name] = decodeValue(value);
  });
  return map;
}

/** Writes properties for the engine; secrets stay marked, so the engine encrypts them. */
export function encode(map: PropertyMap): Struct {
  const struct = new structPb.Struct();
  const fields = struct.getFieldsMap();
  for (const [name, value] of Object.entries(map)) fields.set(name, encodeValue(value));
  return struct;
}

function decodeValue(value: Value): PropertyValue {
  switch (value.getKindCase()) {
    case structPb.Value.KindCase.BOOL_VALUE:
      return value.getBoolValue();
    case structPb.Value.KindCase.NUMBER_VALUE:
      return value.getNumberValue();
    case structPb.Value.KindCase.STRING_VALUE:
      return UNKNOWN_SENTINELS.has(value.getStringValue()) ? UNKNOWN : value.getStringValue();
    case structPb.Value.KindCase.LIST_VALUE:
      return (value.getListValue()?.getValuesList() ?? []).map(decodeValue);
    case structPb.Value.KindCase.STRUCT_VALUE:
      return decodeSigned(decode(value.getStructValue()));
    default:
      return null;
  }
}

function decodeSigned(map: PropertyMap): PropertyValue {
  const { [SIGNATURE]: signature, ...rest } = map;
  switch (signature) {
    case SIGNATURES.secret:
      return new Secret(rest.value ?? null);
    case SIGNATURES.output: {
      const value = rest.value ?? UNKNOWN;
      return rest.secret === true ? new Secret(value) : value;
    }
    case SIGNATURES.asset:
      return new FileValue("asset", rest);
    case SIGNATURES.archive:
      return new FileValue("archive", rest);
    case SIGNATURES.resource:
      // We do not accept references, so the engine sends ids; an older one that does not is answered the same way.
      return rest.id ?? rest.urn ?? null;
    default:
      return map;
  }
}

function encodeValue(value: PropertyValue): Value {
  const out = new structPb.Value();
  if (value === null) out.setNullValue(structPb.NullValue.NULL_VALUE);
  else if (typeof value === "boolean") out.setBoolValue(value);
  else if (typeof value === "number") out.setNumberValue(value);
  else if (typeof value === "string") out.setStringValue(value);
  else if (value instanceof Unknown) out.setStringValue(UNKNOWN_STRING);
  else if (value instanceof Secret) out.setStructValue(encode({ [SIGNATURE]: SIGNATURES.secret, value: value.value }));
  else if (value instanceof FileValue)
    out.setStructValue(encode({ ...value.fields, [SIGNATURE]: SIGNATURES[value.kind] }));
  else if (isList(value)) out.setListValue(encodeList(value));
  else if (isMap(value)) out.setStructValue(encode(value));
  return out;
}

function encodeList(values: readonly PropertyValue[]): structPb.ListValue {
  const list = new structPb.ListValue();
  list.setValuesList(values.map(encodeValue));
  return list;
}

/** The key under which a Struct says what it stands for; fixed by the protocol. */
export const SIGNATURE = "4dabf18193072939515e22adb298388d";

/** What can stand under {@link SIGNATURE}; fixed by the protocol. */
export const SIGNATURES = {
  secret: "1b47061264138c4ac30d75fd1eb44270",
  asset: "c44067f5952c0a294b673a41bacd8c17",
  archive: "0def7320c3a5731c473e5ecbe6d01bc7",
  resource: "5cf8f73096256a8f31e491e813e4eb8e",
  output: "d0e6a833031e9bbcd3f4e8bde6ca49a4",
} as const;

/** The string that stands for an unknown value of any type; fixed by the protocol. */
export const UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** All sentinels that an engine may send, one a type: string, boolean, number, list, asset, archive, object. */
const UNKNOWN_SENTINELS: ReadonlySet<string> = new Set([
  UNKNOWN_STRING,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);
